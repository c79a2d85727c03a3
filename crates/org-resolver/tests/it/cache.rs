//! The caches: what they remember, share and forget.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    CacheConfig, CachedKeys, CachedLookup, IdentifierKind, KeySource, Limits, Lookup, LookupError, LookupKey,
    OrgAccess, OrgId, Owners, Ownership,
};
use signature::KeyRing;
use tokio::sync::Semaphore;

use crate::support::org;

/// Counts the questions, and answers each only once the test lets it.
struct Counting {
    inner: MemoryDirectory,
    asked: AtomicUsize,
    permits: Semaphore,
}

impl Counting {
    fn new(permits: usize) -> Arc<Self> {
        let inner = MemoryDirectory::new();
        inner.put_organization(org(1), Vec::new());
        inner.map(IdentifierKind::AssistantId, "asst-a", org(1)).unwrap();
        Arc::new(Self { inner, asked: AtomicUsize::new(0), permits: Semaphore::new(permits) })
    }

    async fn pause(&self) -> Result<(), LookupError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.map_err(LookupError::new)?.forget();
        Ok(())
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Lookup for Counting {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        let answer = self.inner.owners(keys).await;
        self.pause().await?;
        answer
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        self.inner.pins(call_id).await
    }
}

#[async_trait]
impl KeySource for Counting {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        let answer = self.inner.access(org).await;
        self.pause().await?;
        answer
    }
}

fn key(value: &str) -> LookupKey {
    LookupKey::new(IdentifierKind::AssistantId, value).unwrap()
}

fn owner(owners: &Owners) -> Option<OrgId> {
    owners.histories[0].first().map(|row| row.org)
}

#[tokio::test]
async fn hits_and_misses_are_remembered_until_they_change() {
    let source = Counting::new(100);
    let cache = CachedLookup::new(Arc::clone(&source), CacheConfig::default());
    for expected in [false, true] {
        let owners = cache.owners(&[key("asst-a"), key("unknown")]).await.unwrap();
        assert_eq!(owners.cached, [expected, expected]);
        assert_eq!((owner(&owners), owners.histories[1].len()), (Some(org(1)), 0));
    }
    assert_eq!(source.asked(), 1);
    source.inner.map(IdentifierKind::AssistantId, "unknown", org(1)).unwrap();
    cache.invalidate(&key("unknown")).await;
    let owners = cache.owners(&[key("asst-a"), key("unknown")]).await.unwrap();
    assert_eq!((owners.cached, owners.histories[1].len()), (vec![true, false], 1));
}

#[tokio::test]
async fn concurrent_misses_ask_once() {
    let source = Counting::new(0);
    let cache = Arc::new(CachedLookup::new(Arc::clone(&source), CacheConfig::default()));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let cache = Arc::clone(&cache);
            tokio::spawn(async move { owner(&cache.owners(&[key("asst-a")]).await.unwrap()) })
        })
        .collect();
    while source.asked() == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    source.permits.add_permits(50);
    for task in tasks {
        assert_eq!(task.await.unwrap(), Some(org(1)));
    }
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn an_answer_from_before_a_change_is_not_kept() {
    let source = Counting::new(0);
    let cache = Arc::new(CachedLookup::new(Arc::clone(&source), CacheConfig::default()));
    let early = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.owners(&[key("late")]).await.unwrap().histories[0].len() }
    });
    while source.asked() == 0 {
        tokio::task::yield_now().await;
    }
    // The question is under way with the old answer; now the mapping appears.
    source.inner.map(IdentifierKind::AssistantId, "late", org(1)).unwrap();
    cache.invalidate(&key("late")).await;
    source.permits.add_permits(10);
    assert_eq!(early.await.unwrap(), 0);
    assert_eq!(owner(&cache.owners(&[key("late")]).await.unwrap()), Some(org(1)));
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let source = Counting::new(0);
    let cache = CachedKeys::new(Arc::clone(&source), CacheConfig::default());
    source.permits.close();
    assert!(cache.access(org(1)).await.is_err());
    assert!(cache.access(org(1)).await.is_err());
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn keys_are_read_once_and_again_after_a_change() {
    let source = Counting::new(100);
    let cache = CachedKeys::new(Arc::clone(&source), CacheConfig::default());
    for _ in 0..3 {
        assert!(cache.access(org(1)).await.unwrap().is_some());
        assert!(cache.access(org(9)).await.unwrap().is_none());
    }
    assert_eq!(source.asked(), 2);
    source.inner.put_organization(org(9), Vec::new());
    cache.invalidate(org(9)).await;
    assert!(cache.access(org(9)).await.unwrap().is_some());
}

