//! How much is admitted, and the arithmetic of one bucket.

use std::fmt;
use std::time::Duration;

/// How much one bucket admits.
///
/// Over any stretch of time, at most `burst` plus `allowed` for each `period` of it. Zero in any field admits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Admitted on average in a period.
    pub allowed: u32,
    /// The period, such as a minute.
    pub period: Duration,
    /// Admitted at once when the bucket is full.
    pub burst: u32,
}

impl Quota {
    /// A quota whose whole allowance may come at once.
    #[must_use]
    pub const fn per(period: Duration, allowed: u32) -> Self {
        Self { allowed, period, burst: allowed }
    }

    /// [`Quota::per`] a minute.
    #[must_use]
    pub const fn per_minute(allowed: u32) -> Self {
        Self::per(Duration::from_secs(60), allowed)
    }

    /// [`Quota::per`] an hour.
    #[must_use]
    pub const fn per_hour(allowed: u32) -> Self {
        Self::per(Duration::from_secs(3600), allowed)
    }

    /// Decides at `now` for a bucket that is full again at `full_at`, when so much is taken: the new `full_at`, or how long to
    /// wait until there is something left.
    pub(crate) fn decide(self, full_at: u64, amount: u64, now: u64) -> Result<u64, RetryAfter> {
        if self.allowed == 0 || self.burst == 0 || self.period.is_zero() {
            return Err(RetryAfter(self.period));
        }
        // Rounded up, so that rounding never admits more than the quota.
        let interval = nanos(self.period).div_ceil(self.allowed.into());
        let depth = interval.saturating_mul(u64::from(self.burst) - 1);
        let full_at = full_at.max(now);
        let ahead = full_at - now;
        if ahead > depth {
            return Err(RetryAfter(Duration::from_nanos(ahead - depth)));
        }
        Ok(full_at.saturating_add(interval.saturating_mul(amount)))
    }
}

/// Refusal that says when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RetryAfter(Duration);

impl RetryAfter {
    /// How long until the same check would be admitted, if nothing else is admitted before.
    ///
    /// For a quota of zero, which never admits, it is the period.
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
