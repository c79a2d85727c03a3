//! The real time: the program under test reads the real clock, so what it is sent must fit it.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};

/// The present instant.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the program under test has no other clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The present instant in whole seconds since 1970, moved by `offset` seconds.
#[must_use]
pub(crate) fn unix_seconds(offset: i64) -> i64 {
    now().timestamp() + offset
}

/// A date so many days from today in UTC. From two days on it is in the future in every time zone.
#[must_use]
pub(crate) fn days_ahead(days: u64) -> NaiveDate {
    now().date_naive().checked_add_days(Days::new(days)).unwrap()
}

/// A civil time as it is said in American English: "Tuesday, November 24 at 2:30 PM".
#[must_use]
pub(crate) fn spoken(local: NaiveDateTime) -> String {
    local.format("%A, %B %-d at %-I:%M %p").to_string()
}
