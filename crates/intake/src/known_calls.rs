//! Calls of which a message was verified lately.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

/// Calls remembered, 8 bytes each; a later one takes the place of an earlier one.
const PLACES: u64 = 1 << 16;

/// A bounded memory of calls, by hash.
#[derive(Debug)]
pub(crate) struct KnownCalls {
    hasher: RandomState,
    places: Box<[AtomicU64]>,
}

impl KnownCalls {
    pub(crate) fn new() -> Self {
        Self { hasher: RandomState::new(), places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Remembers a call.
    pub(crate) fn insert(&self, call_id: &str) {
        let (hash, place) = self.find(call_id);
        // A place that has it already stays in every processor's cache.
        if let Some(place) = place.filter(|place| place.load(Ordering::Relaxed) != hash) {
            place.store(hash, Ordering::Relaxed);
        }
    }

    /// Whether the call was verified lately; true for another one by chance alone.
    pub(crate) fn contains(&self, call_id: &str) -> bool {
        let (hash, place) = self.find(call_id);
        place.is_some_and(|place| place.load(Ordering::Relaxed) == hash)
    }

    fn find(&self, call_id: &str) -> (u64, Option<&AtomicU64>) {
        let hash = self.hasher.hash_one(call_id);
        let place = usize::try_from(hash % PLACES).ok();
        (hash, place.and_then(|place| self.places.get(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_remembered_and_others_are_not_known() {
        let calls = KnownCalls::new();
        calls.insert("call-1");
        calls.insert("call-1");
        assert!(calls.contains("call-1"));
        assert!((2..1000).all(|nth| !calls.contains(&format!("call-{nth}"))));
    }

    #[test]
    fn the_latest_of_very_many_are_remembered() {
        let calls = KnownCalls::new();
        for nth in 0..1_000_000 {
            calls.insert(&nth.to_string());
        }
        assert!(calls.contains("999999") && !calls.contains("1"));
    }
}
