//! The quarantine as operators see it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::OrgId;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::OperatorScope;
use crate::error::StorageError;
use crate::repo::After;

/// What a backend offers to operators of the quarantine.
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

/// A message that the deployment's shared secret verified and nobody owned, without its body.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantineEntry {
    /// Our id.
    pub id: Uuid,
    /// The message's kind.
    pub kind: String,
    /// The provider's id of its call.
    pub vapi_call_id: Option<String>,
    /// What makes a second delivery the same message; empty for those that an older version kept.
    pub dedupe_key: String,
    /// What it says about its organization, an array.
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

impl OperatorScope {
    /// The messages of the quarantine in the order of their arrival, at most `limit`, from the oldest or after one.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn list_quarantined(
        &mut self,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<QuarantineEntry>, StorageError> {
        self.store.quarantined(after, limit).await
    }

    /// A message of the quarantine with its body. Reading it is an act of its own in the audit log, once the scope is
    /// committed.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the body is corrupt.
    pub async fn quarantined(
        &mut self,
        id: Uuid,
    ) -> Result<Option<(QuarantineEntry, Vec<u8>)>, StorageError> {
        let found = self.store.quarantined_message(id).await?;
        if found.is_some() {
            self.store.audit("read quarantined message", &id.to_string(), Map::new()).await?;
        }
        Ok(found)
    }

    /// Removes a message that an organization has claimed, or that nobody will; false when it is not there any more.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn remove_quarantined(
        &mut self,
        id: Uuid,
        claimed_by: Option<OrgId>,
    ) -> Result<bool, StorageError> {
        let is_removed = self.store.remove_quarantined(id).await?;
        if is_removed {
            let mut detail = Map::new();
            let action = match claimed_by {
                Some(org) => {
                    detail.insert("organization_id".to_owned(), Value::String(org.to_string()));
                    "claim quarantined message"
                }
                None => "drop quarantined message",
            };
            self.store.audit(action, &id.to_string(), detail).await?;
        }
        Ok(is_removed)
    }
}
