//! Answers that are kept: fresh for a while, and good to fall back on long after.

use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::future::Cache;

/// An answer that was not asked for this long is forgotten.
const IDLE: Duration = Duration::from_secs(24 * 60 * 60);
/// After a failure to ask again, an old answer serves for this long before the next try.
const RETRY: Duration = Duration::from_secs(5);

/// Answers by question, the least used pushed out first.
pub(super) struct Kept<K, V> {
    answers: Cache<K, Answer<V>>,
    fresh_for: Duration,
    /// Counts what makes every answer stale.
    epoch: AtomicU64,
    /// Counts every change, so that an answer from before one is not kept.
    generation: AtomicU64,
}

/// An answer, and whether it has to be asked for again.
#[derive(Clone)]
struct Answer<V> {
    value: V,
    fresh_until: Instant,
    epoch: u64,
}

/// How far an answer in memory may be believed.
pub(super) enum Found<V> {
    Fresh(V),
    /// To be asked for again; good where that fails.
    Stale(V),
    Nothing,
}

/// The moment before a question was asked.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    at: Instant,
    pub(super) generation: u64,
    epoch: u64,
}

impl<K, V> Kept<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most `capacity` answers, each fresh for so long.
    pub(super) fn new(capacity: u64, fresh_for: Duration) -> Self {
        Self {
            answers: Cache::builder().max_capacity(capacity).time_to_idle(IDLE).build(),
            fresh_for,
            epoch: AtomicU64::new(0),
            generation: AtomicU64::new(0),
        }
    }

    /// What is kept, as it was at this moment.
    pub(super) async fn get(&self, key: &K, asked: Moment) -> Found<V> {
        let Some(answer) = self.answers.get(key).await else { return Found::Nothing };
        let is_fresh = answer.epoch == asked.epoch && asked.at < answer.fresh_until;
        if is_fresh { Found::Fresh(answer.value) } else { Found::Stale(answer.value) }
    }

    /// To be taken before a question is asked.
    pub(super) fn moment(&self) -> Moment {
        Moment {
            at: Instant::now(),
            generation: self.generation.load(Ordering::SeqCst),
            epoch: self.epoch.load(Ordering::SeqCst),
        }
    }

    /// Keeps the answer to a question that was asked at this moment.
    pub(super) async fn keep(&self, key: K, value: V, asked: Moment) {
        self.put(&key, value, asked, self.fresh_for).await;
    }

    /// Lets an old answer serve for a little longer, because there is no new one.
    pub(super) async fn keep_old(&self, key: &K, value: V, asked: Moment) {
        self.put(key, value, asked, RETRY.min(self.fresh_for)).await;
    }

    async fn put(&self, key: &K, value: V, asked: Moment, fresh_for: Duration) {
        let fresh_until = Instant::now() + fresh_for;
        self.answers.insert(key.clone(), Answer { value, fresh_until, epoch: asked.epoch }).await;
        // Looked at after the insertion: a change between the two would be missed otherwise.
        if self.has_changed_since(asked) {
            self.answers.invalidate(key).await;
        }
    }

    /// Whether something was heard to have changed since.
    pub(super) fn has_changed_since(&self, asked: Moment) -> bool {
        self.generation.load(Ordering::SeqCst) != asked.generation
    }

    /// Forgets one answer: it is known to be wrong.
    pub(super) async fn forget(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.answers.invalidate(key).await;
    }

    /// Has every answer asked for again: any of them may be wrong.
    pub(super) fn doubt_all(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}
