//! Memory and threads.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rate_limit::{Bucket, KeyedLimiter, Quota};

#[test]
fn keys_are_bounded_and_those_without_room_share() {
    let limiter = KeyedLimiter::new(160);
    let quota = Quota { burst: 1, ..Quota::per_minute(1) };
    let admitted = (0..10_000).filter(|key| limiter.check(key, quota, Duration::ZERO).is_ok()).count();
    assert_eq!(limiter.len(), 160);
    // One for each remembered key and one for each of the 16 shared buckets.
    assert_eq!(admitted, 176);
}

#[test]
fn remembered_keys_keep_their_quota_in_a_flood() {
    let limiter = KeyedLimiter::new(160);
    let quota = Quota { burst: 2, ..Quota::per_minute(60) };
    assert!(limiter.check(&u32::MAX, quota, Duration::ZERO).is_ok());
    for key in 0..10_000 {
        let _ = limiter.check(&key, quota, Duration::ZERO);
    }
    assert!(limiter.check(&u32::MAX, quota, Duration::ZERO).is_ok());
    assert!(limiter.check(&u32::MAX, quota, Duration::ZERO).is_err());
}

#[test]
fn stale_keys_make_room() {
    let limiter = KeyedLimiter::new(1_600);
    let quota = Quota { burst: 1, ..Quota::per_minute(60) };
    for second in 0..200 {
        let now = Duration::from_secs(second * 2);
        for key in 0..800 {
            assert!(limiter.check(&(second, key), quota, now).is_ok(), "{second} {key}");
        }
    }
    assert!(limiter.len() <= 1_600);
}

#[test]
fn threads_together_get_one_burst() {
    let (limiter, bucket) = (KeyedLimiter::new(16), Bucket::new());
    let quota = Quota { burst: 1_000, ..Quota::per_minute(60) };
    let (keyed, global) = (AtomicU32::new(0), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    keyed.fetch_add(
                        limiter.check(&1, quota, Duration::ZERO).is_ok().into(),
                        Ordering::Relaxed,
                    );
                    global.fetch_add(bucket.check(quota, Duration::ZERO).is_ok().into(), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!((keyed.into_inner(), global.into_inner()), (1_000, 1_000));
}
