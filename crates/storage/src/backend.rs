//! The duties of a database behind [`Storage`](crate::Storage).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::{IdentifierKind, LookupKey, OrgId};
use serde_json::Value;
use uuid::Uuid;

use crate::changes::ChangeSink;
use crate::error::StorageError;
use crate::operator::store::OperatorStore;
use crate::quarantine::QuarantinedMessage;
use crate::record::{Entry, Record, Recorded};
use crate::refusals::RefusalCount;
use crate::repo::{Booked, Contact, NewBooking};
use crate::retention::{Cleared, Step};
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::scope::TenantStore;
use crate::tenants::TenantRows;

/// Work beside the messages (the quarantine, counts that are written in bulk, what is cleared away in the background) takes
/// neither a connection of tools nor one of the directory: on PostgreSQL `read!(&self.housekeeping, …)` or a transaction of
/// that pool, with the working role outside any organization; on SQLite `begin_outside`, in the writer's turn.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    /// Opens the transaction of a scope.
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError>;

    /// How many batches of records may be on their way at the same time.
    fn parallel_batches(&self) -> usize {
        1
    }

    /// Records messages of many organizations in one transaction: all or none. Locks of another transaction are
    /// waited for at most so long.
    async fn write(&self, entries: &[Entry], patience: Duration) -> Result<Vec<Recorded>, StorageError>;

    /// Begins a transaction with the operator's rights.
    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError>;

    /// The history of every key, and perhaps of more; oldest first.
    async fn owners(&self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError>;

    /// Values of a kind after one of them, in their order; none at the end.
    async fn identifiers(&self, kind: IdentifierKind, after: &str) -> Result<Vec<String>, StorageError>;

    /// The organizations that pinned a call.
    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, StorageError>;

    /// An organization's state and credentials.
    async fn access(&self, org: OrgId) -> Result<Option<(AccessRow, Vec<SecretRow>)>, StorageError>;

    /// The rows of which an organization's data in memory is made; `None` when there is no such organization.
    async fn tenant(&self, org: OrgId) -> Result<Option<TenantRows>, StorageError>;

    /// The organization's contact with this number, outside any scope.
    async fn contact(&self, org: OrgId, phone: &str) -> Result<Option<Contact>, StorageError>;

    /// Books an appointment, in a transaction of its own or one with the message that asks for it.
    async fn book(
        &self,
        org: OrgId,
        message: Option<Arc<Record>>,
        booking: &NewBooking<'_>,
    ) -> Result<(Recorded, Booked), StorageError>;

    /// Keeps a message that nobody claims; false where it does not fit.
    async fn quarantine(&self, message: &QuarantinedMessage<'_>) -> Result<bool, StorageError>;

    /// Removes some of what stands beyond the quarantine's bounds; gives how many messages.
    async fn trim_quarantine(&self) -> Result<u64, StorageError>;

    /// Organizations after one of them, in the order of their ids, each with how long it keeps what; none at the end.
    async fn retentions(&self, after: Uuid) -> Result<Vec<(Uuid, Value)>, StorageError>;

    /// Clears away some of what an organization keeps no longer.
    async fn clear_away(&self, step: Step) -> Result<Cleared, StorageError>;

    /// Counts messages that were refused.
    async fn count_refusals(&self, found: &[RefusalCount]) -> Result<(), StorageError>;

    /// Notes when a credential admitted a message.
    async fn touch_credential(
        &self,
        org: OrgId,
        credential: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError>;

    /// The versions of the migrations that have run.
    async fn migrations(&self) -> Result<Vec<String>, StorageError>;

    /// What is stored of the deployment as a whole under a name.
    async fn deployment(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// Stores it: where there is nothing, or in the place of what is there.
    async fn put_deployment(&self, name: &str, value: &[u8], replaces: bool) -> Result<(), StorageError>;

    /// Makes connections ready for the first requests. A failure shows when one is needed.
    async fn warm_up(&self) {}

    /// Asks the database whether it can be written, over a connection that serves nobody else.
    async fn ping(&self) -> Result<(), StorageError>;

    /// Tells the sink of every change to the directory and to declarations, for as long as it is polled.
    async fn watch(&self, sink: &dyn ChangeSink);
}
