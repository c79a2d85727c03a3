//! The writer on loan: whatever happens to a transaction, the next one finds the writer without it.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel_async::SimpleAsyncConnection;
use org_resolver::OrgId;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::dialect::Conn;
use crate::error::StorageError;
use crate::turns::{Turn, Turns};

/// SQLite has one writer at a time, so transactions take turns here, where waiting is cheap and fair: each organization
/// stands in line once, however much it has to write.
pub(super) struct Line {
    writer: Arc<Mutex<Conn>>,
    turns: Turns,
    wait: Duration,
}

/// The writer's connection, for whose turn it is.
pub(super) struct Writer {
    pub(super) conn: OwnedMutexGuard<Conn>,
    /// Given back after the connection.
    _own: Option<Turn>,
}

impl Line {
    /// For one connection, waited for at most so long.
    pub(super) fn new(writer: Conn, wait: Duration) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)), turns: Turns::new(1, wait), wait }
    }

    /// Waits a bounded time for the writer, outside any organization.
    pub(super) async fn get(&self) -> Result<Writer, StorageError> {
        self.stand(None).await
    }

    /// Waits for an organization's turn, and then for the writer.
    pub(super) async fn get_for(&self, org: OrgId) -> Result<Writer, StorageError> {
        self.stand(Some(self.turns.take(org).await?)).await
    }

    /// Like [`get_for`](Self::get_for), no longer than a message waits for its booking.
    pub(super) async fn get_for_message(&self, org: OrgId) -> Result<Writer, StorageError> {
        self.stand(Some(self.turns.take_for_message(org).await?)).await
    }

    async fn stand(&self, own: Option<Turn>) -> Result<Writer, StorageError> {
        let conn = timeout(self.wait, Arc::clone(&self.writer).lock_owned()).await;
        let conn = conn.map_err(|_elapsed| StorageError::unavailable("the writer is busy"))?;
        Ok(Writer { conn, _own: own })
    }
}

/// The writer, in a transaction. Dropped without [`release`](Self::release), that is rolled back before the next one
/// begins.
pub(super) struct Lease {
    writer: Option<Writer>,
}

impl Lease {
    /// Begins a transaction on the writer.
    pub(super) async fn begin(writer: Writer) -> Result<Self, StorageError> {
        // The value exists before BEGIN is sent, so that giving up in between rolls back like any other drop.
        let mut lease = Self { writer: Some(writer) };
        lease.conn()?.batch_execute("BEGIN IMMEDIATE").await?;
        Ok(lease)
    }

    pub(super) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        match &mut self.writer {
            Some(writer) => Ok(&mut writer.conn),
            None => Err(StorageError::rejected("the writer was given back")),
        }
    }

    /// Gives the writer back. No transaction is open on it.
    pub(super) fn release(mut self) {
        self.writer = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // Sent down the connection's own queue: after the statement that may still run, before the next BEGIN.
            // Without a transaction it fails, which is as good.
            drop(writer.conn.spawn_blocking(|conn| conn.batch_execute("ROLLBACK")));
        }
    }
}
