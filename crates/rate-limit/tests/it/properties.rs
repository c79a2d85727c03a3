//! The bound itself, over arbitrary quotas and arrivals.

use std::time::Duration;

use proptest::prelude::*;
use rate_limit::{Bucket, KeyedLimiter, Quota, RetryAfter};

/// Instants at which a check was admitted.
fn admitted(gaps: &[u64], check: impl Fn(Duration) -> Result<(), RetryAfter>) -> Vec<u64> {
    let mut now = 0;
    let mut admitted = Vec::new();
    for gap in gaps {
        now += gap;
        if check(Duration::from_nanos(now)).is_ok() {
            admitted.push(now);
        }
    }
    admitted
}

/// Asserts that between any two instants at most `burst + rate × time` were admitted.
fn assert_bounded(quota: Quota, admitted: &[u64]) -> Result<(), TestCaseError> {
    for (first, from) in admitted.iter().enumerate() {
        for (last, to) in admitted.iter().enumerate().skip(first) {
            let count = u128::try_from(last - first + 1).unwrap();
            let refilled = u128::from(to - from) * u128::from(quota.allowed) / 60_000_000_000;
            prop_assert!(count <= u128::from(quota.burst) + refilled, "{count} in {} ns", to - from);
        }
    }
    Ok(())
}

fn quotas() -> impl Strategy<Value = Quota> {
    (1_u32..100_000, 1_u32..50)
        .prop_map(|(per_minute, burst)| Quota { burst, ..Quota::per_minute(per_minute) })
}

fn gaps() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(prop_oneof![Just(0_u64), 0_u64..2_000_000, 0_u64..3_000_000_000], 1..150)
}

proptest! {
    #[test]
    fn never_more_than_burst_and_rate(quota in quotas(), gaps in gaps()) {
        let bucket = Bucket::new();
        assert_bounded(quota, &admitted(&gaps, |now| bucket.check(quota, now)))?;
        let limiter = KeyedLimiter::new(1);
        assert_bounded(quota, &admitted(&gaps, |now| limiter.check(&7, quota, now)))?;
    }

    #[test]
    fn a_flood_of_other_keys_lifts_no_bound(quota in quotas(), gaps in gaps()) {
        // With room for one key in each shard, the key is forgotten and remembered all the time.
        let limiter = KeyedLimiter::new(1);
        let admitted = admitted(&gaps, |now| {
            for key in 1..20 {
                let _ = limiter.check(&key, quota, now);
            }
            limiter.check(&0, quota, now)
        });
        // Once in the shared bucket and once in its own: moving between the two costs at most one more burst.
        let doubled = Quota { burst: quota.burst * 2, ..Quota::per_minute(quota.allowed * 2) };
        assert_bounded(doubled, &admitted)?;
    }

    #[test]
    fn waiting_as_told_is_admitted(quota in quotas(), gaps in gaps()) {
        let bucket = Bucket::new();
        let mut now = Duration::ZERO;
        for gap in gaps {
            now += Duration::from_nanos(gap);
            if let Err(refused) = bucket.check(quota, now) {
                prop_assert!(refused.wait() > Duration::ZERO);
                now += refused.wait();
                prop_assert!(bucket.check(quota, now).is_ok());
            }
        }
    }

    #[test]
    fn no_clock_overflows(per_minute in any::<u32>(), burst in any::<u32>(), now in any::<u64>(), seconds in any::<u64>()) {
        let (bucket, quota) = (Bucket::new(), Quota { burst, ..Quota::per_minute(per_minute) });
        let _ = bucket.check(quota, Duration::from_nanos(now));
        let _ = bucket.check(quota, Duration::from_secs(seconds));
        let _ = bucket.check(quota, Duration::MAX);
    }
}
