//! Which identifiers exist at all, in memory: so that one that does not exist costs the directory nothing, and one that does
//! is never turned away for a stranger's sake.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock};

use crate::lookup::LookupKey;

/// How many identifiers may be added before the whole set is to be listed anew.
const MAX_ADDED: usize = 1 << 20;

/// The identifiers of a directory, as a set of hashes: 8 bytes for each that was listed, some 16 for each that came later.
///
/// A key that was never in the directory is in the set once in some billion times, and then costs a look. As long as the
/// set is not complete, every key may exist.
#[derive(Debug, Default)]
pub struct KnownIdentifiers {
    /// Seeded anew in each process, so that no one can choose keys that clash.
    hasher: RandomState,
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Sorted.
    listed: Vec<u64>,
    added: HashSet<u64>,
    /// Counts what made the list incomplete.
    generation: u64,
    is_complete: bool,
    was_complete: bool,
}

/// A list of all identifiers in the making. What is added meanwhile is not lost.
#[derive(Debug)]
pub struct Listing {
    generation: u64,
    hashes: Vec<u64>,
}

impl KnownIdentifiers {
    /// A set that knows nothing yet: every key may exist.
    pub fn new() -> Self {
        Self::default()
    }

    /// False for a key that the directory does not have, for certain.
    pub fn may_exist(&self, key: &LookupKey) -> bool {
        let hash = self.hasher.hash_one(key);
        self.read(|state| !state.is_complete || state.has(hash))
    }

    /// False for a key that the directory did not have when it was listed last, nor since as far as was heard. Until it has
    /// been listed once, true.
    pub fn may_have_existed(&self, key: &LookupKey) -> bool {
        let hash = self.hasher.hash_one(key);
        self.read(|state| !state.was_complete || state.has(hash))
    }

    /// Adds an identifier that the directory has now, or had.
    ///
    /// Returns false when too many were added: the set is no longer complete, and has to be listed anew.
    pub fn add(&self, key: &LookupKey) -> bool {
        let hash = self.hasher.hash_one(key);
        self.write(|state| {
            if state.added.len() < MAX_ADDED {
                state.added.insert(hash);
                return true;
            }
            state.mark_incomplete();
            false
        })
    }

    /// Says that identifiers may have come unheard: until the next [`finish`](Self::finish) every key may exist.
    pub fn mark_incomplete(&self) {
        self.write(State::mark_incomplete);
    }

    /// Begins a new list. The directory is to be read after this.
    pub fn begin(&self) -> Listing {
        Listing { generation: self.read(|state| state.generation), hashes: Vec::new() }
    }

    /// Puts an identifier on a list.
    pub fn list(&self, listing: &mut Listing, key: &LookupKey) {
        listing.hashes.push(self.hasher.hash_one(key));
    }

    /// Takes a list for complete, together with what was added meanwhile.
    ///
    /// Returns false, and forgets it, when something may have come unheard since it was begun.
    pub fn finish(&self, listing: Listing) -> bool {
        let Listing { generation, mut hashes } = listing;
        self.write(|state| {
            if state.generation != generation {
                return false;
            }
            hashes.extend(state.added.drain());
            state.added.shrink_to_fit();
            hashes.sort_unstable();
            hashes.dedup();
            hashes.shrink_to_fit();
            state.listed = hashes;
            (state.is_complete, state.was_complete) = (true, true);
            true
        })
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn has(&self, hash: u64) -> bool {
        self.listed.binary_search(&hash).is_ok() || self.added.contains(&hash)
    }

    fn mark_incomplete(&mut self) {
        self.generation += 1;
        self.is_complete = false;
    }
}

#[cfg(test)]
mod tests {
    use tenant::IdentifierKind;

    use super::*;

    fn key(value: &str) -> LookupKey {
        LookupKey::new(IdentifierKind::AssistantId, value).unwrap()
    }

    fn listed(known: &KnownIdentifiers, values: &[&str]) -> bool {
        let mut listing = known.begin();
        for value in values {
            known.list(&mut listing, &key(value));
        }
        known.finish(listing)
    }

    #[test]
    fn everything_may_exist_until_the_directory_was_listed() {
        let known = KnownIdentifiers::new();
        assert!(known.may_exist(&key("a")) && known.may_have_existed(&key("a")));
        assert!(listed(&known, &["a", "b", "a"]));
        assert_eq!(["a", "b", "c"].map(|value| known.may_exist(&key(value))), [true, true, false]);
        let other_kind = LookupKey::new(IdentifierKind::SquadId, "a").unwrap();
        assert!(!known.may_exist(&other_kind));
    }

    #[test]
    fn what_is_added_is_known_at_once_and_after_the_next_list() {
        let known = KnownIdentifiers::new();
        assert!(listed(&known, &["a"]));
        let listing = known.begin();
        assert!(known.add(&key("b")) && known.may_exist(&key("b")));
        assert!(known.finish(listing));
        assert!(known.may_exist(&key("b")) && !known.may_exist(&key("a")));
    }

    #[test]
    fn a_list_from_before_a_gap_is_not_believed() {
        let known = KnownIdentifiers::new();
        assert!(listed(&known, &["a"]));
        let listing = known.begin();
        known.mark_incomplete();
        assert!(known.may_exist(&key("z")) && !known.may_have_existed(&key("z")));
        assert!(!known.finish(listing));
        assert!(known.may_exist(&key("z")));
        assert!(listed(&known, &["a"]));
        assert!(!known.may_exist(&key("z")));
    }
}
