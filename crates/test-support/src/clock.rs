//! A clock that moves only when a test moves it.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// An instant that stands still until it is moved; clones share it.
#[derive(Clone, Debug)]
pub struct FixedClock {
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl FixedClock {
    /// Starts at the given instant.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { now: Arc::new(Mutex::new(now)) }
    }

    /// Starts at an RFC 3339 instant, such as `2026-03-01T09:00:00Z`.
    ///
    /// # Panics
    /// If the text is not an RFC 3339 instant.
    #[must_use]
    pub fn at(rfc3339: &str) -> Self {
        match DateTime::parse_from_rfc3339(rfc3339) {
            Ok(instant) => Self::new(instant.to_utc()),
            Err(error) => panic!("{rfc3339:?} is not an RFC 3339 instant: {error}"),
        }
    }

    /// Returns the instant at which the clock stands.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the instant in whole seconds since 1970, as signed requests carry it.
    #[must_use]
    pub fn unix_seconds(&self) -> i64 {
        self.now().timestamp()
    }

    /// Moves the clock by a span, which may be negative.
    pub fn advance(&self, span: TimeDelta) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += span;
    }

    /// Moves the clock to an instant.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Returns the clock as a function, for code that takes its time from one.
    pub fn reader(&self) -> impl Fn() -> DateTime<Utc> + Clone + Send + Sync + 'static {
        let clock = self.clone();
        move || clock.now()
    }
}
