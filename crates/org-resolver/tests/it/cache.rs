//! The caches: what they remember, share and forget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    CacheConfig, CachedKeys, CachedLookup, IdentifierKind, KeySource, Lookup, LookupError, LookupKey,
    OrgAccess, OrgId, Owners,
};
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
