//! Whether one wished appointment fits, and on which seats.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use crate::calendar::{Busy, Calendar};
use crate::civil::{Civil, resolve};
use crate::hours::OpenRange;
use crate::seats::{OpenDay, Placement, Seats, hours_on};
use crate::slots::{Slot, SlotRequest, alternatives};
use crate::{MAX_MINUTES, MIN_MINUTES};

/// How many alternatives a taken slot answers.
const ALTERNATIVES: usize = 3;

/// Why an appointment is refused; an answer for the caller, not a failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unbookable {
    /// The length is outside 15 to 240 minutes and not the service's own.
    #[error("an appointment takes {min} to {max} minutes")]
    Length {
        /// The shortest length in minutes.
        min: u16,
        /// The longest length in minutes.
        max: u16,
    },
    /// The time has passed.
    #[error("the time has passed")]
    Past {
        /// For a past date, the next date with its month and day, if it can be booked: assistants often have the year
        /// wrong. `None` for a time that has passed today.
        likely: Option<NaiveDate>,
    },
    /// The date lies beyond the last bookable day.
    #[error("bookings reach until {last}")]
    TooFarAhead {
        /// The last bookable day.
        last: NaiveDate,
    },
    /// The appointment does not lie wholly inside an opening range of that day.
    #[error("closed at that time")]
    Closed {
        /// Why the whole day is closed, when a closure says so.
        reason: Option<String>,
        /// The opening ranges of that day; empty when it is closed all day.
        hours: Vec<OpenRange>,
    },
    /// A clock change skips this civil time.
    #[error("the clock change skips that time")]
    DaylightGap {
        /// The first civil time after the skipped ones.
        next: NaiveDateTime,
    },
    /// Every seat is taken.
    #[error("taken")]
    Taken {
        /// Up to three free slots, the nearest first.
        alternatives: Vec<Slot>,
    },
}

/// Finds every seat on which an appointment fits, in the order to try.
///
/// `busy` holds at least the intervals that touch the two weeks from the wished date (alternatives are looked for there);
/// more does no harm. The caller stores the first placement that the store's constraint accepts.
///
/// # Errors
/// A [`Unbookable`] that says what is wrong with the wish; the placements of `Ok` are never empty.
pub fn place(
    calendar: &Calendar,
    request: &SlotRequest,
    busy: &[Busy],
    now: DateTime<Utc>,
) -> Result<Vec<Placement>, Unbookable> {
    if !calendar.length_fits(request.minutes, request.service.as_deref()) {
        return Err(Unbookable::Length { min: MIN_MINUTES, max: MAX_MINUTES });
    }
    let (today, last) = (calendar.today(now), calendar.last_day(now));
    if request.date < today {
        return Err(Unbookable::Past { likely: likely_date(request.date, today, last) });
    }
    if request.date > last {
        return Err(Unbookable::TooFarAhead { last });
    }
    let starts_at = match resolve(calendar.timezone, request.date.and_time(request.time)) {
        Civil::At(at) => at,
        Civil::Skipped { next, .. } => return Err(Unbookable::DaylightGap { next }),
    };
    if starts_at < now {
        return Err(Unbookable::Past { likely: None });
    }
    let closed = |reason| Unbookable::Closed { reason, hours: hours_on(calendar, request.date).to_vec() };
    if let Some(closure) = calendar.closure_on(request.date) {
        return Err(closed(closure.reason.clone()));
    }
    let ends_at = starts_at + TimeDelta::minutes(request.minutes.into());
    if !OpenDay::new(calendar, request.date).holds(starts_at, ends_at) {
        return Err(closed(None));
    }
    let placements = Seats::new(calendar, request.service.as_deref()).free(starts_at, ends_at, busy);
    if placements.is_empty() {
        return Err(Unbookable::Taken {
            alternatives: alternatives(calendar, request, busy, now, ALTERNATIVES),
        });
    }
    Ok(placements)
}

/// The next bookable date with the month and day of a past one.
fn likely_date(past: NaiveDate, today: NaiveDate, last: NaiveDate) -> Option<NaiveDate> {
    (today.year()..=last.year())
        .filter_map(|year| past.with_year(year))
        .find(|date| *date >= today)
        .filter(|date| *date <= last)
}
