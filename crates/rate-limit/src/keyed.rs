//! A bucket for each key, within bounded memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::quota::nanos;
use crate::{Quota, RetryAfter};

/// Locks that checks are spread over; a power of two well above the number of cores that contend.
const SHARDS: usize = 16;
/// A shard with fewer keys than this is never swept.
const SMALL: usize = 64;
/// A full shard is swept at most this often, so that a flood of new keys does not make each of them pay for a sweep.
const SWEEP_EVERY_NANOS: u64 = 1_000_000_000;

/// Buckets by key, for at most a given number of keys.
///
/// A key whose bucket is full again is forgotten, for it is no different from one never seen. When all remembered
/// buckets are in use, new keys share one bucket of their shard until there is room.
#[derive(Debug)]
pub struct KeyedLimiter<K> {
    shards: [Mutex<Shard<K>>; SHARDS],
    hasher: RandomState,
}

impl<K: Hash + Eq + Clone> KeyedLimiter<K> {
    /// A limiter that remembers about `max_keys` keys: rounded up to a multiple of 16, at least 16.
    #[must_use]
    pub fn new(max_keys: usize) -> Self {
        let capacity = max_keys.div_ceil(SHARDS).max(1);
        Self { shards: std::array::from_fn(|_| Mutex::new(Shard::new(capacity))), hasher: RandomState::new() }
    }

    /// Takes one from the bucket of a key; `now` is the time since a fixed start.
    ///
    /// # Errors
    /// [`RetryAfter`] when the key's quota is used up; a refusal takes nothing.
    pub fn check(&self, key: &K, quota: Quota, now: Duration) -> Result<(), RetryAfter> {
        self.take(key, quota, 1, now)
    }

    /// Takes so much from the bucket of a key as soon as something is left in it, also more than is left: what is measured
    /// in bytes comes in pieces that cannot be divided. What was taken too much has to come back first.
    ///
    /// # Errors
    /// [`RetryAfter`] when the key's quota is used up; a refusal takes nothing.
    pub fn take(&self, key: &K, quota: Quota, amount: u64, now: Duration) -> Result<(), RetryAfter> {
        self.shard(key).take(key, quota, amount, nanos(now))
    }

    /// Says whether the key has some of its quota left, and takes nothing. A key that is not remembered has all of it.
    ///
    /// # Errors
    /// [`RetryAfter`] when the key's quota is used up.
    pub fn peek(&self, key: &K, quota: Quota, now: Duration) -> Result<(), RetryAfter> {
        let full_at = self.shard(key).full_at.get(key).copied().unwrap_or_default();
        quota.decide(full_at, 1, nanos(now)).map(|_| ())
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K>> {
        // The low byte is enough to choose a shard and needs no lossy conversion to an index.
        let [low, ..] = self.hasher.hash_one(key).to_le_bytes();
        #[expect(clippy::indexing_slicing, reason = "the remainder is below the length of the array")]
        let shard = &self.shards[usize::from(low) % SHARDS];
        // A bucket is one number, so a panic elsewhere cannot have left it half written.
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many keys are remembered now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).full_at.len())
            .sum()
    }

    /// Whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[derive(Debug)]
struct Shard<K> {
    full_at: HashMap<K, u64>,
    capacity: usize,
    /// Number of keys at which the next sweep is due; doubling it keeps the cost of a new key constant on average.
    sweep_at: usize,
    swept_at: Option<u64>,
    /// The bucket that keys without room share.
    shared: u64,
}

impl<K: Hash + Eq + Clone> Shard<K> {
    fn new(capacity: usize) -> Self {
        Self { full_at: HashMap::new(), capacity, sweep_at: SMALL.min(capacity), swept_at: None, shared: 0 }
    }

    fn take(&mut self, key: &K, quota: Quota, amount: u64, now: u64) -> Result<(), RetryAfter> {
        if let Some(full_at) = self.full_at.get_mut(key) {
            *full_at = quota.decide(*full_at, amount, now)?;
            return Ok(());
        }
        if self.has_room(now) {
            self.full_at.insert(key.clone(), quota.decide(0, amount, now)?);
        } else {
            self.shared = quota.decide(self.shared, amount, now)?;
        }
        Ok(())
    }

    fn has_room(&mut self, now: u64) -> bool {
        let rested = self.swept_at.is_none_or(|at| now.saturating_sub(at) >= SWEEP_EVERY_NANOS);
        if self.full_at.len() >= self.sweep_at && (self.full_at.len() < self.capacity || rested) {
            self.full_at.retain(|_, full_at| *full_at > now);
            self.sweep_at = (self.full_at.len() * 2).max(SMALL).min(self.capacity);
            self.swept_at = Some(now);
        }
        self.full_at.len() < self.capacity
    }
}
