//! Caches over a directory: identifiers to organizations, organizations to keys. Verdicts are never cached.
//!
//! Hits and misses are kept apart, each bounded, so that made-up identifiers push no real one out; one that is known not to
//! exist is not asked for beside one that does. Concurrent misses of the same question ask the directory once. A change that arrives while a
//! question is under way keeps its answer out of the cache, so that an old answer never outlives the notice that it is old.
//! An answer that is merely old is asked for again, and serves on where the directory cannot answer.

mod kept;

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use moka::future::Cache;

use self::kept::{Found, Kept, Moment};
use crate::ids::OrgId;
use crate::known::KnownIdentifiers;
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
    /// How long an answer is good when no notice of a change arrives. Then it is asked for again; it is not forgotten.
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
    known: Arc<KnownIdentifiers>,
    hits: Kept<LookupKey, History>,
    misses: Cache<LookupKey, History>,
    /// Questions under way, so that concurrent ones share one answer. The generation is part of the question:
    /// who asks after a change never shares an answer from before it.
    flights: Cache<Question, Arc<Vec<History>>>,
}

impl<L: Lookup> CachedLookup<L> {
    /// Wraps a directory, whatever it holds.
    pub fn new(inner: Arc<L>, config: CacheConfig) -> Self {
        Self::with_known(inner, Arc::new(KnownIdentifiers::new()), config)
    }

    /// Wraps a directory of which it is known what exists.
    pub fn with_known(inner: Arc<L>, known: Arc<KnownIdentifiers>, config: CacheConfig) -> Self {
        Self {
            inner,
            known,
            hits: Kept::new(config.hits, config.time_to_live),
            misses: Cache::builder().max_capacity(config.misses).time_to_live(config.time_to_live).build(),
            flights: flights(config),
        }
    }

    /// Forgets one identifier, which has changed.
    pub async fn invalidate(&self, key: &LookupKey) {
        self.hits.forget(key).await;
        self.misses.invalidate(key).await;
    }

    /// Asks for everything again: changes may have been missed. What is remembered serves where that fails.
    pub fn doubt_all(&self) {
        self.hits.doubt_all();
        self.misses.invalidate_all();
    }

    async fn look(&self, key: &LookupKey, asked: Moment) -> Found<History> {
        match self.hits.get(key, asked).await {
            Found::Nothing => self.misses.get(key).await.map_or(Found::Nothing, Found::Fresh),
            found => found,
        }
    }

    /// [`Lookup::owners`] that asks the directory for nothing that is known not to exist.
    ///
    /// # Errors
    /// [`LookupError`] when the directory cannot answer now.
    pub async fn owners_of_known(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        self.owners_of(keys, false).await
    }

