//! The caches over the store's directory: kept in step with it, and asked alone where the store must not be.

use std::sync::Arc;

use async_trait::async_trait;
use org_resolver::{
    CacheConfig, CachedKeys, CachedLookup, KeySource, Lookup, LookupError, LookupKey, OrgAccess, OrgId,
    Owners, Resolver, ResolverBuilder,
};
use storage::{ChangeSink, Directory};
use tokio::sync::Notify;

/// The question needs the store.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not in the cache")]
struct NotCached;

/// A [`Lookup`] that answers from its cache or not at all.
struct CacheOnlyLookup<L>(Arc<CachedLookup<L>>);

#[async_trait]
impl<L: Lookup> Lookup for CacheOnlyLookup<L> {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        if self.0.has_all(keys) { self.0.owners(keys).await } else { Err(LookupError::new(NotCached)) }
    }

    async fn pins(&self, _call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        Err(LookupError::new(NotCached))
    }
}

/// A [`KeySource`] that answers from its cache or not at all.
struct CacheOnlyKeys<K>(Arc<CachedKeys<K>>);

#[async_trait]
impl<K: KeySource> KeySource for CacheOnlyKeys<K> {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        if self.0.has(org) { self.0.access(org).await } else { Err(LookupError::new(NotCached)) }
    }
}

/// The caches, which forget what the directory says is no longer so.
pub(crate) struct DirectoryCache {
    lookup: Arc<CachedLookup<Directory>>,
    keys: Arc<CachedKeys<Directory>>,
    /// Told when the directory is watched from now on: no change goes unnoticed any more.
    watching: Notify,
}

impl DirectoryCache {
    pub(crate) fn new(directory: &Arc<Directory>, config: CacheConfig) -> Self {
        Self {
            lookup: Arc::new(CachedLookup::new(Arc::clone(directory), config)),
            keys: Arc::new(CachedKeys::new(Arc::clone(directory), config)),
            watching: Notify::new(),
        }
    }

    /// A resolver over the caches and the directory behind them.
    pub(crate) fn resolver(&self) -> ResolverBuilder {
        Resolver::over(self.lookup.clone(), self.keys.clone())
    }

    /// A resolver over what is in the caches, and no more.
    pub(crate) fn cached_resolver(&self) -> ResolverBuilder {
        let (lookup, keys) = (Arc::clone(&self.lookup), Arc::clone(&self.keys));
        Resolver::over(Arc::new(CacheOnlyLookup(lookup)), Arc::new(CacheOnlyKeys(keys)))
    }

    /// Waits until the directory is watched.
    pub(crate) async fn watched(&self) {
        self.watching.notified().await;
    }
}

#[async_trait]
impl ChangeSink for DirectoryCache {
    async fn identifier(&self, key: LookupKey) {
        self.lookup.invalidate(&key).await;
    }

    async fn organization(&self, org: OrgId) {
        self.keys.invalidate(org).await;
    }

    async fn everything(&self) {
        self.lookup.invalidate_all();
        self.keys.invalidate_all();
        // Kept for a waiter that is yet to come.
        self.watching.notify_one();
    }
}
