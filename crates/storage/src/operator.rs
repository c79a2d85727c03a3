//! The operator's door: every organization at once, every opening and every change written down.

mod entry;
mod quarantine;
pub(crate) mod rows;
pub(crate) mod stored;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use manifest::{Organization, Plan};
use org_resolver::OrgId;
use serde_json::{Map, Value};
use signature::KeyRing;

use crate::backend::CredentialRow;
use crate::directory::Directory;
use crate::error::StorageError;
use crate::storage::Storage;

pub use entry::AuditedOrg;
pub use quarantine::QuarantineEntry;
pub(crate) use quarantine::QuarantineStore;

/// Everything a backend offers to operators.
#[async_trait]
pub(crate) trait OperatorStore: QuarantineStore + Send {
    /// Who works here and why, for the log.
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

    /// Every organization as a file would declare it, by slug.
    async fn organizations(&mut self) -> Result<Vec<Organization>, StorageError>;

    /// The sealed credentials of one organization.
    async fn credentials(&mut self, org: OrgId) -> Result<Vec<CredentialRow>, StorageError>;

    /// Carries out a plan.
    async fn apply(&mut self, plan: &Plan, wanted: &[Organization]) -> Result<(), StorageError>;

    /// Makes the transaction's writes durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;

    /// Gives the transaction up in good order.
    async fn rollback(self: Box<Self>) -> Result<(), StorageError>;
}

/// An organization's entry in the operator's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgEntry {
    /// Its id.
    pub id: OrgId,
    /// Its slug; organizations that were inserted by hand may have none.
    pub slug: Option<String>,
    /// The name that assistants say.
    pub name: String,
    /// Whether its messages are served.
    pub is_active: bool,
}

impl Storage {
    /// Opens the operator's door for `actor`, a person or a program, and says why.
    ///
    /// The opening itself is written to the audit log and kept, whatever becomes of the scope: nobody reads secrets
    /// without a trace.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when actor or reason are blank, [`StorageError::Unavailable`] when the database
    /// does not answer or somebody else is writing for too long.
    pub async fn operator(&self, actor: &str, reason: &str) -> Result<OperatorScope, StorageError> {
        if actor.trim().is_empty() || reason.trim().is_empty() {
            return Err(StorageError::Configuration(
                "the operator's door asks who opens it, and why".to_owned(),
            ));
        }
        let mut opening = self.backend().operator().await?;
        opening.signs_as(actor, reason);
        opening.audit("open", "", Map::new()).await?;
        opening.commit().await?;
        let mut store = self.backend().operator().await?;
        store.signs_as(actor, reason);
        Ok(OperatorScope { store, directory: self.directory(), is_broken: false })
    }
}

/// One operator's unit of work over all organizations: one transaction, all or nothing.
///
/// Every change has its line in the audit log, written in the same transaction. Never held across a wait for a person or
/// the network: on SQLite nobody else writes meanwhile.
#[must_use = "a scope that is not committed is rolled back"]
pub struct OperatorScope {
    store: Box<dyn OperatorStore>,
    directory: Arc<Directory>,
    is_broken: bool,
}

impl OperatorScope {
    /// Every organization, by slug.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn list_organizations(&mut self) -> Result<Vec<OrgEntry>, StorageError> {
        self.store.list().await
    }

    /// The organization of a slug or an id, in any case and with blanks around it.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn find_organization(&mut self, slug_or_id: &str) -> Result<Option<OrgEntry>, StorageError> {
        let wanted = slug_or_id.trim().to_lowercase();
        let id: Option<OrgId> = wanted.parse().ok();
        let all = self.store.list().await?;
        // A slug never reads like an id, so at most one of them fits.
        Ok(all
            .into_iter()
            .find(|entry| Some(entry.id) == id || entry.slug.as_deref() == Some(wanted.as_str())))
    }

    /// Every organization as a file would declare it, by slug, with its secrets in the clear: one side of a plan.
    ///
    /// - Mapping rows that are switched off are left out: applying declares them anew.
    /// - What hand-written SQL mapped (`customer_configurations`, `phone_number_mapping`) stands among the assistants,
    ///   squads and numbers.
    /// - An organization without a slug goes by its id.
    /// - A credential whose secret cannot be opened has none, and one whose recipe is not known is missing; both are
    ///   logged as errors.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] for a row that says nothing a file could say, else [`StorageError`] when the
    /// database does not answer.
    pub async fn organizations(&mut self) -> Result<Vec<Organization>, StorageError> {
        self.store.audit("read secrets", "all organizations", Map::new()).await?;
        self.store.organizations().await
    }

    /// An organization's credentials, opened: for the signature doctor and for signing what imitates the provider.
    ///
    /// Those that cannot be used are left out and logged as errors.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn credentials(&mut self, org: OrgId) -> Result<KeyRing, StorageError> {
        self.store.audit("read secrets", &format!("organization {org}"), Map::new()).await?;
        let rows = self.store.credentials(org).await?;
        Ok(self.directory.ring(org, rows))
    }

    /// Carries out exactly the changes of a plan, which was made for `wanted`: removals first, so that what one
    /// organization gives up another may take. Rows that stay keep their ids.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] with the database's sentence when a constraint stands against a change, such as an
    /// identifier that another organization has; [`StorageError`] else. The scope cannot be committed afterwards.
    pub async fn apply(&mut self, plan: &Plan, wanted: &[Organization]) -> Result<(), StorageError> {
        let applied = self.store.apply(plan, wanted).await;
        self.is_broken |= applied.is_err();
        applied
    }

    /// Makes every change of the scope durable, with its line in the audit log.
    ///
    /// # Errors
    /// [`StorageError`] when a change failed before or the commit does: then nothing of the scope is kept.
    pub async fn commit(self) -> Result<(), StorageError> {
        if self.is_broken {
            return Err(StorageError::rejected("a change of the scope failed, so nothing is kept"));
        }
        self.store.commit().await
    }

    /// Gives the scope up: what dropping does too, at the price of its connection.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer; nothing of the scope is kept either way.
    pub async fn rollback(self) -> Result<(), StorageError> {
        self.store.rollback().await
    }
}

impl fmt::Debug for OperatorScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorScope").finish_non_exhaustive()
    }
}
