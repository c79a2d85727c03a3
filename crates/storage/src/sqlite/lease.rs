//! Transactions that cannot leak: whatever happens to a scope, the writer is handed on without one.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::result::QueryResult;
use diesel_async::SimpleAsyncConnection;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::Conn;
use crate::error::StorageError;

/// The writer's transaction. Dropped without [`commit`](Self::commit), it is rolled back before the next one begins.
pub(crate) struct Tx {
    writer: Option<OwnedMutexGuard<Conn>>,
    has_failed: bool,
}

impl Tx {
    /// Waits a bounded time for the writer and begins.
    pub(super) async fn begin(writer: &Arc<Mutex<Conn>>, wait: Duration) -> Result<Self, StorageError> {
        let guard = turn(writer, wait).await?;
        // The value exists before BEGIN is sent, so that giving up in between rolls back like any other drop.
        let mut tx = Self { writer: Some(guard), has_failed: false };
        tx.conn()?.batch_execute("BEGIN IMMEDIATE").await?;
        Ok(tx)
    }

    /// The connection, for one statement.
    pub(super) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            None => Err(StorageError::rejected("the writer was given back")),
        }
    }

    /// Notes a statement's failure. SQLite would go on, PostgreSQL would not: a scope behaves the same on both.
    pub(super) fn check<T>(&mut self, outcome: QueryResult<T>) -> Result<T, StorageError> {
        self.has_failed |= outcome.is_err();
        outcome.map_err(StorageError::from)
    }

    /// Notes a failure beside the statements: nothing of the scope is to be kept.
    pub(super) fn fail<T>(&mut self, error: StorageError) -> Result<T, StorageError> {
        self.has_failed = true;
        Err(error)
    }

    pub(super) async fn commit(mut self) -> Result<(), StorageError> {
        if self.has_failed {
            return Err(StorageError::rejected("a statement of the scope failed, so nothing is kept"));
        }
        self.conn()?.batch_execute("COMMIT").await?;
        self.writer = None;
        Ok(())
    }

    pub(super) async fn rollback(mut self) -> Result<(), StorageError> {
        self.conn()?.batch_execute("ROLLBACK").await?;
        self.writer = None;
        Ok(())
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

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            // Sent down the connection's own queue: after the statement that may still run, before the next BEGIN.
            // Without a transaction it fails, which is as good.
            drop(writer.spawn_blocking(|conn| conn.batch_execute("ROLLBACK")));
        }
    }
}
