//! An organization's rules for bookings, as plain values.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

use crate::hours::OpeningHours;
use crate::{DEFAULT_DAYS_AHEAD, DEFAULT_MINUTES, MAX_MINUTES, MIN_MINUTES};

/// Everything that decides where appointments of one organization may lie.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// The zone in which dates, times and opening hours are meant.
    pub timezone: Tz,
    /// Weekly opening hours.
    pub opening_hours: OpeningHours,
    /// Days on which nothing is open, whatever the weekday says.
    pub closures: Vec<Closure>,
    /// Services with their own length and buffer.
    pub services: Vec<Service>,
    /// Rooms, chairs or people that appointments occupy; empty means one implicit resource with one seat.
    pub resources: Vec<Resource>,
    /// How many days after today the last bookable day lies.
    pub booking_days_ahead: u16,
}

impl Calendar {
    /// A calendar that is always open, has no services or resources, and reaches a year ahead.
    #[must_use]
    pub fn new(timezone: Tz) -> Self {
        Self {
            timezone,
            opening_hours: OpeningHours::always(),
            closures: Vec::new(),
            services: Vec::new(),
            resources: Vec::new(),
            booking_days_ahead: DEFAULT_DAYS_AHEAD,
        }
    }

    /// Finds a service by its name, whatever its case and surrounding blanks.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| same_name(&service.name, name))
    }

    /// The length of an appointment in minutes: as asked, else the service's, else [`DEFAULT_MINUTES`].
    ///
    /// A service that the calendar does not know has no length of its own; that is no reason to refuse.
    #[must_use]
    pub fn minutes_for(&self, service: Option<&str>, asked: Option<u16>) -> u16 {
        asked
            .or_else(|| service.and_then(|name| self.service(name)).map(|service| service.minutes))
            .unwrap_or(DEFAULT_MINUTES)
    }

    /// Whether an appointment may have this length: 15 to 240 minutes, or exactly what its service takes.
    #[must_use]
    pub fn length_fits(&self, minutes: u16, service: Option<&str>) -> bool {
        let own = || service.and_then(|name| self.service(name)).map(|service| service.minutes);
        (MIN_MINUTES..=MAX_MINUTES).contains(&minutes) || (minutes > 0 && own() == Some(minutes))
    }

    /// The closure that covers a date.
    #[must_use]
    pub fn closure_on(&self, date: NaiveDate) -> Option<&Closure> {
        self.closures.iter().find(|closure| closure.from <= date && date <= closure.to)
    }

    /// The civil date of an instant in the organization's zone.
    #[must_use]
    pub fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        now.with_timezone(&self.timezone).date_naive()
    }

    /// The last date that can be booked.
    #[must_use]
    pub fn last_day(&self, now: DateTime<Utc>) -> NaiveDate {
        self.today(now).checked_add_days(Days::new(self.booking_days_ahead.into())).unwrap_or(NaiveDate::MAX)
    }

    /// Every seat that may take a service, in the order to try.
    pub(crate) fn seats(&self, service: Option<&Service>) -> Vec<(Uuid, u16)> {
        if self.resources.is_empty() {
            return vec![(Uuid::nil(), 0)];
        }
        let wanted: &[String] = service.map_or(&[], |service| &service.resources);
        self.resources
            .iter()
            .filter(|resource| wanted.is_empty() || wanted.iter().any(|name| same_name(name, &resource.name)))
            .flat_map(|resource| (0..resource.capacity).map(|seat| (resource.id, seat)))
            .collect()
    }
}

/// Whole days on which the organization is closed, in its civil dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// First closed day.
    pub from: NaiveDate,
    /// Last closed day, itself closed.
    pub to: NaiveDate,
    /// The reason for callers, such as "Thanksgiving".
    pub reason: Option<String>,
}

/// Kind of appointment with its own length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name as the assistant says it; compared without regard to case.
    pub name: String,
    /// Length in minutes; it may lie outside the 15 to 240 that a request can ask for.
    pub minutes: u16,
    /// Minutes that stay blocked after the appointment.
    pub buffer_minutes: u16,
    /// Names of the resources that can serve it; empty means any.
    pub resources: Vec<String>,
}

/// Something that appointments occupy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique within the organization.
    pub name: String,
    /// How many appointments it takes at one time; its seats are numbered from 0.
    pub capacity: u16,
}

/// Interval in which a seat is taken: `[from, to)`, buffer included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy {
    /// The resource; `Uuid::nil()` is the implicit one of a calendar without resources.
    pub resource_id: Uuid,
    /// The seat of the resource, from 0.
    pub seat: u16,
    /// When it becomes taken.
    pub from: DateTime<Utc>,
    /// When it becomes free again.
    pub to: DateTime<Utc>,
}

impl Busy {
    pub(crate) fn overlaps(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
        self.from < to && from < self.to
    }
}

fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (one.trim(), other.trim());
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}
