//! The budget of unverified messages: what strangers may cost.
//!
//! All organizations share the provider's few addresses, so a message that verifies costs its address nothing. A
//! message that does not is charged afterwards; for an address over its budget nothing is looked up that no one declared.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rate_limit::{Bucket, KeyedLimiter, Quota, RetryAfter};

use crate::network::network_of;

/// Addresses remembered, of those that sent something unverified lately. Beyond them only the common budget counts.
const MAX_ADDRESSES: usize = 65_536;
const NEVER: u64 = u64::MAX;

/// The budgets of unverified messages.
#[derive(Debug)]
pub(crate) struct UnverifiedGuard {
    per_address: Quota,
    total: Quota,
    addresses: KeyedLimiter<IpAddr>,
    everybody: Bucket,
    /// When something was charged last, in milliseconds; most of the time nothing was, and nothing needs a look.
    charged_at_ms: AtomicU64,
}

impl UnverifiedGuard {
    /// Budgets per minute, of one address (of IPv6, one /64) and of all together.
    pub(crate) fn new(per_address: u32, total: u32) -> Self {
        Self {
            per_address: Quota::per_minute(per_address),
            total: Quota::per_minute(total),
            addresses: KeyedLimiter::new(MAX_ADDRESSES),
            everybody: Bucket::new(),
            charged_at_ms: AtomicU64::new(NEVER),
        }
    }

    /// Says whether the address has some of its budget left, and takes nothing.
    ///
    /// # Errors
    /// How long to wait, when it has none.
    pub(crate) fn look(&self, address: IpAddr, now: Duration) -> Result<(), RetryAfter> {
        if self.was_charged_lately(now) { self.peek(address, now) } else { Ok(()) }
    }

    /// Charges an unverified message to its address.
    ///
    /// # Errors
    /// How long to wait, when there was nothing left to take.
    pub(crate) fn charge(&self, address: IpAddr, now: Duration) -> Result<(), RetryAfter> {
        self.charged_at_ms.store(millis(now), Ordering::Relaxed);
        self.peek(address, now)?;
        self.everybody.check(self.total, now)?;
        // An address that there is no room for is charged to the common budget alone.
        let _ = self.addresses.check(&network_of(address), self.per_address, now);
        Ok(())
    }

    fn peek(&self, address: IpAddr, now: Duration) -> Result<(), RetryAfter> {
        let own = self.addresses.peek(&network_of(address), self.per_address, now).err();
        let common = self.everybody.peek(self.total, now).err();
        own.max(common).map_or(Ok(()), Err)
    }

    fn was_charged_lately(&self, now: Duration) -> bool {
        let charged_at = self.charged_at_ms.load(Ordering::Relaxed);
        charged_at != NEVER && millis(now).saturating_sub(charged_at) <= millis(self.total.period)
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
        let refused = guard.look(HERE, START).unwrap_err();
        assert_eq!(refused.wait(), Duration::from_secs(20));
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
        assert_eq!(guard.addresses.len(), MAX_ADDRESSES);
        // Without room an address has the common budget alone; once the others rest, there is room again.
        let stranger = IpAddr::V4(Ipv4Addr::from_bits(80_000));
        assert_eq!((guard.charge(stranger, START), guard.charge(stranger, START)), (Ok(()), Ok(())));
        let later = START + Duration::from_secs(61);
        assert_eq!(guard.charge(HERE, later), Ok(()));
        assert!(guard.charge(HERE, later).is_err());
    }

    #[test]
    fn a_budget_of_nothing_admits_nothing_after_the_first_charge() {
        let guard = UnverifiedGuard::new(0, 0);
        assert!(guard.charge(HERE, START).is_err());
        assert!(guard.look(HERE, START).is_err());
    }
}
