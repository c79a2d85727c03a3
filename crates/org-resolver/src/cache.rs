//! Caches over a directory: identifiers to organizations, organizations to keys. Verdicts are never cached.
//!
//! Hits and misses are kept apart, each bounded, so that made-up identifiers push no real one out. Concurrent
//! misses of the same question ask the directory once. A change that arrives while a question is under way keeps
//! its answer out of the cache, so that an old answer never outlives the notice that it is old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;

use crate::ids::OrgId;
use crate::lookup::{KeySource, Lookup, LookupError, LookupKey, OrgAccess, Owners, Ownership};

/// Sizes and the safety net of the caches.
#[derive(Clone, Copy, Debug)]
pub struct CacheConfig {
    /// Known identifiers kept.
    pub hits: u64,
    /// Unknown identifiers kept.
    pub misses: u64,
    /// Organizations whose keys are kept.
    pub organizations: u64,
    /// How long an entry lives when no notice of a change arrives.
    pub time_to_live: Duration,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { hits: 500_000, misses: 20_000, organizations: 200_000, time_to_live: Duration::from_secs(60) }
    }
}

type History = Arc<[Ownership]>;

/// A question: the generation it was asked in, and the identifiers.
type Question = (u64, Arc<[LookupKey]>);

/// A [`Lookup`] that remembers.
pub struct CachedLookup<L> {
    inner: Arc<L>,
    hits: Cache<LookupKey, History>,
    misses: Cache<LookupKey, History>,
    /// Questions under way, so that concurrent ones share one answer. The generation is part of the question:
    /// who asks after a change never shares an answer from before it.
    flights: Cache<Question, Arc<Vec<History>>>,
    generation: AtomicU64,
}

impl<L: Lookup> CachedLookup<L> {
    /// Wraps a directory.
    pub fn new(inner: Arc<L>, config: CacheConfig) -> Self {
        let keep = |entries| Cache::builder().max_capacity(entries).time_to_live(config.time_to_live).build();
        Self {
            inner,
            hits: keep(config.hits),
            misses: keep(config.misses),
            flights: Cache::builder().max_capacity(10_000).time_to_live(config.time_to_live).build(),
            generation: AtomicU64::new(0),
        }
    }

    /// Forgets one identifier.
    pub async fn invalidate(&self, key: &LookupKey) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.hits.invalidate(key).await;
        self.misses.invalidate(key).await;
    }

    /// Forgets everything.
    pub fn invalidate_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.hits.invalidate_all();
        self.misses.invalidate_all();
    }

    /// True when every identifier of the question is remembered, or when there is none to ask for.
    pub fn has_all(&self, keys: &[LookupKey]) -> bool {
        keys.iter().all(|key| self.hits.contains_key(key) || self.misses.contains_key(key))
    }

    async fn remembered(&self, key: &LookupKey) -> Option<History> {
        match self.hits.get(key).await {
            Some(rows) => Some(rows),
            None => self.misses.get(key).await,
        }
    }

    /// Reads the histories of unknown keys, once for all who ask at the same time.
    async fn fetch(&self, missing: Arc<[LookupKey]>) -> Result<Arc<Vec<History>>, LookupError> {
        let generation = self.generation.load(Ordering::SeqCst);
        let question = (generation, Arc::clone(&missing));
        let histories = self
            .flights
            .try_get_with_by_ref(&question, async {
                self.inner.owners(&missing).await.map(|owners| Arc::new(owners.histories))
            })
            .await
            .map_err(|shared: Arc<LookupError>| LookupError::clone(&shared))?;
        for (key, rows) in missing.iter().zip(histories.iter()) {
            let cache = if rows.is_empty() { &self.misses } else { &self.hits };
            cache.insert(key.clone(), Arc::clone(rows)).await;
            // Looked at after the insertion: a change between the two would be missed otherwise.
            if self.generation.load(Ordering::SeqCst) != generation {
                cache.invalidate(key).await;
            }
        }
        self.flights.invalidate(&question).await;
        Ok(histories)
    }
}

#[async_trait]
impl<L: Lookup> Lookup for CachedLookup<L> {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        let mut slots: Vec<Option<History>> = Vec::with_capacity(keys.len());
        for key in keys {
            slots.push(self.remembered(key).await);
        }
        let cached = slots.iter().map(Option::is_some).collect();
        if slots.iter().any(Option::is_none) {
            let unknown = keys.iter().zip(&slots).filter(|(_, slot)| slot.is_none());
            let missing: Arc<[LookupKey]> = unknown.map(|(key, _)| key.clone()).collect();
            let fetched = self.fetch(missing).await?;
            let mut fetched = fetched.iter();
            for slot in slots.iter_mut().filter(|slot| slot.is_none()) {
                *slot = fetched.next().cloned();
            }
        }
        let histories = slots.into_iter().map(|slot| slot.unwrap_or_else(|| Arc::from([]))).collect();
        Ok(Owners { histories, cached })
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        self.inner.pins(call_id).await
    }
}

/// A [`KeySource`] that remembers.
pub struct CachedKeys<K> {
    inner: Arc<K>,
    orgs: Cache<OrgId, Option<Arc<OrgAccess>>>,
    generation: AtomicU64,
}

impl<K: KeySource> CachedKeys<K> {
    /// Wraps a source of keys.
    pub fn new(inner: Arc<K>, config: CacheConfig) -> Self {
        let orgs =
            Cache::builder().max_capacity(config.organizations).time_to_live(config.time_to_live).build();
        Self { inner, orgs, generation: AtomicU64::new(0) }
    }

    /// True when the state of the organization is remembered.
    pub fn has(&self, org: OrgId) -> bool {
        self.orgs.contains_key(&org)
    }

    /// Forgets one organization's keys.
    pub async fn invalidate(&self, org: OrgId) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.orgs.invalidate(&org).await;
    }

    /// Forgets everything.
    pub fn invalidate_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.orgs.invalidate_all();
    }
}

#[async_trait]
impl<K: KeySource> KeySource for CachedKeys<K> {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        let generation = self.generation.load(Ordering::SeqCst);
        let access = self
            .orgs
            .try_get_with(org, self.inner.access(org))
            .await
            .map_err(|shared: Arc<LookupError>| LookupError::clone(&shared))?;
        if self.generation.load(Ordering::SeqCst) != generation {
            self.orgs.invalidate(&org).await;
        }
        Ok(access)
    }
}
