//! The operator's door: every organization at once, every opening and every change written down.

mod entry;
mod quarantine;
pub(crate) mod rows;
pub(crate) mod stored;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use org_resolver::OrgId;
use serde_json::{Map, Value, json};
use signature::KeyRing;
use tenant::{Entry, Organization};
use uuid::Uuid;

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

    /// The organizations of these ids, or every one, as a file would declare them, by slug.
    async fn organizations(&mut self, only: Option<&[Uuid]>) -> Result<Vec<Organization>, StorageError>;

    /// The sealed credentials of one organization.
    async fn credentials(&mut self, org: OrgId) -> Result<Vec<CredentialRow>, StorageError>;

    /// Reads the rows of organizations at once that single changes would read one after the other.
    async fn prepare(&mut self, orgs: &[Uuid]) -> Result<(), StorageError>;

    /// Writes a new entry.
    async fn insert(&mut self, org: Uuid, entry: &Entry) -> Result<(), StorageError>;

    /// Makes of the stored entry the wanted one.
    async fn update(&mut self, org: Uuid, stored: &Entry, wanted: &Entry) -> Result<(), StorageError>;

    /// Takes an entry away.
    async fn delete(&mut self, org: Uuid, entry: &Entry) -> Result<(), StorageError>;

    /// Makes the transaction's writes durable.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;

    /// Gives the transaction up in good order.
    async fn rollback(self: Box<Self>) -> Result<(), StorageError>;
}

/// Whose entry is changed.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The organization.
    pub id: OrgId,
    /// Its slug, for the audit log.
    pub slug: &'a str,
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
        self.store.organizations(None).await
    }

    /// One organization as a file would declare it, as [`organizations`](Self::organizations) gives all; no other's
    /// secret is opened.
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub async fn organization(&mut self, org: OrgId) -> Result<Option<Organization>, StorageError> {
        self.store.audit("read secrets", &format!("organization {org}"), Map::new()).await?;
        Ok(self.store.organizations(Some(&[org.as_uuid()])).await?.pop())
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

    /// Reads at once what changes of many organizations would read one after the other. What is changed in this scope by
    /// then is not seen by later changes of the same entry.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a row is corrupt.
    pub async fn prepare(&mut self, orgs: &[OrgId]) -> Result<(), StorageError> {
        let orgs: Vec<Uuid> = orgs.iter().map(|org| org.as_uuid()).collect();
        self.store.prepare(&orgs).await
    }

    /// Writes a new entry of an organization; `note` says in the audit log what it is.
    ///
    /// # Errors
    /// [`StorageError::Conflict`] with the database's sentence when a constraint stands against it, such as an
    /// identifier that another organization has; [`StorageError`] else. The scope cannot be committed afterwards.
    pub async fn insert(&mut self, owner: &Owner<'_>, entry: &Entry, note: &str) -> Result<(), StorageError> {
        let written = self.store.insert(owner.id.as_uuid(), entry).await;
        self.keep(written)?;
        self.note("create", owner, entry, note).await
    }

    /// Makes of a stored entry the wanted one, in the same row.
    ///
    /// # Errors
    /// As [`insert`](Self::insert), and [`StorageError::Conflict`] when the row is gone.
    pub async fn update(
        &mut self,
        owner: &Owner<'_>,
        stored: &Entry,
        wanted: &Entry,
        note: &str,
    ) -> Result<(), StorageError> {
        let written = self.store.update(owner.id.as_uuid(), stored, wanted).await;
        self.keep(written)?;
        self.note("update", owner, wanted, note).await
    }

    /// Takes an entry away; of an organization everything that is stored for it.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn delete(&mut self, owner: &Owner<'_>, entry: &Entry, note: &str) -> Result<(), StorageError> {
        let written = self.store.delete(owner.id.as_uuid(), entry).await;
        self.keep(written)?;
        self.note("remove", owner, entry, note).await
    }

    async fn note(
        &mut self,
        verb: &str,
        owner: &Owner<'_>,
        entry: &Entry,
        note: &str,
    ) -> Result<(), StorageError> {
        let mut detail = Map::new();
        detail.insert("organization_id".to_owned(), json!(owner.id));
        detail.insert("detail".to_owned(), json!(note));
        let action = format!("{verb} {}", entry.section().singular());
        let noted = self.store.audit(&action, &format!("{} {}", owner.slug, entry.subject()), detail).await;
        self.keep(noted)
    }

    /// A scope in which something failed is not to be kept.
    fn keep(&mut self, outcome: Result<(), StorageError>) -> Result<(), StorageError> {
        self.is_broken |= outcome.is_err();
        outcome
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
