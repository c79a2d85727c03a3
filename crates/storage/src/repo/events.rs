//! The inbox: every verified message, once.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StorageError;

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

/// A message to store.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// The message's kind.
    pub kind: &'a str,
    /// The provider's id of its call.
    pub vapi_call_id: Option<&'a str>,
    /// What makes a second delivery the same message; unique in the organization.
    pub dedupe_key: &'a str,
    /// How it was taken.
    pub verdict: EventVerdict,
    /// How its organization was found.
    pub trace: Value,
    /// The body, redacted; compressed by the storage.
    pub body: &'a [u8],
    /// The request that brought it.
    pub request_id: &'a str,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
}

/// What storing a message did.
#[derive(Clone, Debug, PartialEq)]
pub enum Inserted {
    /// The message is new.
    New(EventId),
    /// The message was stored before, with what was answered then. The delivery is counted.
    Again {
        /// The stored message.
        id: EventId,
        /// What was answered, for kinds the provider waits for.
        answer: Option<Value>,
    },
}

/// The inbox of one organization.
#[async_trait]
pub trait Events: Send {
    /// Stores a message unless its dedupe key is known. Waits for a running delivery of the same key.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn insert(&mut self, event: &NewEvent<'_>) -> Result<Inserted, StorageError>;

    /// Replaces the body of a stored message by a fuller delivery's.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone.
    async fn replace_body(&mut self, id: EventId, body: &[u8]) -> Result<(), StorageError>;

    /// Keeps what was answered.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone.
    async fn save_answer(&mut self, id: EventId, answer: &Value) -> Result<(), StorageError>;

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
