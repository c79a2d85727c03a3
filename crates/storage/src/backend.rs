//! What a database has to offer behind [`Storage`](crate::Storage).

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::{LookupKey, OrgId};
use serde_json::Value;
use uuid::Uuid;

use crate::changes::ChangeSink;
use crate::error::StorageError;
use crate::operator::OperatorStore;
use crate::record::{Entry, Recorded};
use crate::scope::TenantStore;

/// One row of `identifiers`.
#[derive(Debug)]
pub(crate) struct OwnerRow {
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) org: Uuid,
    pub(crate) is_active: bool,
    pub(crate) valid_from: DateTime<Utc>,
    pub(crate) valid_to: Option<DateTime<Utc>>,
}

/// An organization's state with its sealed credentials.
#[derive(Debug)]
pub(crate) struct AccessRow {
    pub(crate) is_active: bool,
    pub(crate) vapi_org_id: Option<String>,
    pub(crate) has_own_credentials: bool,
    pub(crate) limits: Value,
    pub(crate) language: String,
    pub(crate) credentials: Vec<CredentialRow>,
}

/// One row of `credentials`.
#[derive(Debug)]
pub(crate) struct CredentialRow {
    pub(crate) id: Uuid,
    pub(crate) label: String,
    pub(crate) recipe: Value,
    pub(crate) sealed_secret: Vec<u8>,
    pub(crate) sealing_key_id: String,
    pub(crate) not_before: Option<DateTime<Utc>>,
    pub(crate) not_after: Option<DateTime<Utc>>,
}

/// A message that only the deployment's shared secret verified, and nobody claims yet.
#[derive(Clone, Debug)]
pub struct QuarantinedMessage<'a> {
    /// The message's kind.
    pub kind: &'a str,
    /// The provider's id of its call.
    pub vapi_call_id: Option<&'a str>,
    /// What makes a second delivery the same message, in whichever organization claims it.
    pub dedupe_key: &'a str,
    /// What it says about its organization, an array.
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

#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// Opens the transaction of a scope.
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError>;

    /// How many batches of records may be on their way at the same time.
    fn parallel_batches(&self) -> usize {
        1
    }

    /// Records messages of many organizations in one transaction: all or none. What another transaction holds is
    /// waited for at most so long.
    async fn write(&self, entries: &[Entry], patience: Duration) -> Result<Vec<Recorded>, StorageError>;

    /// Begins a transaction with the operator's rights.
    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError>;

    /// The history of every key, and perhaps of more; oldest first.
    async fn owners(&self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError>;

    /// The organizations that pinned a call.
    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, StorageError>;

    /// An organization's state and credentials.
    async fn access(&self, org: OrgId) -> Result<Option<AccessRow>, StorageError>;

    /// Keeps a message that nobody claims.
    async fn quarantine(
        &self,
        message: &QuarantinedMessage<'_>,
        bounds: QuarantineBounds,
    ) -> Result<(), StorageError>;

    /// Notes when a credential admitted a message.
    async fn touch_credential(
        &self,
        org: OrgId,
        credential: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// The versions of the migrations that have run.
    async fn migrations(&self) -> Result<Vec<String>, StorageError>;

    /// Asks the database something that it can always answer.
    async fn ping(&self) -> Result<(), StorageError>;

    /// Tells the sink of every change to the directory, for as long as it is polled.
    async fn watch(&self, sink: &dyn ChangeSink);
}
