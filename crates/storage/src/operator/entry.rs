//! The operator's way into one organization: written down first, then an ordinary scope.

use org_resolver::OrgId;
use serde_json::Map;

use super::store::{OperatorStore, OrgEntry};
use crate::backend::Backend;
use crate::error::StorageError;

/// An organization that an operator has entered: who and why stand in the audit log.
///
/// The fields are private, and there is no `Clone` and no constructor beside [`Storage::enter`](crate::Storage::enter):
///
/// ```compile_fail
/// fn forge(entry: storage::OrgEntry) -> storage::AuditedOrg {
///     storage::AuditedOrg { entry }
/// }
/// ```
/// ```compile_fail
/// fn copy(org: &storage::AuditedOrg) -> storage::AuditedOrg {
///     org.clone()
/// }
/// ```
/// ```
/// fn name(org: &storage::AuditedOrg) -> org_resolver::OrgId {
///     org.id()
/// }
/// ```
#[derive(Debug)]
#[must_use = "an organization that was entered does nothing until a scope is opened with it"]
pub struct AuditedOrg {
    entry: OrgEntry,
}

impl AuditedOrg {
    /// The organization.
    pub fn id(&self) -> OrgId {
        self.entry.id
    }

    /// Its entry in the operator's list, as it was at the time.
    pub fn entry(&self) -> &OrgEntry {
        &self.entry
    }
}

/// Enters an organization: the audit log has the entry, committed, before this returns.
pub(crate) async fn enter(
    backend: &dyn Backend,
    org: OrgId,
    actor: &str,
    reason: &str,
) -> Result<Option<AuditedOrg>, StorageError> {
    let mut store = signed(backend, actor, reason).await?;
    let Some(entry) = store.organization(org).await? else {
        store.rollback().await?;
        return Ok(None);
    };
    store.audit("enter", &format!("organization {org}"), Map::new()).await?;
    store.commit().await?;
    Ok(Some(AuditedOrg { entry }))
}

/// Begins an operator's transaction in the name of `actor`, which neither it nor the reason may be blank.
pub(super) async fn signed(
    backend: &dyn Backend,
    actor: &str,
    reason: &str,
) -> Result<Box<dyn OperatorStore>, StorageError> {
    if actor.trim().is_empty() || reason.trim().is_empty() {
        let refused = "the operator's door asks who opens it, and why";
        return Err(StorageError::Configuration(refused.to_owned()));
    }
    let mut store = backend.operator().await?;
    store.signs_as(actor, reason);
    Ok(store)
}
