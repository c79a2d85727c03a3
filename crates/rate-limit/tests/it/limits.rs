//! One bucket's admissions, instant by instant.

use std::time::Duration;

use rate_limit::{Bucket, KeyedLimiter, Quota};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_burst_then_one_for_each_interval() {
    let limiter = KeyedLimiter::new(16);
    let quota = Quota { burst: 3, ..Quota::per_minute(120) };
    let check = |at| limiter.check(&"a", quota, at);
    for _ in 0..3 {
        assert!(check(ms(0)).is_ok());
    }
    assert_eq!(check(ms(0)).unwrap_err().wait(), ms(500));
    assert_eq!(check(ms(499)).unwrap_err().wait(), ms(1));
    assert!(check(ms(500)).is_ok());
    assert!(check(ms(500)).is_err());
    // Two intervals later, two are back; after a long rest, the burst and no more.
    assert!(check(ms(1500)).is_ok());
    assert!(check(ms(1500)).is_ok());
    assert!(check(ms(1500)).is_err());
    for _ in 0..3 {
        assert!(check(ms(3_600_000)).is_ok());
    }
    assert!(check(ms(3_600_000)).is_err());
}

#[test]
fn keys_do_not_share() {
    // Room for every key in each of the 16 shards, wherever chance puts them.
    let limiter = KeyedLimiter::new(16 * 50);
    let quota = Quota { burst: 1, ..Quota::per_minute(1) };
    for key in 0..50 {
        assert!(limiter.check(&key, quota, ms(0)).is_ok());
    }
    for key in 0..50 {
        assert!(limiter.check(&key, quota, ms(59_999)).is_err());
        assert!(limiter.check(&key, quota, ms(60_000)).is_ok());
    }
}

#[test]
fn zero_admits_nothing() {
    let limiter = KeyedLimiter::new(16);
    for quota in [Quota { burst: 5, ..Quota::per_minute(0) }, Quota { burst: 0, ..Quota::per_minute(5) }] {
        for at in [0, 60_000, 3_600_000] {
            assert_eq!(limiter.check(&1, quota, ms(at)).unwrap_err().seconds(), 60);
            assert!(Bucket::new().check(quota, ms(at)).is_err());
        }
    }
    assert!(limiter.is_empty(), "a refused key takes no memory");
}

#[test]
fn a_changed_quota_counts_at_once() {
    let limiter = KeyedLimiter::new(16);
    let (narrow, wide) =
        (Quota { burst: 1, ..Quota::per_minute(60) }, Quota { burst: 4, ..Quota::per_minute(60) });
    assert!(limiter.check(&1, narrow, ms(0)).is_ok());
    assert!(limiter.check(&1, narrow, ms(0)).is_err());
    for _ in 0..3 {
        assert!(limiter.check(&1, wide, ms(0)).is_ok());
    }
    assert!(limiter.check(&1, wide, ms(0)).is_err());
}

#[test]
fn a_clock_that_steps_back_admits_no_more() {
    let bucket = Bucket::new();
    let quota = Quota { burst: 1, ..Quota::per_minute(60) };
    assert!(bucket.check(quota, ms(10_000)).is_ok());
    assert_eq!(bucket.check(quota, ms(9_000)).unwrap_err().wait(), ms(2_000));
}

#[test]
fn waits_are_said_in_whole_seconds() {
    let bucket = Bucket::new();
    let quota = Quota { burst: 1, ..Quota::per_minute(40) };
    assert!(bucket.check(quota, ms(0)).is_ok());
    let refused = bucket.check(quota, ms(0)).unwrap_err();
    assert_eq!(refused.wait(), ms(1_500));
    assert_eq!(refused.seconds(), 2);
    assert_eq!(refused.to_string(), "over the limit, retry in 2 s");
    assert_eq!(bucket.check(quota, ms(1_499)).unwrap_err().seconds(), 1);
}

#[test]
fn a_period_is_as_long_as_it_is() {
    let bucket = Bucket::new();
    let quota = Quota::per_hour(2);
    assert_eq!(quota, Quota { allowed: 2, period: Duration::from_secs(3600), burst: 2 });
    assert!(bucket.check(quota, ms(0)).is_ok() && bucket.check(quota, ms(0)).is_ok());
    assert_eq!(bucket.check(quota, ms(0)).unwrap_err().seconds(), 1800);
    assert_eq!(Bucket::new().check(Quota::per_hour(0), ms(0)).unwrap_err().seconds(), 3600);
}

#[test]
fn peeking_takes_nothing_and_tells_what_a_check_would() {
    let (bucket, limiter) = (Bucket::new(), KeyedLimiter::new(16));
    let quota = Quota::per_minute(2);
    for round in 0..3 {
        for _ in 0..100 {
            assert_eq!(bucket.peek(quota, ms(0)).is_ok(), round < 2);
            assert_eq!(limiter.peek(&1, quota, ms(0)).is_ok(), round < 2);
        }
        assert_eq!(bucket.peek(quota, ms(0)), bucket.check(quota, ms(0)));
        assert_eq!(limiter.peek(&1, quota, ms(0)), limiter.check(&1, quota, ms(0)));
    }
    assert!(limiter.peek(&2, quota, ms(0)).is_ok());
    assert_eq!(limiter.len(), 1, "a key that is only looked at takes no memory");
}

#[test]
fn pieces_are_taken_whole_and_what_was_too_much_comes_back_first() {
    // A thousand bytes a minute, 60 ms each.
    let (limiter, quota) = (KeyedLimiter::new(16), Quota::per_minute(1000));
    let take = |amount, now_ms| limiter.take(&"a", quota, amount, Duration::from_millis(now_ms));
    assert_eq!(take(900, 0), Ok(()));
    assert_eq!(take(900, 0), Ok(()), "a hundred were left");
    // 800 too much: 48 s, and 60 ms for the next one.
    assert_eq!(take(1, 0).unwrap_err().wait(), Duration::from_millis(48_060));
    assert!(take(1, 48_059).is_err());
    assert_eq!(take(1, 48_060), Ok(()));
    assert_eq!(limiter.take(&"b", quota, 1000, Duration::ZERO), Ok(()));
    assert!(limiter.check(&"b", quota, Duration::ZERO).is_err());
}
