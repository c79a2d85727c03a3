//! Short ways to write calendars and instants.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use scheduling::{Busy, Calendar, OpeningHours, Resource, Service, SlotRequest};
use uuid::Uuid;

pub(crate) fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

pub(crate) fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

pub(crate) fn civil(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap()
}

pub(crate) fn wish(day: &str, at: &str, minutes: u16) -> SlotRequest {
    SlotRequest { date: date(day), time: time(at), minutes, service: None }
}

pub(crate) fn busy(resource_id: Uuid, seat: u16, from: &str, to: &str) -> Busy {
    Busy { resource_id, seat, from: utc(from), to: utc(to) }
}

pub(crate) const CHAIR: Uuid = Uuid::from_u128(0xC4A1);
pub(crate) const ROOM: Uuid = Uuid::from_u128(0x0300);

/// Mondays 9 to 17, Tuesdays 9 to 12 and 13 to 17, in New York.
pub(crate) fn office() -> Calendar {
    let mut calendar = Calendar::new(chrono_tz::America::New_York);
    calendar.opening_hours =
        OpeningHours::parse([("mon", vec!["09:00-17:00"]), ("tue", vec!["09:00-12:00", "13:00-17:00"])])
            .unwrap();
    calendar
}

pub(crate) fn resource(id: Uuid, name: &str, capacity: u16) -> Resource {
    Resource { id, name: name.to_owned(), capacity }
}

pub(crate) fn service(name: &str, minutes: u16, buffer_minutes: u16, resources: &[&str]) -> Service {
    let resources = resources.iter().map(|&name| name.to_owned()).collect();
    Service { name: name.to_owned(), minutes, buffer_minutes, resources }
}
