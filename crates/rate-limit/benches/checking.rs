//! The cost of one check: a busy key, many keys, keys never seen before, and a quota that is used up.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set up its own input has to stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use rate_limit::{Bucket, KeyedLimiter, Quota};

/// The size of the key that the gateway uses: an organization's 16 bytes and a traffic class.
type Key = ([u8; 16], u8);

fn key(number: u32) -> Key {
    let mut bytes = [7; 16];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    (bytes, 1)
}

fn checking(criterion: &mut Criterion) {
    let ample = Quota { burst: u32::MAX, ..Quota::per_minute(u32::MAX) };
    let mut group = criterion.benchmark_group("check");
    for (name, keys) in [("8_keys", 8), ("100000_keys", 100_000)] {
        let limiter = KeyedLimiter::new(200_000);
        let known: Vec<Key> = (0..keys).map(key).collect();
        // A long debt keeps every key remembered, whatever the clock says below.
        let slow = Quota { burst: 10, ..Quota::per_minute(1) };
        for key in &known {
            limiter.check(key, slow, Duration::ZERO).unwrap();
        }
        // A stride that is coprime to the number of keys visits all of them in an order the cache cannot guess.
        let mut at = 0_usize;
        let mut now = Duration::ZERO;
        group.bench_function(name, |bench| {
            bench.iter(|| {
                at = (at + 7_919) % known.len();
                now += Duration::from_nanos(100);
                limiter.check(black_box(known.get(at).unwrap()), ample, now).is_ok()
            });
        });
        assert_eq!(limiter.len(), known.len(), "every key is remembered");
    }
    let limiter = KeyedLimiter::new(200_000);
    let mut number = 0_u32;
    let mut now = Duration::ZERO;
    group.bench_function("new_keys", |bench| {
        bench.iter(|| {
            number = number.wrapping_add(1);
            now += Duration::from_nanos(100);
            limiter.check(black_box(&key(number)), Quota::per_minute(600), now).is_ok()
        });
    });
    let limiter = KeyedLimiter::new(1_000);
    let none = Quota { burst: 1, ..Quota::per_minute(1) };
    limiter.check(&key(1), none, Duration::ZERO).unwrap();
    group.bench_function("refused", |bench| {
        bench.iter(|| limiter.check(black_box(&key(1)), none, Duration::ZERO).is_err());
    });
    let bucket = Bucket::new();
    group.bench_function("bucket", |bench| {
        bench.iter(|| {
            now += Duration::from_nanos(100);
            black_box(&bucket).check(ample, now).is_ok()
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(5_000)
        .configure_from_args();
    checking(&mut criterion);
    criterion.final_summary();
}
