//! The clock moves only when it is told to, and for all of its clones.

use chrono::{TimeDelta, TimeZone as _, Utc};
use test_support::FixedClock;

#[test]
fn clones_and_readers_follow_the_clock() {
    // 1772355600 is what `date -u -d 2026-03-01T09:00:00Z +%s` prints.
    let clock = FixedClock::at("2026-03-01T10:00:00+01:00");
    let (clone, read) = (clock.clone(), clock.reader());
    assert_eq!(clone.unix_seconds(), 1_772_355_600);

    clock.advance(TimeDelta::seconds(-301));
    assert_eq!(clone.unix_seconds(), 1_772_355_299);
    assert_eq!(read().timestamp(), 1_772_355_299);

    let later = Utc.with_ymd_and_hms(2027, 1, 31, 0, 0, 0).unwrap();
    clone.set(later);
    assert_eq!(clock.now(), later);
}

#[test]
#[should_panic(expected = "is not an RFC 3339 instant")]
fn an_instant_without_zone_is_refused() {
    let _ = FixedClock::at("2026-03-01 09:00:00");
}
