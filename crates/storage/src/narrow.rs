//! Values that no column holds on either database: left in the message's body, which says them as they came.

use chrono::{DateTime, Utc};
use tenant::phone;

/// Years whose instants are kept: SQLite sorts them as text of one length, and PostgreSQL begins later than chrono does.
const FIRST: i64 = 0; // 1970-01-01T00:00:00Z
const END: i64 = 7_258_118_400; // 2200-01-01T00:00:00Z

/// Leaves an instant out that is not of our times; true where it stays, or there is none.
pub(crate) fn instant(slot: &mut Option<DateTime<Utc>>) -> bool {
    let fits = slot.is_none_or(|at| (FIRST..END).contains(&at.timestamp()));
    if !fits {
        *slot = None;
    }
    fits
}

/// True for a number or SIP URI that an index can hold.
pub(crate) fn is_number(text: &str) -> bool {
    text.chars().nth(phone::MAX_CHARS).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_our_times_stay() {
        for (text, stays) in [
            ("1969-12-31T23:59:59.999Z", false),
            ("1970-01-01T00:00:00Z", true),
            ("2199-12-31T23:59:59.999Z", true),
            ("2200-01-01T00:00:00Z", false),
            ("+12000-01-01T00:00:00Z", false),
            ("-5000-01-01T00:00:00Z", false),
        ] {
            let mut slot = Some(text.parse().unwrap());
            assert_eq!((instant(&mut slot), slot.is_some()), (stays, stays), "{text}");
        }
        assert!(instant(&mut None));
    }
}
