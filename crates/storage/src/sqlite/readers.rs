//! A few connections that read while the writer writes.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::dialect::Conn;
use crate::error::StorageError;

/// Connections that are free, and a count of them to wait on.
pub(super) struct Readers {
    free: Mutex<Vec<Conn>>,
    permits: Semaphore,
    wait: Duration,
}

impl Readers {
    pub(super) fn new(connections: Vec<Conn>, wait: Duration) -> Self {
        Self { permits: Semaphore::new(connections.len()), free: Mutex::new(connections), wait }
    }

    /// Takes a connection, and waits a bounded time for one.
    pub(super) async fn get(&self) -> Result<Reader<'_>, StorageError> {
        let waited = timeout(self.wait, self.permits.acquire()).await;
        let permit = waited.map_err(StorageError::unavailable)?.map_err(StorageError::unavailable)?;
        let conn = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Reader { conn, readers: self, _permit: permit })
    }
}

/// A reading connection on loan. A read that was given up runs to its end first: the connection keeps its order.
pub(super) struct Reader<'a> {
    conn: Option<Conn>,
    readers: &'a Readers,
    _permit: SemaphorePermit<'a>,
}

impl Reader<'_> {
    pub(super) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        self.conn.as_mut().ok_or_else(|| StorageError::unavailable("no reading connection is left"))
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // Before the permit is given back, which fields are after this body.
        self.readers.free.lock().unwrap_or_else(PoisonError::into_inner).extend(self.conn.take());
    }
}
