//! The inbox: every verified message, once.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::error::StorageError;
use crate::record::{Record, Recorded};
use crate::repo::messages::EventId;

/// The inbox of one organization.
#[async_trait]
pub trait Events: Send {
    /// Records a message: inbox, pin, ledger, contact, as the [`Record`] says. Waits for a running delivery of the same
    /// message. A fuller delivery's body replaces the stored one.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn record(&mut self, record: Arc<Record>) -> Result<Recorded, StorageError>;

    /// Replaces the body of a stored message by a fuller delivery's.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone.
    async fn replace_body(&mut self, id: EventId, body: &[u8]) -> Result<(), StorageError>;

    /// The body of a stored message, decompressed.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the body is corrupt.
    async fn body(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StorageError>;

    /// How a stored message's organization was found: the JSON document that it was recorded with.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the trace is corrupt.
    async fn trace(&mut self, id: EventId) -> Result<Option<Value>, StorageError>;

    /// How many messages of a call are stored; of all calls for `None`.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn count(&mut self, vapi_call_id: Option<&str>) -> Result<i64, StorageError>;
}
