//! The resolver's questions to a directory: the owner of an identifier, and the keys of an organization.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use signature::KeyRing;
use tenant::{IdentifierKind, Limits};

use crate::ids::OrgId;

/// One normalised identifier to look up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LookupKey {
    /// The kind of identifier.
    pub kind: IdentifierKind,
    /// The normalised value, never empty.
    pub value: Box<str>,
}

impl LookupKey {
    /// The longest value that is looked up, in bytes; a longer one is a miss without a look.
    pub const MAX_VALUE_BYTES: usize = 512;

    /// Makes a key of a value as found. Empty, blank, overlong and wildcard values match nothing.
    pub fn new(kind: IdentifierKind, found: &str) -> Option<Self> {
        let found = found.trim();
        if found.is_empty() || found == "*" || found.len() > Self::MAX_VALUE_BYTES || found.contains('\0') {
            return None;
        }
        let value: Box<str> = match kind {
            IdentifierKind::PhoneNumber => tenant::phone::normalise(found, None)?.into(),
            // UUIDs are compared in lower case, and slugs are lower case by rule.
            IdentifierKind::Organization => found.to_lowercase().into(),
            _ => found.into(),
        };
        Some(Self { kind, value })
    }
}

/// One row of an identifier's history: who owns it, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owner; `None` once the organization has been removed. An instant of that time is nobody's, whoever owns the
    /// identifier since.
    pub org: Option<OrgId>,
    /// False while every mapping row that names the identifier is switched off.
    pub is_active: bool,
    /// First instant of the ownership; `None` is the beginning of time.
    pub valid_from: Option<DateTime<Utc>>,
    /// First instant after the ownership; `None` while it lasts.
    pub valid_to: Option<DateTime<Utc>>,
}

impl Ownership {
    /// True when the ownership covers the instant.
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }
}

/// A directory's answer for some identifiers, each list in the order of the keys asked.
#[derive(Clone, Debug, Default)]
pub struct Owners {
    /// The history of each key; empty for an unknown one.
    pub histories: Vec<Arc<[Ownership]>>,
    /// Whether the answer came from a cache.
    pub cached: Vec<bool>,
}

/// Maps identifiers to organizations.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Reads the owners of every key in one round trip.
    ///
    /// # Errors
    /// [`LookupError`] when the directory cannot answer now; an unknown key is no error.
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError>;

    /// Reads which organizations pinned a call. Asked only where no mapping decides.
    ///
    /// # Errors
    /// [`LookupError`] when the directory cannot answer now.
    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError>;
}

#[async_trait]
impl<L: Lookup + ?Sized> Lookup for Arc<L> {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        (**self).owners(keys).await
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        (**self).pins(call_id).await
    }
}

/// An organization's state and keys.
#[derive(Debug)]
pub struct OrgAccess {
    /// False refuses everything after verification.
    pub is_active: bool,
    /// The provider's account id, where the organization registered it.
    pub vapi_org_id: Option<Box<str>>,
    /// True from the organization's first own credential on, for good.
    pub has_own_credentials: bool,
    /// The organization's own credentials.
    pub keys: KeyRing,
    /// The organization's own allowances.
    pub limits: Limits,
    /// The tag of the language that its callers are spoken to in, failures included.
    pub language: Box<str>,
}

/// Reads an organization's state and keys.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// The state and keys of an organization; `None` for one that does not exist.
    ///
    /// # Errors
    /// [`LookupError`] when the directory cannot answer now.
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError>;
}

#[async_trait]
impl<K: KeySource + ?Sized> KeySource for Arc<K> {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        (**self).access(org).await
    }
}

/// The directory could not answer; the same question may succeed later.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the directory cannot answer")]
pub struct LookupError(#[source] Arc<dyn std::error::Error + Send + Sync>);

impl LookupError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }
}
