//! The inbox as an operator works through it again.

use async_trait::async_trait;
use diesel::prelude::*;

use crate::error::StorageError;
use crate::repo::messages::{After, EventId, EventVerdict, StoredMessage};
use crate::repo::tool_results::KeyHash;
use crate::schema::organizations;

/// How the organization stands, as seen in the scope's own transaction.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = organizations)]
pub struct OrgState {
    /// Whether its messages are served.
    pub is_active: bool,
    /// True from its first own credential on, for good.
    pub has_own_credentials: bool,
    /// The provider's account that it registered.
    pub vapi_org_id: Option<String>,
}

/// The stored messages of one organization. Reading them does not count as a delivery.
#[async_trait]
pub trait Inbox: Send {
    /// A message by its id.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the row is corrupt.
    async fn get(&mut self, id: EventId) -> Result<Option<StoredMessage>, StorageError>;

    /// A message by its dedupe key.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the row is corrupt.
    async fn find_by_key(&mut self, dedupe_key: &str) -> Result<Option<StoredMessage>, StorageError>;

    /// A call's messages in the order of their arrival, at most `limit`, from the beginning or after a message.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a row is corrupt.
    async fn list(
        &mut self,
        vapi_call_id: &str,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<StoredMessage>, StorageError>;

    /// Changes how a message counts as taken.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone.
    async fn set_verdict(&mut self, id: EventId, verdict: EventVerdict) -> Result<(), StorageError>;

    /// Whether the call is pinned to the organization.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn is_pinned(&mut self, vapi_call_id: &str) -> Result<bool, StorageError>;

    /// How many entries the security log has for the call.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn alarms(&mut self, vapi_call_id: &str) -> Result<i64, StorageError>;

    /// Whether a tool call was answered.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn is_answered(&mut self, key: KeyHash) -> Result<bool, StorageError>;

    /// How the organization stands now.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the organization is gone.
    async fn standing(&mut self) -> Result<OrgState, StorageError>;
}
