//! A directory in memory: for tests, for small embedders, and as the reference for other directories.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use signature::{Credential, KeyRing};

use crate::ids::OrgId;
use crate::lookup::{KeySource, Lookup, LookupError, LookupKey, OrgAccess, Owners, Ownership};
use tenant::{IdentifierKind, Limits};

/// A [`Lookup`] and [`KeySource`] over maps. Changes are seen by the next lookup.
#[derive(Debug, Default)]
pub struct MemoryDirectory {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    owners: HashMap<LookupKey, Vec<Ownership>>,
    pins: HashMap<Box<str>, Vec<OrgId>>,
    orgs: HashMap<OrgId, Arc<OrgAccess>>,
}

/// An identifier is open and active for another organization already.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {value:?} already belongs to organization {owner}")]
pub struct AlreadyOwned {
    /// The kind of identifier.
    pub kind: IdentifierKind,
    /// Its value.
    pub value: Box<str>,
    /// The owner.
    pub owner: OrgId,
}

impl MemoryDirectory {
    /// An empty directory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces an organization: active, with these credentials of its own.
    pub fn put_organization(&self, org: OrgId, credentials: Vec<Credential>) {
        self.put_access(
            org,
            OrgAccess {
                is_active: true,
                vapi_org_id: None,
                has_own_credentials: !credentials.is_empty(),
                keys: KeyRing::new(credentials),
                limits: Limits::default(),
                language: "en".into(),
            },
        );
    }

    /// Adds or replaces an organization, every part of its state given.
    pub fn put_access(&self, org: OrgId, access: OrgAccess) {
        self.write(|state| {
            state.orgs.insert(org, Arc::new(access));
            if let Some(key) = LookupKey::new(IdentifierKind::Organization, &org.to_string()) {
                state.owners.insert(key, vec![open(org, None)]);
            }
        });
    }

    /// Removes an organization with its pins. What its identifiers were until then is nobody's.
    pub fn remove_organization(&self, org: OrgId, at: DateTime<Utc>) {
        self.write(|state| {
            state.orgs.remove(&org);
            state.pins.values_mut().for_each(|pins| pins.retain(|pinned| *pinned != org));
            for row in state.owners.values_mut().flatten().filter(|row| row.org == Some(org)) {
                row.org = None;
                row.valid_to.get_or_insert(at);
            }
        });
    }

    /// Maps an identifier to an organization, from the beginning of time for its first owner.
    /// A value that matches nothing (empty, blank, a wildcard) is left out.
    ///
    /// # Errors
    /// [`AlreadyOwned`] when another organization holds it.
    pub fn map(&self, kind: IdentifierKind, value: &str, org: OrgId) -> Result<(), AlreadyOwned> {
        let Some(key) = LookupKey::new(kind, value) else { return Ok(()) };
        self.write(|state| {
            let history = state.owners.entry(key.clone()).or_default();
            match history.iter().find(|row| row.valid_to.is_none()) {
                Some(Ownership { org: Some(owner), .. }) if *owner != org => {
                    Err(AlreadyOwned { kind, value: key.value.clone(), owner: *owner })
                }
                Some(_) => Ok(()),
                None => {
                    let since = history.iter().filter_map(|row| row.valid_to).max();
                    history.push(open(org, since));
                    Ok(())
                }
            }
        })
    }

    /// Ends the open ownership of an identifier.
    pub fn unmap(&self, kind: IdentifierKind, value: &str, at: DateTime<Utc>) {
        let Some(key) = LookupKey::new(kind, value) else { return };
        self.write(|state| {
            for row in state.owners.entry(key).or_default().iter_mut().filter(|row| row.valid_to.is_none()) {
                row.valid_to = Some(at);
            }
        });
    }

    /// Switches a mapping on or off.
    pub fn set_mapping_active(&self, kind: IdentifierKind, value: &str, is_active: bool) {
        let Some(key) = LookupKey::new(kind, value) else { return };
        self.write(|state| {
            for row in state.owners.entry(key).or_default().iter_mut().filter(|row| row.valid_to.is_none()) {
                row.is_active = is_active;
            }
        });
    }

    /// Pins a call to an organization, as a verified message does.
    pub fn pin(&self, call_id: &str, org: OrgId) {
        self.write(|state| {
            let pins = state.pins.entry(call_id.into()).or_default();
            if !pins.contains(&org) {
                pins.push(org);
            }
        });
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // A panic elsewhere leaves the maps whole: every change is a single insert or push.
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

fn open(org: OrgId, valid_from: Option<DateTime<Utc>>) -> Ownership {
    Ownership { org: Some(org), is_active: true, valid_from, valid_to: None }
}

#[async_trait]
impl Lookup for MemoryDirectory {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let histories = keys
            .iter()
            .map(|key| state.owners.get(key).map_or_else(|| Arc::from([]), |rows| Arc::from(rows.as_slice())))
            .collect();
        Ok(Owners { histories, cached: vec![false; keys.len()] })
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Ok(state.pins.get(call_id).cloned().unwrap_or_default())
    }
}

#[async_trait]
impl KeySource for MemoryDirectory {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        Ok(self.state.read().unwrap_or_else(PoisonError::into_inner).orgs.get(&org).cloned())
    }
}
