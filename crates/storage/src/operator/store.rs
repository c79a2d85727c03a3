//! The duties of a database towards operators.

use async_trait::async_trait;
use diesel::prelude::*;
use org_resolver::{LookupKey, OrgId};
use serde_json::{Map, Value};
use tenant::{Entry, Organization};
use uuid::Uuid;

use crate::error::StorageError;
use crate::quarantine::QuarantineStore;
use crate::refusals::RefusalStore;
use crate::rows::{OwnerRow, SecretRow};
use crate::schema::organizations;
use crate::sql_types::DbUuid;

/// An organization's entry in the operator's list.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = organizations)]
pub struct OrgEntry {
    /// Its id.
    #[diesel(deserialize_as = DbUuid)]
    pub id: OrgId,
    /// Its slug; organizations that were inserted by hand may have none.
    pub slug: Option<String>,
    /// The name that assistants say.
    pub name: String,
    /// Whether its messages are served.
    pub is_active: bool,
}

/// Everything a backend offers to operators.
#[async_trait]
pub(crate) trait OperatorStore: QuarantineStore + RefusalStore + Send {
    /// Sets actor and reason, for the log.
    fn signs_as(&mut self, actor: &str, reason: &str);

    /// Writes one line of the audit log, in this transaction.
    async fn audit(
        &mut self,
        action: &str,
        subject: &str,
        detail: Map<String, Value>,
    ) -> Result<(), StorageError>;

    /// Every organization, by slug.
    async fn list(&mut self) -> Result<Vec<OrgEntry>, StorageError>;

    /// One organization.
    async fn organization(&mut self, org: OrgId) -> Result<Option<OrgEntry>, StorageError>;

    /// Every row of these identifiers, and of others.
    async fn owners(&mut self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError>;

    /// The organizations of these ids, or every one, as a file would declare them, by slug.
    async fn organizations(&mut self, only: Option<&[Uuid]>) -> Result<Vec<Organization>, StorageError>;

    /// The sealed credentials of one organization.
    async fn credentials(&mut self, org: OrgId) -> Result<Vec<SecretRow>, StorageError>;

    /// Reads the rows of organizations at once that single changes would read one after the other.
    async fn prepare(&mut self, orgs: &[Uuid]) -> Result<(), StorageError>;

    /// Makes of the stored entry the wanted one: makes it where none was, takes it away where none is wanted.
    async fn edit(
        &mut self,
        org: Uuid,
        stored: Option<&Entry>,
        wanted: Option<&Entry>,
    ) -> Result<(), StorageError>;

    /// Makes the transaction's writes durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;

    /// Gives the transaction up in good order.
    async fn rollback(self: Box<Self>) -> Result<(), StorageError>;
}
