//! Time comes in through here, so that tests can hold it still.

use std::fmt::Debug;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A gateway's source of time.
pub trait Clock: Debug + Send + Sync {
    /// The instant, for signatures, identifiers and records.
    fn now(&self) -> DateTime<Utc>;

    /// The time since some fixed start, never running backwards, for limits and durations.
    fn elapsed(&self) -> Duration;
}
