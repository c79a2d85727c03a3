//! From civil times to instants, clock changes included.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The instants of a civil time in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Civil {
    /// It happens; if twice, this is the first.
    At(DateTime<Utc>),
    /// A clock change skips it.
    Skipped {
        /// The first civil time after the skipped ones.
        next: NaiveDateTime,
        /// The instant of the clock change, which is that of `next`.
        at: DateTime<Utc>,
    },
}

impl Civil {
    /// The instant, or that of the clock change when the time is skipped.
    #[must_use]
    pub fn instant(self) -> DateTime<Utc> {
        match self {
            Self::At(at) | Self::Skipped { at, .. } => at,
        }
    }
}

/// Finds the instant of a civil time.
#[must_use]
pub fn resolve(zone: Tz, civil: NaiveDateTime) -> Civil {
    if let Some(at) = first(zone, civil) {
        return Civil::At(at);
    }
    // Gaps end on whole minutes, and the longest on record (Samoa crossing the date line) is one day.
    let minute = civil.time().signed_duration_since(NaiveTime::MIN).num_minutes();
    let whole = civil.date().and_time(NaiveTime::MIN) + TimeDelta::minutes(minute);
    for step in 1..=26 * 60 {
        let Some(next) = whole.checked_add_signed(TimeDelta::minutes(step)) else { break };
        if let Some(at) = first(zone, next) {
            return Civil::Skipped { next, at };
        }
    }
    // Only dates at the end of chrono's range come here; they are far beyond every booking limit.
    Civil::Skipped { next: civil, at: DateTime::<Utc>::MAX_UTC }
}

fn first(zone: Tz, civil: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&civil) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.with_timezone(&Utc)),
        MappedLocalTime::None => None,
    }
}

/// The instant of a minute of a civil day, 0 to 1440; 1440 is the midnight that ends the day.
pub(crate) fn minute_instant(zone: Tz, date: NaiveDate, minute: u16) -> Option<DateTime<Utc>> {
    let civil = date.and_time(NaiveTime::MIN).checked_add_signed(TimeDelta::minutes(minute.into()))?;
    Some(resolve(zone, civil).instant())
}
