//! Reading a timestamp header and judging its age.

use chrono::{DateTime, TimeDelta, Utc};

/// How far a timestamp may lie from now, into the past and into the future, inclusive.
pub const TOLERANCE: TimeDelta = TimeDelta::seconds(300);

/// Longest ISO 8601 form that is read; offsets and nanoseconds included it has 35 characters.
const MAX_ISO_BYTES: usize = 40;

/// First magnitude that is read as milliseconds (seconds reach it in the year 5138).
const MILLIS_FROM: i64 = 100_000_000_000;
/// First magnitude that is read as microseconds.
const MICROS_FROM: i64 = 100_000_000_000_000;
/// First magnitude that is refused: nanoseconds are used by no known sender.
const REFUSED_FROM: i64 = 100_000_000_000_000_000;

/// Reads epoch seconds, milliseconds or microseconds, told apart by magnitude, or ISO 8601 with an
/// offset.
///
/// Signs, spaces and fractions of epoch numbers are not taken: a fraction would make
/// `{timestamp}.{body}` ambiguous. An ISO form without an offset is refused for the same reason.
pub(crate) fn parse(text: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(text).ok()?;
    if text.len() > MAX_ISO_BYTES || text.is_empty() {
        return None;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.with_timezone(&Utc));
    }
    match text.parse::<i64>().ok()? {
        seconds @ 0..MILLIS_FROM => DateTime::from_timestamp(seconds, 0),
        millis @ MILLIS_FROM..MICROS_FROM => DateTime::from_timestamp_millis(millis),
        micros @ MICROS_FROM..REFUSED_FROM => DateTime::from_timestamp_micros(micros),
        _ => None,
    }
}

/// Says whether `instant` lies within [`TOLERANCE`] of `now`.
pub(crate) fn is_fresh(instant: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now.signed_duration_since(instant).abs() <= TOLERANCE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_epoch_units_and_iso_name_the_same_instant() {
        let expected = DateTime::from_timestamp(1_767_225_600, 0);
        for text in [
            "1767225600",
            "1767225600000",
            "1767225600000000",
            "2026-01-01T00:00:00Z",
            "2026-01-01T02:00:00+02:00",
        ] {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_instant_is_not_read() {
        for text in [
            "",
            " 1767225600",
            "+1767225600",
            "-1767225600",
            "1767225600.5",
            "1.7672256e9",
            "1767225600000000000",
            "99999999999999999999999999",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "\u{661}\u{662}",
            "now",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse(&[0xff, 0xfe]), None);
    }
}
