//! The bytes of bodies that the process holds, shared between the addresses that they come from.
//!
//! An address may hold a third of what it leaves free: alone a quarter of a pool, and each that comes a quarter of what those
//! before it left. So there is always room for the next one, without a count of who there is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use intake::Refusal;

/// A body of so many bytes, or fewer, is small.
pub(crate) const SMALL_BYTES: usize = 64 * 1024 - 1;
/// The part of the budget that small bodies alone may take, as a divisor.
const RESERVE_DIVISOR: usize = 8;
/// An address leaves so many times free what it holds.
const LEFT_FREE: usize = 3;
/// Bodies of the largest size that an address may hold wherever there is room, whatever it leaves to others.
const SURE_BODIES: usize = 2;

/// Bytes of bodies that the process holds.
#[derive(Debug)]
pub(crate) struct Budget {
    pools: Mutex<Pools>,
}

#[derive(Debug)]
struct Pools {
    /// For small bodies alone, which take from the other one too when their part of this one is used up.
    reserve: Pool,
    general: Pool,
}

#[derive(Debug)]
struct Pool {
    most: usize,
    /// Bytes that an address may hold whatever it leaves to others.
    sure: usize,
    held: usize,
    /// Bytes by address; an address that holds none is not in it.
    holders: HashMap<IpAddr, usize>,
}

/// Bytes taken from the budget for one body, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    holder: IpAddr,
    bytes: usize,
    is_reserve: bool,
}

