//! The writer on loan: whatever happens to a transaction, the next one finds the writer without it.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel_async::SimpleAsyncConnection;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::dialect::Conn;
use crate::error::StorageError;

/// The writer, in a transaction. Dropped without [`release`](Self::release), that is rolled back before the next one
/// begins.
pub(super) struct Lease {
    writer: Option<OwnedMutexGuard<Conn>>,
}

impl Lease {
    /// Waits a bounded time for the writer and begins a transaction.
    pub(super) async fn begin(writer: &Arc<Mutex<Conn>>, wait: Duration) -> Result<Self, StorageError> {
        Self::begin_on(turn(writer, wait).await?).await
    }

    /// Begins a transaction on the writer.
    pub(super) async fn begin_on(guard: OwnedMutexGuard<Conn>) -> Result<Self, StorageError> {
        // The value exists before BEGIN is sent, so that giving up in between rolls back like any other drop.
        let mut lease = Self { writer: Some(guard) };
        lease.conn()?.batch_execute("BEGIN IMMEDIATE").await?;
        Ok(lease)
    }

    pub(super) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
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
            drop(writer.spawn_blocking(|conn| conn.batch_execute("ROLLBACK")));
        }
    }
}

/// Waits a bounded time for the writer.
pub(super) async fn turn(
    writer: &Arc<Mutex<Conn>>,
    wait: Duration,
) -> Result<OwnedMutexGuard<Conn>, StorageError> {
    let turn = timeout(wait, Arc::clone(writer).lock_owned()).await;
    turn.map_err(|_cause| StorageError::unavailable("the writer is busy"))
}
