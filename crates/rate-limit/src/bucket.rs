//! One bucket for everybody.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::quota::nanos;
use crate::{Quota, RetryAfter};

/// A single bucket without keys, free of locks.
#[derive(Debug, Default)]
pub struct Bucket {
    full_at: AtomicU64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub const fn new() -> Self {
        Self { full_at: AtomicU64::new(0) }
    }

    /// Says whether [`Bucket::check`] would admit, and takes nothing; `now` is the time since a fixed start.
    ///
    /// # Errors
    /// [`RetryAfter`] when the quota is used up.
    pub fn peek(&self, quota: Quota, now: Duration) -> Result<(), RetryAfter> {
        quota.decide(self.full_at.load(Ordering::Relaxed), 1, nanos(now)).map(|_| ())
    }

    /// Takes one from the bucket; `now` is the time since a fixed start.
    ///
    /// # Errors
    /// [`RetryAfter`] when the quota is used up; a refusal takes nothing.
    pub fn check(&self, quota: Quota, now: Duration) -> Result<(), RetryAfter> {
        let now = nanos(now);
        // The number carries all state and guards no other memory, so no ordering is needed.
        let mut seen = self.full_at.load(Ordering::Relaxed);
        loop {
            let next = quota.decide(seen, 1, now)?;
            match self.full_at.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => seen = other,
            }
        }
    }
}
