//! Waiting for a condition, never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long the product may take until a change of the directory counts everywhere.
const NOTICE: Duration = Duration::from_secs(1);

/// How often a condition is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Asks until there is a value, and returns it.
///
/// # Panics
/// If there is none within the limit; `what` names it.
pub(crate) fn eventually<T>(what: &str, limit: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        // The clock is read before the question, so that the last question is asked after the whole limit.
        let is_last = started.elapsed() >= limit;
        if let Some(value) = ask() {
            return value;
        }
        assert!(!is_last, "{what}: not within {limit:?}");
        thread::sleep(INTERVAL);
    }
}

/// Asks until a change of mappings or keys has taken effect: the product promises a second.
///
/// # Panics
/// If it has not by then.
pub(crate) fn within_a_second(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(what, NOTICE, || is_so().then_some(()));
}
