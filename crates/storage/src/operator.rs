//! The operator's door: every organization at once, every opening and every change written down.

pub(crate) mod entry;
pub(crate) mod store;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use org_resolver::{IdentifierKind, LookupKey, OrgId};
use serde_json::{Map, json};
use signature::KeyRing;
use tenant::{Entry, Organization};
use uuid::Uuid;

use self::store::{OperatorStore, OrgEntry};
use crate::backend::Backend;
use crate::directory::Directory;
use crate::error::StorageError;
use crate::quarantine::QuarantineEntry;
use crate::refusals::{RefusalCount, RefusalFilter};
use crate::repo::After;

/// How many identifiers are looked up at once. SQLite has a bound on the values of a statement.
const KEYS_AT_ONCE: usize = 1000;

/// Whose entry is changed.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// The organization.
    pub id: OrgId,
    /// Its slug, for the audit log.
    pub slug: &'a str,
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
    /// Opens the door: the opening itself is kept, whatever becomes of the scope.
    pub(crate) async fn open(
        backend: &dyn Backend,
        directory: Arc<Directory>,
        actor: &str,
        reason: &str,
    ) -> Result<Self, StorageError> {
        let mut opening = entry::signed(backend, actor, reason).await?;
        opening.audit("open", "", Map::new()).await?;
        opening.commit().await?;
        let store = entry::signed(backend, actor, reason).await?;
        Ok(Self { store, directory, is_broken: false })
    }

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
        // A slug never reads like an id, so at most one organization is named so.
        let named = self.owners([(IdentifierKind::Organization, wanted.as_str())]).await?;
        match named.first() {
            Some(id) => self.store.organization(OrgId::new(*id)).await,
            None => Ok(None),
        }
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

    /// The organizations that a file would change, as [`organizations`](Self::organizations) gives all: those that it declares, by
    /// id or slug, and those that have an identifier which it declares. However many there are beside them, no other's secret
    /// is opened.
    ///
    /// # Errors
    /// As [`organizations`](Self::organizations).
    pub async fn organizations_of(
        &mut self,
        file: &[Organization],
    ) -> Result<Vec<Organization>, StorageError> {
        let ids: Vec<String> = file.iter().map(|organization| organization.id.to_string()).collect();
        let names = ids.iter().map(String::as_str).chain(file.iter().map(|declared| declared.slug.as_str()));
        let names = names.map(|name| (IdentifierKind::Organization, name));
        let touched = self.owners(names.chain(file.iter().flat_map(Organization::identifiers))).await?;
        let named: Vec<String> = touched.iter().map(ToString::to_string).collect();
        let detail = Map::from_iter([("organizations".to_owned(), json!(named))]);
        self.store.audit("read secrets", "organizations of a file", detail).await?;
        if touched.is_empty() { Ok(Vec::new()) } else { self.store.organizations(Some(&touched)).await }
    }

    /// The owners of identifiers, each once.
    async fn owners(
        &mut self,
        identifiers: impl IntoIterator<Item = (IdentifierKind, &str)>,
    ) -> Result<Vec<Uuid>, StorageError> {
        let keys = identifiers.into_iter().filter_map(|(kind, value)| LookupKey::new(kind, value));
        let keys: Vec<LookupKey> = keys.collect();
        let mut owners = Vec::new();
        for some in keys.chunks(KEYS_AT_ONCE) {
            let wanted: HashSet<_> = some.iter().map(|key| (key.kind.as_str(), &*key.value)).collect();
            let held = self.store.owners(some).await?.into_iter().filter(|row| {
                row.valid_to.is_none() && wanted.contains(&(row.kind.as_str(), row.value.as_str()))
            });
            owners.extend(held.filter_map(|row| row.organization_id));
        }
        owners.sort_unstable();
        owners.dedup();
        Ok(owners)
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

    /// Reads at once what changes of many organizations would read one after the other. Changes made in this scope by
    /// then are not seen by later changes of the same entry.
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
        self.edit("create", owner, (None, Some(entry)), note).await
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
        self.edit("update", owner, (Some(stored), Some(wanted)), note).await
    }

    /// Takes an entry away; of an organization everything that is stored for it.
    ///
    /// # Errors
    /// As [`insert`](Self::insert).
    pub async fn delete(&mut self, owner: &Owner<'_>, entry: &Entry, note: &str) -> Result<(), StorageError> {
        self.edit("remove", owner, (Some(entry), None), note).await
    }

    /// Makes of the first entry the second one, and notes it in the audit log.
    async fn edit(
        &mut self,
        verb: &str,
        owner: &Owner<'_>,
        (stored, wanted): (Option<&Entry>, Option<&Entry>),
        note: &str,
    ) -> Result<(), StorageError> {
        let Some(entry) = wanted.or(stored) else { return Ok(()) };
        let action = format!("{verb} {}", entry.section().singular());
        let detail = [("organization_id", json!(owner.id)), ("detail", json!(note))];
        let detail = detail.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let written = match self.store.edit(owner.id.as_uuid(), stored, wanted).await {
            Ok(()) => self.store.audit(&action, &format!("{} {}", owner.slug, entry.subject()), detail).await,
            failed => failed,
        };
        // A scope in which something failed is not to be kept.
        self.is_broken |= written.is_err();
        written
    }

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
            let named = |org: OrgId| Map::from_iter([("organization_id".to_owned(), json!(org.to_string()))]);
            let (action, detail) = match claimed_by {
                Some(org) => ("claim quarantined message", named(org)),
                None => ("drop quarantined message", Map::new()),
            };
            self.store.audit(action, &id.to_string(), detail).await?;
        }
        Ok(is_removed)
    }

    /// Messages that were refused, counted, the latest first.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn refusals(&mut self, filter: RefusalFilter) -> Result<Vec<RefusalCount>, StorageError> {
        self.store.refusals(filter).await
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
