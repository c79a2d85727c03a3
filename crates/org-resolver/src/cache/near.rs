//! A small part of a shared cache, once more for every thread: read without locks and without bookkeeping.
//!
//! A thread's part is forgotten as a whole as soon as anything was taken out of the shared cache, which every use of it
//! looks at first. So it never knows longer than the shared cache does.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thread_local::ThreadLocal;

/// Entries of one thread. The remainder of its hash is an entry's place.
const PLACES: usize = 1024;

/// How many times a place has to be wanted for other keys until one of them gets it.
const CONTESTS: usize = 16;

/// The parts of all threads.
pub(super) struct Near<K: Send, V: Send> {
    threads: ThreadLocal<RefCell<Part<K, V>>>,
    /// How often something was taken out of the shared cache.
    generation: AtomicU64,
    hasher: RandomState,
}

struct Part<K, V> {
    generation: u64,
    /// How often a place was wanted for another key.
    contested: usize,
    places: Box<[Place<K, V>]>,
}

/// Room for one entry.
type Place<K, V> = Option<(K, Kept<V>)>;

/// Something that is remembered until an instant; `None` is the end of time.
#[derive(Clone)]
pub(super) struct Kept<V> {
    pub(super) value: V,
    until: Option<Instant>,
}

impl<V> Kept<V> {
    /// A value that is remembered for so long from now on.
    pub(super) fn new(value: V, time_to_live: Duration) -> Self {
        Self { value, until: Instant::now().checked_add(time_to_live) }
    }
}

/// What a thread's part was like before the shared cache was asked: what that says may be kept only while this holds.
#[derive(Clone, Copy)]
pub(super) struct Seen(u64);

impl<K: Eq + Hash + Send, V: Clone + Send> Near<K, V> {
    pub(super) fn new() -> Self {
        Self { threads: ThreadLocal::new(), generation: AtomicU64::new(0), hasher: RandomState::new() }
    }

    /// To be called after something was taken out of the shared cache.
    pub(super) fn forget(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn seen(&self) -> Seen {
        Seen(self.generation.load(Ordering::SeqCst))
    }

    pub(super) fn get(&self, seen: Seen, now: Instant, key: &K) -> Option<V> {
        self.with(seen, key, |place, _| {
            let (own, kept) = place.as_ref()?;
            let is_fresh = own == key && kept.until.is_none_or(|until| now < until);
            is_fresh.then(|| kept.value.clone())
        })?
    }

    /// Keeps what the shared cache said after it was `seen`.
    pub(super) fn put(&self, seen: Seen, key: &K, kept: &Kept<V>)
    where
        K: Clone,
    {
        self.with(seen, key, |place, contested| {
            // Where there are far more keys than places, giving up one for each would cost more than it ever spares.
            if place.as_ref().is_some_and(|(own, _)| own != key) {
                *contested = contested.wrapping_add(1);
                if *contested % CONTESTS != 0 {
                    return;
                }
            }
            *place = Some((key.clone(), kept.clone()));
        });
    }

    /// The place of a key, in a part that is as new as `seen`; `None` where it is newer already.
    fn with<T>(
        &self,
        seen: Seen,
        key: &K,
        look: impl FnOnce(&mut Place<K, V>, &mut usize) -> T,
    ) -> Option<T> {
        let part = self.threads.get_or(|| {
            let places = std::iter::repeat_with(|| None).take(PLACES).collect();
            RefCell::new(Part { generation: seen.0, contested: 0, places })
        });
        let mut part = part.borrow_mut();
        if part.generation < seen.0 {
            part.places.fill_with(|| None);
            part.generation = seen.0;
        }
        if part.generation > seen.0 {
            return None;
        }
        let [low, high, ..] = self.hasher.hash_one(key).to_le_bytes();
        let place = usize::from(u16::from_le_bytes([low, high])) % PLACES;
        let Part { contested, places, .. } = &mut *part;
        places.get_mut(place).map(|place| look(place, contested))
    }
}