    /// One that does not exist is not asked for, unless it stands alone, where it may be so new that it was not heard of yet.
    async fn owners_of(&self, keys: &[LookupKey], asks_for_new: bool) -> Result<Owners, LookupError> {
        let asked = self.hits.moment();
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            found.push(self.look(key, asked).await);
        }
        let exists = |(key, found): (&LookupKey, &Found<History>)| match found {
            Found::Fresh(rows) => !rows.is_empty(),
            Found::Stale(_) => true,
            Found::Nothing => self.known.may_exist(key),
        };
        if !asks_for_new || keys.iter().zip(&found).any(exists) {
            for (key, found) in keys.iter().zip(&mut found) {
                if matches!(found, Found::Nothing) && !self.known.may_exist(key) {
                    *found = Found::Fresh(Arc::from([]));
                }
            }
        }
        let cached: Vec<bool> = found.iter().map(|found| matches!(found, Found::Fresh(_))).collect();
        let unknown = keys.iter().zip(&cached).filter(|(_, is_cached)| !**is_cached);
        let missing: Vec<LookupKey> = unknown.map(|(key, _)| key.clone()).collect();
        // Most of the time nothing is missing.
        let fetched = if missing.is_empty() { None } else { Some(self.fetch(missing.into(), asked).await) };
        let mut rows_of_missing = fetched.iter().flatten().flat_map(|rows| rows.iter());
        let mut histories = Vec::with_capacity(keys.len());
        for (key, found) in keys.iter().zip(found) {
            histories.push(match (found, &fetched) {
                (Found::Fresh(rows), _) => rows,
                (old, Some(Err(error))) => {
                    self.fall_back(key, old, asked).await.ok_or_else(|| error.clone())?
                }
                (_, _) => rows_of_missing.next().cloned().unwrap_or_default(),
            });
        }
        Ok(Owners { histories, cached })
    }

    /// Reads the histories of unknown keys, once for all who ask at the same time.
    async fn fetch(
        &self,
        missing: Arc<[LookupKey]>,
        asked: Moment,
    ) -> Result<Arc<Vec<History>>, LookupError> {
        let question = (asked.generation, Arc::clone(&missing));
        let histories = self
            .flights
            .try_get_with_by_ref(&question, async {
                self.inner.owners(&missing).await.map(|owners| Arc::new(owners.histories))
            })
            .await
            .map_err(|shared: Arc<LookupError>| LookupError::clone(&shared))?;
        for (key, rows) in missing.iter().zip(histories.iter()) {
            if !rows.is_empty() {
                self.hits.keep(key.clone(), Arc::clone(rows), asked).await;
                continue;
            }
            self.misses.insert(key.clone(), Arc::clone(rows)).await;
            if self.hits.has_changed_since(asked) {
                self.misses.invalidate(key).await;
            }
        }
        self.flights.invalidate(&question).await;
        Ok(histories)
    }

    /// The answer for a key that the directory does not answer for: the old one, or that it was never heard of.
    async fn fall_back(&self, key: &LookupKey, old: Found<History>, asked: Moment) -> Option<History> {
        match old {
            Found::Stale(rows) => {
                self.hits.keep_old(key, Arc::clone(&rows), asked).await;
                Some(rows)
            }
            Found::Fresh(rows) => Some(rows),
            Found::Nothing => (!self.known.may_have_existed(key)).then(|| Arc::from([])),
        }
    }
}

#[async_trait]
impl<L: Lookup> Lookup for CachedLookup<L> {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        self.owners_of(keys, true).await
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        self.inner.pins(call_id).await
    }
}

/// A memory of questions under way, which each of them leaves with its answer.
fn flights<Q, A>(config: CacheConfig) -> Cache<Q, A>
where
    Q: Hash + Eq + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    Cache::builder().max_capacity(10_000).time_to_live(config.time_to_live).build()
}

/// What is known of an organization; `None` is that it does not exist.
type Access = Option<Arc<OrgAccess>>;

/// A [`KeySource`] that remembers.
pub struct CachedKeys<K> {
    inner: Arc<K>,
    orgs: Kept<OrgId, Access>,
    /// Questions under way, as in [`CachedLookup`].
    flights: Cache<(u64, OrgId), Access>,
}

impl<K: KeySource> CachedKeys<K> {
    /// Wraps a source of keys.
    pub fn new(inner: Arc<K>, config: CacheConfig) -> Self {
        Self { inner, orgs: Kept::new(config.organizations, config.time_to_live), flights: flights(config) }
    }

    /// Forgets one organization's keys, which have changed.
    pub async fn invalidate(&self, org: OrgId) {
        self.orgs.forget(&org).await;
    }

    /// Asks for everything again: changes may have been missed. What is remembered serves where that fails.
    pub fn doubt_all(&self) {
        self.orgs.doubt_all();
    }
}

#[async_trait]
impl<K: KeySource> KeySource for CachedKeys<K> {
    async fn access(&self, org: OrgId) -> Result<Access, LookupError> {
        let asked = self.orgs.moment();
        let old = match self.orgs.get(&org, asked).await {
            Found::Fresh(access) => return Ok(access),
            Found::Stale(access) => Some(access),
            Found::Nothing => None,
        };
        let question = (asked.generation, org);
        let read = self.flights.try_get_with(question, self.inner.access(org)).await;
        match (read, old) {
            (Ok(access), _) => {
                self.orgs.keep(org, access.clone(), asked).await;
                self.flights.invalidate(&question).await;
                Ok(access)
            }
            (Err(_), Some(access)) => {
                self.orgs.keep_old(&org, access.clone(), asked).await;
                Ok(access)
            }
            (Err(shared), None) => Err(LookupError::clone(&shared)),
        }
    }
}
