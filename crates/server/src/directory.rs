//! The caches over the store's directory: kept in step with it, and asked alone where the store must not be.

use std::sync::Arc;

use async_trait::async_trait;
use org_resolver::{
    CachedKeys, CachedLookup, KeySource, Lookup, LookupError, LookupKey, OrgAccess, OrgId, Owners,
};
use storage::ChangeSink;
use tokio::sync::Notify;

/// The question needs the store.
#[derive(Debug, thiserror::Error)]
#[error("the answer is not in the cache")]
struct NotCached;

/// A [`Lookup`] that answers from its cache or not at all.
pub(crate) struct CacheOnlyLookup<L>(pub(crate) Arc<CachedLookup<L>>);

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
pub(crate) struct CacheOnlyKeys<K>(pub(crate) Arc<CachedKeys<K>>);

#[async_trait]
impl<K: KeySource> KeySource for CacheOnlyKeys<K> {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        if self.0.has(org) { self.0.access(org).await } else { Err(LookupError::new(NotCached)) }
    }
}

/// Makes the caches forget what the directory says is no longer so.
pub(crate) struct Invalidation<L, K> {
    pub(crate) lookup: Arc<CachedLookup<L>>,
    pub(crate) keys: Arc<CachedKeys<K>>,
    /// Told when the directory is watched from now on: nothing changes unnoticed any more.
    pub(crate) watching: Arc<Notify>,
}

#[async_trait]
impl<L: Lookup, K: KeySource> ChangeSink for Invalidation<L, K> {
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