impl Budget {
    /// A budget of `most` bytes for bodies of at most `max_body_bytes` each.
    pub(crate) fn new(most: usize, max_body_bytes: usize) -> Self {
        let reserve = most / RESERVE_DIVISOR;
        let sure = max_body_bytes.saturating_mul(SURE_BODIES);
        let pools = Pools { reserve: Pool::new(reserve, 0), general: Pool::new(most - reserve, sure) };
        Self { pools: Mutex::new(pools) }
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        // A count is whole at every step.
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pools {
    fn of(&mut self, is_reserve: bool) -> &mut Pool {
        if is_reserve { &mut self.reserve } else { &mut self.general }
    }
}

impl Pool {
    fn new(most: usize, sure: usize) -> Self {
        Self { most, sure, held: 0, holders: HashMap::new() }
    }

    /// Takes bytes for an address, if there are so many and it leaves enough to others.
    fn take(&mut self, holder: IpAddr, bytes: usize) -> bool {
        let Some(left) = (self.most - self.held).checked_sub(bytes) else { return false };
        let own = self.holders.get(&holder).copied().unwrap_or_default() + bytes;
        let fits = own <= self.sure.max(left / LEFT_FREE);
        if fits && bytes > 0 {
            self.held += bytes;
            self.holders.insert(holder, own);
        }
        fits
    }

    fn give_back(&mut self, holder: IpAddr, bytes: usize) {
        self.held -= bytes;
        if let Some(own) = self.holders.get_mut(&holder) {
            *own -= bytes;
            if *own == 0 {
                self.holders.remove(&holder);
            }
        }
    }
}

impl Share {
    /// A share without a byte.
    pub(crate) fn new(budget: &Arc<Budget>, holder: IpAddr) -> Self {
        Self { budget: Arc::clone(budget), holder, bytes: 0, is_reserve: true }
    }

    /// Makes the share hold at least so many bytes.
    ///
    /// # Errors
    /// [`Refusal::Unavailable`] where the budget has no such room for this address. The share stays as it is.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Refusal> {
        let Some(more) = bytes.checked_sub(self.bytes) else { return Ok(()) };
        let mut pools = self.budget.pools();
        let is_small = self.is_reserve && bytes <= SMALL_BYTES;
        if is_small && pools.reserve.take(self.holder, more)
            || !self.is_reserve && pools.general.take(self.holder, more)
        {
            self.bytes = bytes;
            return Ok(());
        }
        // Out of the reserve it goes as a whole: what is no longer small has no place there.
        if !self.is_reserve || !pools.general.take(self.holder, bytes) {
            return Err(Refusal::Unavailable);
        }
        pools.reserve.give_back(self.holder, self.bytes);
        drop(pools);
        (self.bytes, self.is_reserve) = (bytes, false);
        Ok(())
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.pools().of(self.is_reserve).give_back(self.holder, self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MIB: usize = 1 << 20;

    /// The budget as it is set by default: 32 MiB for small bodies, 224 MiB for all.
    fn budget() -> Arc<Budget> {
        Arc::new(Budget::new(256 * MIB, 8 * MIB))
    }

    fn address(nth: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, nth])
    }

    fn take(budget: &Arc<Budget>, holder: IpAddr, bytes: usize) -> Option<Share> {
        let mut share = Share::new(budget, holder);
        share.grow_to(bytes).ok().map(|()| share)
    }

    /// As many bodies of a size as an address gets.
    fn fill(budget: &Arc<Budget>, holder: IpAddr, bytes: usize) -> Vec<Share> {
        std::iter::from_fn(|| take(budget, holder, bytes)).collect()
    }

    #[test]
    fn an_address_leaves_three_quarters_of_what_was_free() {
        let budget = budget();
        let first = fill(&budget, address(1), 8 * MIB);
        assert_eq!(first.len(), 7, "a quarter of 224 MiB");
        let second = fill(&budget, address(2), 8 * MIB);
        assert_eq!(second.len(), 5, "a quarter of the 168 MiB that the first one left");
        drop(first);
        assert_eq!(fill(&budget, address(2), 8 * MIB).len(), 2, "up to a quarter of all");
    }

    #[test]
    fn small_bodies_have_room_that_no_large_one_takes() {
        let budget = budget();
        let _large: Vec<_> = (0..=255).flat_map(|nth| fill(&budget, address(nth), 8 * MIB)).collect();
        assert!(take(&budget, address(1), SMALL_BYTES + 1).is_none());
        let small = fill(&budget, address(1), SMALL_BYTES);
        assert_eq!(small.len(), 128, "a quarter of 32 MiB, also for an address that has large ones");
        assert!(take(&budget, address(2), SMALL_BYTES).is_some());
    }

    #[test]
    fn small_bodies_beyond_their_reserve_share_with_all() {
        let budget = budget();
        let small = fill(&budget, address(1), SMALL_BYTES);
        assert_eq!(small.len(), 128 + 896, "a quarter of 32 and a quarter of 224 MiB");
        assert!(take(&budget, address(2), 8 * MIB).is_some());
    }

    #[test]
    fn two_reports_at_once_are_taken_wherever_there_is_room() {
        let budget = budget();
        let strangers: Vec<_> =
            (1..=13).map(|nth| [(); 2].map(|()| take(&budget, address(nth), 8 * MIB).unwrap())).collect();
        let reports = fill(&budget, address(200), 8 * MIB);
        assert_eq!((strangers.len(), reports.len()), (13, 2), "14 addresses with two each are all that fit");
    }

    #[test]
    fn a_body_that_grows_leaves_the_reserve_as_a_whole() {
        let budget = budget();
        let mut share = Share::new(&budget, address(1));
        let held = || {
            let pools = budget.pools();
            (pools.reserve.held, pools.general.held)
        };
        for (bytes, expected) in [
            (SMALL_BYTES, (SMALL_BYTES, 0)),
            (10, (SMALL_BYTES, 0)),
            (SMALL_BYTES + 1, (0, SMALL_BYTES + 1)),
            (MIB, (0, MIB)),
        ] {
            assert_eq!(share.grow_to(bytes), Ok(()));
            assert_eq!(held(), expected);
        }
        assert_eq!(share.grow_to(300 * MIB), Err(Refusal::Unavailable));
        assert_eq!(held(), (0, MIB), "a refusal changes nothing");
        drop(share);
        assert_eq!(held(), (0, 0));
    }

    proptest! {
        /// Whatever is asked for and given back, in any order.
        #[test]
        fn no_address_takes_the_room_of_all(
            steps in prop::collection::vec((0_u8..6, 0_usize..40, 1_usize..9_000_000, any::<bool>()), 1..200),
        ) {
            let budget = budget();
            let mut shares: Vec<Share> = Vec::new();
            for (holder, at, bytes, is_new) in steps {
                match (is_new, shares.len()) {
                    (false, count @ 1..) if bytes % 2 == 0 => drop(shares.swap_remove(at % count)),
                    (false, count @ 1..) => {
                        let _ = shares[at % count].grow_to(bytes);
                    }
                    _ => shares.extend(take(&budget, address(holder), bytes)),
                }
                let pools = budget.pools();
                for (pool, is_reserve) in [(&pools.reserve, true), (&pools.general, false)] {
                    let of = |share: &&Share| share.is_reserve == is_reserve;
                    let own = |holder| -> usize {
                        shares.iter().filter(of).filter(|it| it.holder == holder).map(|it| it.bytes).sum()
                    };
                    prop_assert_eq!(pool.held, shares.iter().filter(of).map(|share| share.bytes).sum::<usize>());
                    prop_assert!(pool.held <= pool.most);
                    for (holder, held) in &pool.holders {
                        prop_assert_eq!(*held, own(*holder));
                        prop_assert!(*held > 0 && *held <= (pool.most / 4).max(pool.sure));
                    }
                    let least = (0..6).fold(pool.most, |free, _| free - (free / 4).max(pool.sure));
                    prop_assert!(pool.most - pool.held >= least, "six addresses leave room to a seventh");
                }
                prop_assert!(shares.iter().all(|share| !share.is_reserve || share.bytes <= SMALL_BYTES));
            }
            drop(shares);
            prop_assert!(budget.pools().reserve.holders.is_empty() && budget.pools().general.holders.is_empty());
        }
    }
}
