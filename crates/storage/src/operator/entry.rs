//! The operator's way into one organization: written down first, then an ordinary scope.

use org_resolver::OrgId;
use serde_json::Map;

use super::OrgEntry;
use crate::error::StorageError;
use crate::scope::OrgScope;
use crate::storage::Storage;

/// An organization that an operator has entered: who and why stand in the audit log.
///
/// The fields are private, and there is no `Clone` and no constructor beside [`Storage::enter`]:
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

impl Storage {
    /// Enters an organization as `actor`, a person or a program, and says why. `None` when there is no such organization.
    ///
    /// The audit log has the entry, committed, before this returns; whatever is done afterwards is done in ordinary
    /// scopes, with the rights of the working role and under the organization's policies.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when actor or reason are blank, [`StorageError::Unavailable`] when the database
    /// does not answer or somebody else is writing for too long.
    pub async fn enter(
        &self,
        org: OrgId,
        actor: &str,
        reason: &str,
    ) -> Result<Option<AuditedOrg>, StorageError> {
        if actor.trim().is_empty() || reason.trim().is_empty() {
            return Err(StorageError::Configuration(
                "the operator's door asks who opens it, and why".to_owned(),
            ));
        }
        let mut store = self.backend().operator().await?;
        store.signs_as(actor, reason);
        let Some(entry) = store.organization(org).await? else {
            store.rollback().await?;
            return Ok(None);
        };
        store.audit("enter", &format!("organization {org}"), Map::new()).await?;
        store.commit().await?;
        Ok(Some(AuditedOrg { entry }))
    }

    /// Opens a scope inside an organization that an operator has entered.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database does not answer or no connection is free in time.
    pub async fn entered_scope(&self, org: &AuditedOrg) -> Result<OrgScope, StorageError> {
        Ok(OrgScope::new(org.id(), self.backend().open(org.id()).await?))
    }
}
