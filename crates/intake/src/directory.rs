//! The caches over the store's directory, kept in step with it; and the directory as an address over its budget sees it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use org_resolver::{
    CacheConfig, CachedKeys, CachedLookup, IdentifierKind, KeySource, KnownIdentifiers, Lookup, LookupError,
    LookupKey, OrgAccess, OrgId, Owners, Resolver, ResolverBuilder,
};
use storage::{ChangeSink, Directory};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::error::error_chain;
use crate::known_calls::KnownCalls;

/// How long a look at the directory may take; what is cached takes no time, and serves on when this is over.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait after a failed reading of all identifiers.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// A directory that answers in time or not at all.
struct Patient(Arc<Directory>);

#[async_trait]
impl Lookup for Patient {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        timeout(PATIENCE, self.0.owners(keys)).await.map_err(LookupError::new)?
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        timeout(PATIENCE, self.0.pins(call_id)).await.map_err(LookupError::new)?
    }
}

#[async_trait]
impl KeySource for Patient {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        timeout(PATIENCE, self.0.access(org)).await.map_err(LookupError::new)?
    }
}

/// A [`Lookup`] that asks for what exists only, and for the pins of calls only that were verified here.
struct OfKnownCalls {
    lookup: Arc<CachedLookup<Patient>>,
    calls: Arc<KnownCalls>,
}

#[async_trait]
impl Lookup for OfKnownCalls {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        self.lookup.owners_of_known(keys).await
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        if self.calls.contains(call_id) { self.lookup.pins(call_id).await } else { Ok(Vec::new()) }
    }
}

/// The caches, which forget what the directory says is no longer so.
pub(crate) struct DirectoryCache {
    directory: Arc<Directory>,
    known: Arc<KnownIdentifiers>,
    lookup: Arc<CachedLookup<Patient>>,
    keys: Arc<CachedKeys<Patient>>,
    /// Told when the directory is watched from now on: no change goes unnoticed any more.
    watching: Notify,
    /// Told when all identifiers have to be read.
    incomplete: Notify,
}

impl DirectoryCache {
    pub(crate) fn new(directory: Arc<Directory>, config: CacheConfig) -> Self {
        let known = Arc::new(KnownIdentifiers::new());
        let inner = Arc::new(Patient(Arc::clone(&directory)));
        let lookup = CachedLookup::with_known(Arc::clone(&inner), Arc::clone(&known), config);
        Self {
            directory,
            known,
            lookup: Arc::new(lookup),
            keys: Arc::new(CachedKeys::new(inner, config)),
            watching: Notify::new(),
            incomplete: Notify::new(),
        }
    }

    /// A resolver over the caches and the directory behind them.
    pub(crate) fn resolver(&self) -> ResolverBuilder {
        Resolver::over(self.lookup.clone(), self.keys.clone())
    }

    /// A resolver that looks for nothing that a stranger could have made up.
    pub(crate) fn guarded_resolver(&self, calls: Arc<KnownCalls>) -> ResolverBuilder {
        Resolver::over(Arc::new(OfKnownCalls { lookup: Arc::clone(&self.lookup), calls }), self.keys.clone())
    }

    /// Waits until the directory is watched.
    pub(crate) async fn watched(&self) {
        self.watching.notified().await;
    }

    /// Reads all identifiers whenever some may have come unheard, for as long as it is polled.
    pub(crate) async fn keep_complete(&self) {
        loop {
            self.incomplete.notified().await;
            while let Err(error) = self.read_all().await {
                tracing::warn!(error = error_chain(&error), "cannot read which identifiers there are");
                sleep(AFTER_FAILURE).await;
            }
        }
    }

    /// Reads all identifiers, in pages. Where something came unheard meanwhile there is a notice of it already, and they are
    /// read again.
    async fn read_all(&self) -> Result<(), storage::StorageError> {
        let mut listing = self.known.begin();
        for kind in IdentifierKind::ALL {
            let mut last: Option<Box<str>> = None;
            loop {
                let page = self.directory.identifiers(kind, last.as_deref()).await?;
                let Some(key) = page.last() else { break };
                last = Some(key.value.clone());
                for key in &page {
                    self.known.list(&mut listing, key);
                }
            }
        }
        self.known.finish(listing);
        Ok(())
    }

    fn mark_incomplete(&self) {
        self.known.mark_incomplete();
        self.incomplete.notify_one();
    }
}

#[async_trait]
impl ChangeSink for DirectoryCache {
    async fn identifier(&self, key: LookupKey) {
        if !self.known.add(&key) {
            self.incomplete.notify_one();
        }
        self.lookup.invalidate(&key).await;
    }

    async fn organization(&self, org: OrgId) {
        self.keys.invalidate(org).await;
    }

    async fn everything(&self) {
        self.mark_incomplete();
        self.lookup.doubt_all();
        self.keys.doubt_all();
        // Kept for a waiter that is yet to come.
        self.watching.notify_one();
    }

    async fn unheard(&self) {
        self.known.mark_incomplete();
    }
}
