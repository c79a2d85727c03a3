//! The inbox: every verified message, once.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::error::StorageError;
use crate::record::{Record, Recorded};

/// Names a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId(pub Uuid);

/// How a stored message was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventVerdict {
    /// Acted upon.
    Accepted,
    /// Of a known kind whose body has another shape than the one we know; kept raw.
    Drifted,
    /// Refused: identifiers of two organizations.
    Conflict,
    /// Refused: the organization is switched off.
    Inactive,
}

impl EventVerdict {
    /// The verdict's name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Drifted => "drifted",
            Self::Conflict => "conflict",
            Self::Inactive => "inactive",
        }
    }

    /// Reads a name of the table.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Accepted, Self::Drifted, Self::Conflict, Self::Inactive]
            .into_iter()
            .find(|verdict| verdict.as_str() == name)
    }
}

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

    /// How many messages of a call are stored; of all calls for `None`.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn count(&mut self, vapi_call_id: Option<&str>) -> Result<i64, StorageError>;
}
