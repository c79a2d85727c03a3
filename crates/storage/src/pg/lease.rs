//! Connections on loan: one comes back to its pool in good order, or not at all, so that no transaction leaks.

use deadpool::managed::{Object, PoolError, TimeoutType};
use diesel::result::QueryResult;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::try_join;
use org_resolver::OrgId;

use super::connect::{PgManager, Pool};
use super::dialect::{Conn, set_config};
use crate::classify::is_connection_lost;
use crate::error::StorageError;
use crate::turns::Turn;

/// A connection on loan. Dropped, it is closed; only [`release`](Self::release) gives it back.
pub(super) struct Lease {
    object: Option<Object<PgManager>>,
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
        match pool.get().await {
            Ok(object) => Ok(Self { object: Some(object), turn: None }),
            Err(PoolError::Backend(error)) => Err(error),
            Err(PoolError::Timeout(TimeoutType::Wait)) => {
                Err(StorageError::unavailable("every database connection is in use"))
            }
            Err(other) => Err(StorageError::unavailable(other.to_string())),
        }
    }

    /// Takes a connection and begins a transaction, inside an organization where one is named.
    pub(super) async fn begin(pool: &Pool, org: Option<OrgId>) -> Result<Self, StorageError> {
        let mut lease = Self::get(pool).await?;
        let mut begun = begin_on(lease.conn()?, org).await;
        if begun.as_ref().is_err_and(is_connection_lost) {
            // The server went away since the connection was last used. It has not been asked anything yet.
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

    /// Another connection for one that is dead. The idle ones are forgotten: most likely they are dead too.
    pub(super) async fn renew(mut self, pool: &Pool) -> Result<Self, StorageError> {
        let turn = self.turn.take();
        drop(self);
        pool.retain(|_, _| false);
        let mut lease = Self::get(pool).await?;
        lease.turn = turn;
        Ok(lease)
    }

    pub(super) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        match &mut self.object {
            Some(object) => Ok(&mut object.conn),
            None => Err(StorageError::rejected("the connection was given back")),
        }
    }

    /// Gives the connection back. No transaction is open on it and no statement runs.
    pub(super) fn release(mut self) {
        drop(self.object.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            Object::take(object).kill();
        }
    }
}

/// Sends the beginning and the setting together: one round trip.
async fn begin_on(conn: &mut Conn, org: Option<OrgId>) -> QueryResult<()> {
    let conn = &*conn;
    let Some(org) = org else { return (&mut &*conn).batch_execute("BEGIN").await };
    let mut first = conn;
    let mut second = conn;
    // The setting ends with the transaction, so that it never meets another organization's.
    let setting = diesel::select(set_config("app.organization_id", org.to_string(), true));
    try_join(first.batch_execute("BEGIN"), setting.execute(&mut second)).await.map(|_| ())
}
