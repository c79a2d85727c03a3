//! The caches: what they remember, share and forget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    CacheConfig, CachedKeys, CachedLookup, IdentifierKind, KeySource, KnownIdentifiers, Lookup, LookupError,
    LookupKey, OrgAccess, OrgId, Owners,
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
    owners.histories[0].first().and_then(|row| row.org)
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

/// Every answer has to be asked for again at once.
const STALE: CacheConfig =
    CacheConfig { hits: 100, misses: 100, organizations: 100, time_to_live: Duration::ZERO };

#[tokio::test]
async fn an_old_answer_serves_where_there_is_no_new_one() {
    let source = Counting::new(4);
    let lookup = CachedLookup::new(Arc::clone(&source), STALE);
    let keys = CachedKeys::new(Arc::clone(&source), STALE);
    for _ in 0..2 {
        assert_eq!(owner(&lookup.owners(&[key("asst-a")]).await.unwrap()), Some(org(1)));
        assert!(keys.access(org(1)).await.unwrap().is_some());
    }
    assert_eq!(source.asked(), 4, "what is old is asked for again");
    source.permits.close();
    assert_eq!(owner(&lookup.owners(&[key("asst-a")]).await.unwrap()), Some(org(1)));
    assert!(keys.access(org(1)).await.unwrap().is_some());
    // Of what was never heard of, nothing is said.
    assert!(lookup.owners(&[key("asst-a"), key("other")]).await.is_err());
    assert!(keys.access(org(2)).await.is_err());
    // What is known to have changed does not serve.
    lookup.invalidate(&key("asst-a")).await;
    keys.invalidate(org(1)).await;
    assert!(lookup.owners(&[key("asst-a")]).await.is_err());
    assert!(keys.access(org(1)).await.is_err());
}

#[tokio::test]
async fn after_a_doubt_everything_is_asked_again_and_serves_where_that_fails() {
    let source = Counting::new(4);
    let lookup = CachedLookup::new(Arc::clone(&source), CacheConfig::default());
    let keys = CachedKeys::new(Arc::clone(&source), CacheConfig::default());
    for asked in [2, 4] {
        for _ in 0..2 {
            assert_eq!(owner(&lookup.owners(&[key("asst-a")]).await.unwrap()), Some(org(1)));
            assert!(keys.access(org(1)).await.unwrap().is_some());
        }
        assert_eq!(source.asked(), asked);
        lookup.doubt_all();
        keys.doubt_all();
    }
    source.permits.close();
    for _ in 0..2 {
        assert_eq!(owner(&lookup.owners(&[key("asst-a")]).await.unwrap()), Some(org(1)));
        assert!(keys.access(org(1)).await.unwrap().is_some());
    }
    assert_eq!(source.asked(), 6, "after a failure the old answer serves for a while without another try");
}

/// Takes these for all the identifiers that there are.
fn list(known: &KnownIdentifiers, values: &[&str]) {
    let mut listing = known.begin();
    for value in values {
        known.list(&mut listing, &key(value));
    }
    assert!(known.finish(listing));
}

#[tokio::test]
async fn what_does_not_exist_is_not_asked_for() {
    let source = Counting::new(100);
    let known = Arc::new(KnownIdentifiers::new());
    let cache = CachedLookup::with_known(Arc::clone(&source), Arc::clone(&known), CacheConfig::default());
    list(&known, &["asst-a", "asst-b"]);
    for nth in 0..1000 {
        let owners = cache.owners_of_known(&[key(&format!("made-up-{nth}"))]).await.unwrap();
        assert_eq!((owners.cached, owners.histories[0].len()), (vec![true], 0));
    }
    assert_eq!(source.asked(), 0);
    let owners = cache.owners(&[key("made-up"), key("asst-a")]).await.unwrap();
    assert_eq!((owners.cached, owners.histories[1][0].org), (vec![true, false], Some(org(1))));
    assert_eq!(source.asked(), 1);
    // One that comes is known by its notice, and is found before that where nothing else is in the message.
    source.inner.map(IdentifierKind::AssistantId, "made-up", org(1)).unwrap();
    source.inner.map(IdentifierKind::AssistantId, "unheard", org(1)).unwrap();
    assert!(known.add(&key("made-up")));
    assert_eq!(owner(&cache.owners_of_known(&[key("made-up")]).await.unwrap()), Some(org(1)));
    assert_eq!(owner(&cache.owners_of_known(&[key("unheard")]).await.unwrap()), None);
    assert_eq!(owner(&cache.owners(&[key("unheard")]).await.unwrap()), Some(org(1)));
}

#[tokio::test]
async fn without_the_directory_what_was_never_heard_of_is_a_miss() {
    let source = Counting::new(1);
    let known = Arc::new(KnownIdentifiers::new());
    let cache = CachedLookup::with_known(Arc::clone(&source), Arc::clone(&known), CacheConfig::default());
    list(&known, &["asst-a", "asst-b"]);
    assert_eq!(owner(&cache.owners(&[key("asst-a")]).await.unwrap()), Some(org(1)));
    // The directory goes away, and with it its notices.
    known.mark_incomplete();
    source.permits.close();
    let owners = cache.owners(&[key("asst-a"), key("made-up")]).await.unwrap();
    assert_eq!((owner(&owners), owners.histories[1].len()), (Some(org(1)), 0));
    // Of one that exists and was not asked for yet, no one can say whose it is.
    assert!(cache.owners(&[key("asst-a"), key("asst-b")]).await.is_err());
}
