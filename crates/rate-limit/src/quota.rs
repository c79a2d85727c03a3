//! How much is admitted, and the arithmetic of one bucket.

use std::fmt;
use std::time::Duration;

const MINUTE_NANOS: u64 = 60_000_000_000;

/// How much one bucket admits.
///
/// Over any stretch of time, at most `burst` plus `per_minute` for each minute of it. Zero in either field admits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Admitted on average in a minute.
    pub per_minute: u32,
    /// Admitted at once when the bucket is full.
    pub burst: u32,
}

impl Quota {
    /// A quota whose bucket holds a tenth of a minute's worth, at least one.
    #[must_use]
    pub fn per_minute(per_minute: u32) -> Self {
        Self { per_minute, burst: (per_minute / 10).max(1) }
    }

    /// Decides at `now` for a bucket that is full again at `full_at`: the new `full_at`, or how long to wait.
    pub(crate) fn decide(self, full_at: u64, now: u64) -> Result<u64, RetryAfter> {
        if self.per_minute == 0 || self.burst == 0 {
            return Err(RetryAfter(Duration::from_nanos(MINUTE_NANOS)));
        }
        // Rounded up, so that rounding never admits more than the quota.
        let interval = MINUTE_NANOS.div_ceil(self.per_minute.into());
        let depth = interval.saturating_mul(u64::from(self.burst) - 1);
        let full_at = full_at.max(now);
        let ahead = full_at - now;
        if ahead > depth {
            return Err(RetryAfter(Duration::from_nanos(ahead - depth)));
        }
        Ok(full_at.saturating_add(interval))
    }
}

/// Refusal that says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// How long until the same check would be admitted, if nothing else is admitted before.
    ///
    /// For a quota of zero, which never admits, it is a minute.
    #[must_use]
    pub fn wait(self) -> Duration {
        self.0
    }

    /// The wait in whole seconds, rounded up, at least 1: what a `Retry-After` header holds.
    #[must_use]
    pub fn seconds(self) -> u64 {
        (self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)).max(1)
    }
}

impl fmt::Display for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "over the limit, retry in {} s", self.seconds())
    }
}

impl std::error::Error for RetryAfter {}

/// Nanoseconds since the start; the clock stops after 584 years.
pub(crate) fn nanos(now: Duration) -> u64 {
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}
