//! The room of a day: its open ranges and its seats.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use crate::calendar::{Busy, Calendar};
use crate::civil::minute_instant;
use crate::hours::OpenRange;

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

/// The opening ranges of a date, none during a closure.
pub(crate) fn hours_on(calendar: &Calendar, date: NaiveDate) -> &[OpenRange] {
    match calendar.closure_on(date) {
        Some(_) => &[],
        None => calendar.opening_hours.on(date.weekday()),
    }
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
    /// How long a seat stays blocked after an appointment.
    pub(crate) buffer: TimeDelta,
}

impl Seats {
    pub(crate) fn new(calendar: &Calendar, service: Option<&str>) -> Self {
        let service = service.and_then(|name| calendar.service(name));
        Self {
            seats: calendar.seats(service),
            known: calendar.resources.iter().map(|resource| resource.id).collect(),
            buffer: TimeDelta::minutes(service.map_or(0, |service| service.buffer_minutes).into()),
        }
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

    /// The busy times that overlap an interval, buffer respected.
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
