//! Free slots of a day, and the ones nearest to a wish.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};

use crate::calendar::{Busy, Calendar};
use crate::civil::{Civil, resolve};
use crate::seats::{OpenDay, Seats, hours_on};

/// How many days, the wished one included, alternatives are looked for.
const SEARCH_DAYS: usize = 14;

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

/// Free time for one appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends, buffer not included.
    pub ends_at: DateTime<Utc>,
    /// The civil time at which it begins, in the organization's zone.
    pub local: NaiveDateTime,
}

/// Free slots of one date in ascending order, at most `limit`.
///
/// Slots begin on the half-hour when the length and the opening time are whole half-hours, else on the quarter.
/// A length that does not fit ([`Calendar::length_fits`]), a past date and one beyond the booking limit have none.
#[must_use]
pub fn free_slots(
    calendar: &Calendar,
    date: NaiveDate,
    minutes: u16,
    service: Option<&str>,
    busy: &[Busy],
    now: DateTime<Utc>,
    limit: usize,
) -> Vec<Slot> {
    let bookable = calendar.today(now)..=calendar.last_day(now);
    if !bookable.contains(&date) || !calendar.length_fits(minutes, service) {
        return Vec::new();
    }
    let seats = Seats::new(calendar, service);
    slots_of_day(calendar, date, minutes, &seats, busy, now).take(limit).collect()
}

/// Free slots nearest to a wish, at most `limit`: those of the wished date first, then day by day for two weeks.
///
/// Within a day, the slot nearest to the wished time of day comes first, the earlier of two that are equally near.
/// A wish in the past is looked for from today on.
#[must_use]
pub fn alternatives(
    calendar: &Calendar,
    request: &SlotRequest,
    busy: &[Busy],
    now: DateTime<Utc>,
    limit: usize,
) -> Vec<Slot> {
    if !calendar.length_fits(request.minutes, request.service.as_deref()) {
        return Vec::new();
    }
    let seats = Seats::new(calendar, request.service.as_deref());
    let last = calendar.last_day(now);
    let mut found = Vec::new();
    for date in request.date.max(calendar.today(now)).iter_days().take(SEARCH_DAYS) {
        if date > last || found.len() >= limit {
            break;
        }
        let mut day: Vec<Slot> = slots_of_day(calendar, date, request.minutes, &seats, busy, now)
            .filter(|slot| slot.local != request.date.and_time(request.time))
            .collect();
        day.sort_by_key(|slot| (slot.local.time() - request.time).abs());
        found.extend(day.into_iter().take(limit - found.len()));
    }
    found
}

fn slots_of_day<'a>(
    calendar: &'a Calendar,
    date: NaiveDate,
    minutes: u16,
    seats: &'a Seats,
    busy: &[Busy],
    now: DateTime<Utc>,
) -> impl Iterator<Item = Slot> + 'a {
    let open = OpenDay::new(calendar, date);
    let near = near(&open, seats, busy);
    starts(calendar, date, minutes).filter_map(move |local| {
        let Civil::At(starts_at) = resolve(calendar.timezone, local) else { return None };
        let ends_at = starts_at + TimeDelta::minutes(minutes.into());
        let free =
            starts_at >= now && open.holds(starts_at, ends_at) && seats.any_free(starts_at, ends_at, &near);
        free.then_some(Slot { starts_at, ends_at, local })
    })
}

/// The civil times of a date at which slots of a length begin.
fn starts(calendar: &Calendar, date: NaiveDate, minutes: u16) -> impl Iterator<Item = NaiveDateTime> + '_ {
    hours_on(calendar, date).iter().flat_map(move |range| {
        let (opens, closes) = (range.opens_minute(), range.closes_minute());
        let step = if minutes.is_multiple_of(30) && opens.is_multiple_of(30) { 30 } else { 15 };
        (opens.next_multiple_of(step)..closes)
            .step_by(step.into())
            .map(move |minute| date.and_time(NaiveTime::MIN) + TimeDelta::minutes(minute.into()))
    })
}

/// The intervals that can matter on a date: a slot lies between its first opening and its last closing, and the
/// buffer comes on top. Every slot is held against each of them, so the rest of a full book is left out here.
fn near(open: &OpenDay, seats: &Seats, busy: &[Busy]) -> Vec<Busy> {
    let Some((opens, closes)) = open.span() else { return Vec::new() };
    let until = closes + seats.buffer;
    busy.iter().filter(|busy| busy.overlaps(opens, until)).copied().collect()
}