/// A directory in which everything changes hands with every version.
#[derive(Default)]
struct Changing(AtomicUsize);

impl Changing {
    fn org(&self) -> OrgId {
        org(u128::try_from(self.0.load(Ordering::SeqCst)).unwrap())
    }
}

#[async_trait]
impl Lookup for Changing {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        let row = Ownership { org: self.org(), is_active: true, valid_from: None, valid_to: None };
        Ok(Owners { histories: vec![Arc::from([row]); keys.len()], cached: vec![false; keys.len()] })
    }

    async fn pins(&self, _: &str) -> Result<Vec<OrgId>, LookupError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl KeySource for Changing {
    async fn access(&self, _: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        Ok(Some(Arc::new(OrgAccess {
            is_active: true,
            vapi_org_id: Some(self.org().to_string().into()),
            has_own_credentials: true,
            keys: KeyRing::new(Vec::new()),
            limits: Limits::default(),
            language: "en".into(),
        })))
    }
}

/// The version that a thread is told, by the mapping and by the keys.
async fn told(
    lookup: &CachedLookup<Changing>,
    keys: &CachedKeys<Changing>,
) -> (Option<OrgId>, Option<String>) {
    let access = keys.access(org(0)).await.unwrap().unwrap();
    let account = access.vapi_org_id.as_deref().map(str::to_owned);
    (owner(&lookup.owners(&[key("asst-a")]).await.unwrap()), account)
}

#[test]
fn no_thread_knows_what_changed_after_the_notice() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 300;
    let source = Arc::new(Changing::default());
    let lookup = CachedLookup::new(Arc::clone(&source), CacheConfig::default());
    let keys = CachedKeys::new(Arc::clone(&source), CacheConfig::default());
    let round = Barrier::new(THREADS + 1);
    let stale = Mutex::new(Vec::new());
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let runtime = runtime();
                for _ in 0..ROUNDS {
                    round.wait();
                    // While the change comes, so that the thread has old answers at hand, and answers under way.
                    for _ in 0..20 {
                        runtime.block_on(told(&lookup, &keys));
                    }
                    round.wait();
                    let (told, now) = (runtime.block_on(told(&lookup, &keys)), source.org());
                    if told != (Some(now), Some(now.to_string())) {
                        stale.lock().unwrap().push((told, now));
                    }
                    round.wait();
                }
            });
        }
        for number in 0..ROUNDS {
            round.wait();
            source.0.fetch_add(1, Ordering::SeqCst);
            if number % 2 == 0 {
                runtime().block_on(async {
                    lookup.invalidate(&key("asst-a")).await;
                    keys.invalidate(org(0)).await;
                });
            } else {
                lookup.invalidate_all();
                keys.invalidate_all();
            }
            round.wait();
            round.wait();
        }
    });
    assert_eq!(*stale.lock().unwrap(), []);
}

#[tokio::test]
async fn many_identifiers_are_told_apart() {
    let source = Counting::new(100_000);
    for number in 0..5_000 {
        source.inner.map(IdentifierKind::AssistantId, &format!("asst-{number}"), org(number)).unwrap();
    }
    let cache = CachedLookup::new(Arc::clone(&source), CacheConfig::default());
    for _ in 0..3 {
        for number in 0..5_000 {
            let owners = cache.owners(&[key(&format!("asst-{number}"))]).await.unwrap();
            assert_eq!(owner(&owners), Some(org(number)));
        }
    }
    assert_eq!(source.asked(), 5_000);
}

#[tokio::test]
async fn no_answer_outlives_its_time() {
    let source = Counting::new(100);
    let config = CacheConfig { time_to_live: Duration::ZERO, ..CacheConfig::default() };
    let lookup = CachedLookup::new(Arc::clone(&source), config);
    let keys = CachedKeys::new(Arc::clone(&source), config);
    for number in 1..=3 {
        lookup.owners(&[key("asst-a")]).await.unwrap();
        keys.access(org(1)).await.unwrap();
        assert_eq!(source.asked(), 2 * number);
    }
}
