//! The budget of unverified messages: what strangers may cost.
//!
//! All organizations share the provider's few addresses, so a message that verifies costs its address nothing. A
//! message that does not is charged afterwards; an address over its budget is answered from the caches alone.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Addresses remembered, of those that sent something unverified lately. Beyond them only the common budget counts.
const MAX_ADDRESSES: usize = 65_536;
const MINUTE: Duration = Duration::from_secs(60);
/// A full memory is swept at most this often.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
const NEVER: u64 = u64::MAX;

/// The budgets of unverified messages.
///
/// Unlike the limiters of `rate-limit`, these can be looked at without taking from them: whether a message is charged
/// shows only at its end.
#[derive(Debug)]
pub(crate) struct UnverifiedGuard {
    per_address: Budget,
    total: Budget,
    spent: Mutex<Spent>,
    /// When something was charged last, in milliseconds; most of the time nothing was, and nothing needs a look.
    charged_at_ms: AtomicU64,
}

/// When each budget will be whole again.
#[derive(Debug, Default)]
struct Spent {
    addresses: HashMap<IpAddr, Duration>,
    everybody: Duration,
    swept_at: Duration,
}

/// So much a minute, which may be used up at once. `None` is nothing at all.
#[derive(Clone, Copy, Debug)]
struct Budget {
    interval: Option<Duration>,
}

impl Budget {
    fn per_minute(per_minute: u32) -> Self {
        Self { interval: MINUTE.checked_div(per_minute) }
    }

    /// How long to wait until something is left, of a budget that is whole again at `whole_at`.
    fn wait(self, whole_at: Duration, now: Duration) -> Option<Duration> {
        let Some(interval) = self.interval else { return Some(MINUTE) };
        let wait = (whole_at.saturating_sub(now) + interval).saturating_sub(MINUTE);
        // Dividing a minute leaves a few nanoseconds over, which must not cost anybody a message.
        (wait > Duration::from_micros(1)).then_some(wait)
    }

    fn taken(self, whole_at: Duration, now: Duration) -> Duration {
        whole_at.max(now) + self.interval.unwrap_or_default()
    }
}

impl UnverifiedGuard {
    /// Budgets per minute, of one address and of all together.
    pub(crate) fn new(per_address: u32, total: u32) -> Self {
        Self {
            per_address: Budget::per_minute(per_address),
            total: Budget::per_minute(total),
            spent: Mutex::new(Spent::default()),
            charged_at_ms: AtomicU64::new(NEVER),
        }
    }

    /// Says whether the address has some of its budget left, and takes nothing.
    ///
    /// # Errors
    /// How long to wait, when it has none.
    pub(crate) fn look(&self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        if self.was_charged_lately(now) { self.check(&self.spent(), address, now) } else { Ok(()) }
    }

    /// Charges an unverified message to its address.
    ///
    /// # Errors
    /// How long to wait, when there was nothing left to take.
    pub(crate) fn charge(&self, address: IpAddr, now: Duration) -> Result<(), Duration> {
        self.charged_at_ms.store(millis(now), Ordering::Relaxed);
        let mut spent = self.spent();
        self.check(&spent, address, now)?;
        spent.everybody = self.total.taken(spent.everybody, now);
        if let Some(whole_at) = spent.addresses.get_mut(&address) {
            *whole_at = self.per_address.taken(*whole_at, now);
        } else if spent.has_room(now) {
            spent.addresses.insert(address, self.per_address.taken(Duration::ZERO, now));
        }
        Ok(())
    }

    fn check(&self, spent: &Spent, address: IpAddr, now: Duration) -> Result<(), Duration> {
        let whole_at = spent.addresses.get(&address).copied().unwrap_or_default();
        let wait = self.per_address.wait(whole_at, now).max(self.total.wait(spent.everybody, now));
        wait.map_or(Ok(()), Err)
    }

    /// A panic elsewhere leaves the numbers whole: each change is a single write.
    fn spent(&self) -> std::sync::MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn was_charged_lately(&self, now: Duration) -> bool {
        let charged_at = self.charged_at_ms.load(Ordering::Relaxed);
        charged_at != NEVER && millis(now).saturating_sub(charged_at) <= millis(MINUTE)
    }
}

impl Spent {
    fn has_room(&mut self, now: Duration) -> bool {
        if self.addresses.len() >= MAX_ADDRESSES && now.saturating_sub(self.swept_at) >= SWEEP_EVERY {
            self.swept_at = now;
            self.addresses.retain(|_, whole_at| *whole_at > now);
        }
        self.addresses.len() < MAX_ADDRESSES
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
    const START: Duration = Duration::from_secs(1000);

    #[test]
    fn looking_takes_nothing_and_refuses_when_a_charge_would() {
        let guard = UnverifiedGuard::new(3, 100);
        for _ in 0..3 {
            for _ in 0..10_000 {
                assert_eq!(guard.look(HERE, START), Ok(()));
            }
            assert_eq!(guard.charge(HERE, START), Ok(()));
        }
        assert_eq!(guard.look(HERE, START), Err(Duration::from_secs(20)));
        assert!(guard.charge(HERE, START).is_err());
        assert_eq!(guard.look(THERE, START), Ok(()));
    }

    #[test]
    fn the_budget_comes_back_with_time() {
        let guard = UnverifiedGuard::new(2, 100);
        assert_eq!((guard.charge(HERE, START), guard.charge(HERE, START)), (Ok(()), Ok(())));
        assert!(guard.look(HERE, START + Duration::from_secs(29)).is_err());
        let later = START + Duration::from_secs(31);
        assert_eq!(guard.look(HERE, later), Ok(()));
        assert_eq!(guard.charge(HERE, later), Ok(()));
        assert!(guard.look(HERE, later).is_err());
    }

    #[test]
    fn all_addresses_share_one_budget_too() {
        let guard = UnverifiedGuard::new(10, 2);
        assert_eq!((guard.charge(HERE, START), guard.charge(THERE, START)), (Ok(()), Ok(())));
        assert!(guard.look(HERE, START).is_err());
        assert!(guard.charge(THERE, START).is_err());
    }

    #[test]
    fn a_minute_that_does_not_divide_is_used_up_whole() {
        let guard = UnverifiedGuard::new(7, 7_000);
        assert_eq!((0..10).filter(|_| guard.charge(HERE, START).is_ok()).count(), 7);
    }

    #[test]
    fn strangers_without_number_are_not_remembered_without_end() {
        let guard = UnverifiedGuard::new(1, u32::MAX);
        for number in 0..70_000 {
            let _ = guard.charge(IpAddr::V4(Ipv4Addr::from_bits(number)), START);
        }
        assert_eq!(guard.spent().addresses.len(), MAX_ADDRESSES);
        let later = START + Duration::from_secs(61);
        assert_eq!(guard.charge(HERE, later), Ok(()));
        assert_eq!(guard.spent().addresses.len(), 1);
    }

    #[test]
    fn a_budget_of_nothing_admits_nothing_after_the_first_charge() {
        let guard = UnverifiedGuard::new(0, 0);
        assert!(guard.charge(HERE, START).is_err());
        assert!(guard.look(HERE, START).is_err());
    }
}
