//! The quarantine: messages that the deployment's shared secret verified and nobody claims yet.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
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

/// How much the quarantine keeps; the oldest messages go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuarantineBounds {
    /// Most messages.
    pub max_messages: u32,
    /// Most bytes of stored bodies, compressed.
    pub max_bytes: u64,
    /// How old a message may get.
    pub max_age: Duration,
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
