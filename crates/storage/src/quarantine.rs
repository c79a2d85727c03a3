//! The quarantine: messages that the deployment's shared secret verified and nobody claims yet.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StorageError;
use crate::repo::After;
use crate::schema::quarantine;

/// A message that only the deployment's shared secret verified, and nobody claims yet.
#[derive(Clone, Debug)]
pub struct QuarantinedMessage<'a> {
    /// The message's kind.
    pub kind: &'a str,
    /// The provider's id of its call.
    pub vapi_call_id: Option<&'a str>,
    /// The key that a second delivery shares, in whichever organization claims it.
    pub dedupe_key: &'a str,
    /// Its identifiers of an organization, an array.
    pub identifiers: Value,
    /// The body, redacted; compressed by the storage.
    pub body: &'a [u8],
    /// The request that brought it.
    pub request_id: &'a str,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
}

/// How much the quarantine keeps; the oldest messages go first. Of one identifier it keeps 100 messages at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineBounds {
    /// Most messages.
    pub max_messages: u32,
    /// Most bytes, as they are stored: bodies are compressed.
    pub max_bytes: u64,
    /// How old a message may get, in hours.
    pub max_age_hours: u32,
}

impl QuarantineBounds {
    /// Their name among the deployment's values.
    pub(crate) const NAME: &str = "quarantine";

    /// The bounds as they are stored; the usual ones where there are none.
    pub(crate) fn read(stored: Option<&[u8]>) -> Result<Self, StorageError> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        serde_json::from_slice(stored)
            .map_err(|_cause| StorageError::inconsistent("deployment", "value", &Self::NAME))
    }
}

impl Default for QuarantineBounds {
    fn default() -> Self {
        Self { max_messages: 10_000, max_bytes: 256 << 20, max_age_hours: 7 * 24 }
    }
}

/// A message that the deployment's shared secret verified and nobody owned, without its body.
#[derive(Clone, Debug, PartialEq, Queryable, Selectable)]
#[diesel(table_name = quarantine)]
pub struct QuarantineEntry {
    /// Our id.
    pub id: Uuid,
    /// The message's kind.
    pub kind: String,
    /// The provider's id of its call.
    pub vapi_call_id: Option<String>,
    /// The key that a second delivery shares; empty for those that an older version kept.
    pub dedupe_key: String,
    /// Its identifiers of an organization, an array.
    pub identifiers: Value,
    /// The length of its body, redacted.
    pub body_bytes: i32,
    /// The request that brought it.
    pub request_id: String,
    /// When it arrived.
    pub received_at: DateTime<Utc>,
}

impl QuarantineEntry {
    /// Its place in the list.
    pub fn place(&self) -> After {
        After { received_at: self.received_at, id: self.id }
    }
}

/// A backend's duties towards operators of the quarantine.
#[async_trait]
pub(crate) trait QuarantineStore: Send {
    /// Messages in the order of their arrival, without their bodies.
    async fn quarantined(
        &mut self,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<QuarantineEntry>, StorageError>;

    /// One message with its body.
    async fn quarantined_message(
        &mut self,
        id: Uuid,
    ) -> Result<Option<(QuarantineEntry, Vec<u8>)>, StorageError>;

    /// Removes a message; false when it is not there.
    async fn remove_quarantined(&mut self, id: Uuid) -> Result<bool, StorageError>;
}
