//! Whether one wished appointment fits, and on which seats.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::civil::{Civil, minute_instant, resolve};
use crate::slots::alternatives;
use crate::{Busy, Calendar, MAX_MINUTES, MIN_MINUTES, OpenRange, Service, Slot};

/// How many alternatives a taken slot answers.
const ALTERNATIVES: usize = 3;

/// Wished appointment, in the organization's civil time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRequest {
    /// The civil date.
    pub date: NaiveDate,
    /// The civil time at which it begins.
    pub time: NaiveTime,
    /// Length in minutes of elapsed time: 15 to 240 or the service's own; [`Calendar::minutes_for`] has the defaults.
    pub minutes: u16,
    /// The service, if one was named; an unknown one has no buffer and goes to any resource.
    pub service: Option<String>,
}

/// One seat on which the appointment fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The resource; `Uuid::nil()` when the calendar has none.
    pub resource_id: Uuid,
    /// The seat of the resource, from 0.
    pub seat: u16,
    /// When the appointment begins.
    pub starts_at: DateTime<Utc>,
    /// When the appointment ends.
    pub ends_at: DateTime<Utc>,
    /// When the seat is free again: the end plus the service's buffer.
    pub blocked_until: DateTime<Utc>,
}

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
    let service = request.service.as_deref().and_then(|name| calendar.service(name));
    let placements = Seats::new(calendar, service).free(starts_at, ends_at, busy);
    if placements.is_empty() {
        return Err(Unbookable::Taken {
            alternatives: alternatives(calendar, request, busy, now, ALTERNATIVES),
        });
    }
    Ok(placements)
}

/// The opening ranges of a date, none during a closure.
pub(crate) fn hours_on(calendar: &Calendar, date: NaiveDate) -> &[OpenRange] {
    match calendar.closure_on(date) {
        Some(_) => &[],
        None => calendar.opening_hours.on(date.weekday()),
    }
}

/// The next bookable date with the month and day of a past one.
fn likely_date(past: NaiveDate, today: NaiveDate, last: NaiveDate) -> Option<NaiveDate> {
    (today.year()..=last.year())
        .filter_map(|year| past.with_year(year))
        .find(|date| *date >= today)
        .filter(|date| *date <= last)
}

/// The opening ranges of one date as instants.
pub(crate) struct OpenDay(Vec<(DateTime<Utc>, DateTime<Utc>)>);

impl OpenDay {
    pub(crate) fn new(calendar: &Calendar, date: NaiveDate) -> Self {
        let at = |minute| minute_instant(calendar.timezone, date, minute);
        let ranges = hours_on(calendar, date).iter();
        Self(
            ranges
                .filter_map(|range| Some((at(range.opens_minute())?, at(range.closes_minute())?)))
                .collect(),
        )
    }

    /// From the first opening to the last closing; `None` when nothing is open.
    pub(crate) fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let opens = self.0.iter().map(|(opens, _)| *opens).min()?;
        let closes = self.0.iter().map(|(_, closes)| *closes).max()?;
        Some((opens, closes))
    }

    pub(crate) fn holds(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.0.iter().any(|(opens, closes)| *opens <= from && to <= *closes)
    }
}

/// The seats that may take a service, and which of them are free.
pub(crate) struct Seats {
    seats: Vec<(Uuid, u16)>,
    known: Vec<Uuid>,
    buffer: TimeDelta,
}

impl Seats {
    pub(crate) fn new(calendar: &Calendar, service: Option<&Service>) -> Self {
        Self {
            seats: calendar.seats(service),
            known: calendar.resources.iter().map(|resource| resource.id).collect(),
            buffer: TimeDelta::minutes(service.map_or(0, |service| service.buffer_minutes).into()),
        }
    }

    /// How long a seat stays blocked after an appointment.
    pub(crate) fn buffer(&self) -> TimeDelta {
        self.buffer
    }

    /// The free seats for an interval, buffer respected.
    pub(crate) fn free(
        &self,
        starts_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
        busy: &[Busy],
    ) -> Vec<Placement> {
        let blocked_until = ends_at + self.buffer;
        let clashes = self.clashes(starts_at, ends_at, busy);
        let mut placements: Vec<Placement> = self
            .without(&clashes)
            .map(|(resource_id, seat)| Placement { resource_id, seat, starts_at, ends_at, blocked_until })
            .collect();
        placements.truncate(placements.len().saturating_sub(self.strangers(&clashes)));
        placements
    }

    /// Whether [`Seats::free`] would find any, without listing them.
    pub(crate) fn any_free(&self, starts_at: DateTime<Utc>, ends_at: DateTime<Utc>, busy: &[Busy]) -> bool {
        let clashes = self.clashes(starts_at, ends_at, busy);
        self.without(&clashes).nth(self.strangers(&clashes)).is_some()
    }

    /// What is in the way of an interval, buffer respected.
    fn clashes<'a>(
        &self,
        starts_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
        busy: &'a [Busy],
    ) -> Vec<&'a Busy> {
        let blocked_until = ends_at + self.buffer;
        busy.iter().filter(|busy| busy.overlaps(starts_at, blocked_until)).collect()
    }

    /// The seats that no clash is on, in the order to try.
    fn without<'a>(&'a self, clashes: &'a [&Busy]) -> impl Iterator<Item = (Uuid, u16)> + 'a {
        let is_taken = |id, seat| clashes.iter().any(|busy| busy.seat == seat && busy.resource_id == id);
        self.seats.iter().copied().filter(move |&(id, seat)| !is_taken(id, seat))
    }

    /// How many seats go to appointments of resources that the calendar does not list (made before the first
    /// resource was declared, or left behind by a removed one): they still need a place, so each takes one seat away
    /// from the end of the list.
    fn strangers(&self, clashes: &[&Busy]) -> usize {
        clashes.iter().filter(|busy| !self.known.contains(&busy.resource_id)).count()
    }
}
