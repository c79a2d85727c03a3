//! Connections on loan: one comes back to its pool in good order, or not at all, so that no transaction leaks.

use diesel::result::QueryResult;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::try_join;
use org_resolver::OrgId;

use super::dialect::{Conn, current_setting, set_config};
use super::pool::{Pool, Taken};
use crate::classify::needs_new_session;
use crate::error::StorageError;
use crate::turns::Turn;

/// A connection on loan. Dropped, it is closed; only [`release`](Self::release) gives it back.
pub(super) struct Lease {
    taken: Option<Taken>,
    /// The organization's turn that the connection was taken in.
    turn: Option<Turn>,
}

impl Lease {
    /// Takes a connection, and waits a bounded time for one.
    pub(super) async fn get(pool: &Pool) -> Result<Self, StorageError> {
        // The login worked at the start, so a refusal now is the server's trouble, not a wrong setting.
        Self::get_first(pool).await.map_err(|error| match error {
            StorageError::Configuration(text) => StorageError::unavailable(text),
            other => other,
        })
    }

    /// Like [`get`](Self::get), and tells a wrong setting from a database that is away.
    pub(super) async fn get_first(pool: &Pool) -> Result<Self, StorageError> {
        Ok(Self { taken: Some(pool.get().await?), turn: None })
    }

    /// Takes a connection and begins a transaction, inside an organization where one is named.
    pub(super) async fn begin(pool: &Pool, org: Option<OrgId>) -> Result<Self, StorageError> {
        let mut lease = Self::get(pool).await?;
        let mut begun = begin_on(lease.conn()?, org).await;
        // The server went away since the connection was last used, or the session began where nothing could be written.
        // Nothing has been asked of it yet.
        if begun.as_ref().map_or_else(needs_new_session, |is_read_only| *is_read_only) {
            lease = lease.renew(pool).await?;
            begun = begin_on(lease.conn()?, org).await;
        }
        begun?;
        Ok(lease)
    }

    /// Holds an organization's turn for as long as the connection.
    pub(super) fn in_turn(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }

    /// A fresh connection for one that is of no use. The idle ones are forgotten: most likely they are of none either.
    pub(super) async fn renew(mut self, pool: &Pool) -> Result<Self, StorageError> {
        let turn = self.turn.take();
        drop(self);
        pool.forget_idle();
        let mut lease = Self::get(pool).await?;
        lease.turn = turn;
        Ok(lease)
    }

    pub(super) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        match &mut self.taken {
            Some(taken) => Ok(&mut taken.conn().conn),
            None => Err(StorageError::rejected("the connection was given back")),
        }
    }

    /// Gives the connection back. No transaction is open on it and no statement runs.
    pub(super) fn release(mut self) {
        if let Some(taken) = self.taken.take() {
            taken.release();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            taken.close();
        }
    }
}

/// Sends the beginning and the setting together: one round trip. Says whether the transaction can only read.
async fn begin_on(conn: &mut Conn, org: Option<OrgId>) -> QueryResult<bool> {
    let conn = &*conn;
    let mut first = conn;
    let mut second = conn;
    let org = org.map_or_else(String::new, |org| org.to_string());
    // The setting ends with the transaction, so that it never meets another organization's. Without an organization it is
    // what every transaction finds after the first.
    let setting = diesel::select((
        set_config("app.organization_id", org, true),
        current_setting("transaction_read_only"),
    ));
    let (_, found) =
        try_join(first.batch_execute("BEGIN"), setting.load::<(String, String)>(&mut second)).await?;
    Ok(found.iter().any(|(_, read_only)| read_only == "on"))
}
