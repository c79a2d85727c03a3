#![doc = include_str!("../README.md")]

mod calendar;
mod civil;
mod hours;
mod parse;
mod place;
mod seats;
mod slots;

pub use calendar::{Busy, Calendar, Closure, Resource, Service};
pub use civil::{Civil, resolve};
pub use hours::{HoursError, OpenRange, OpeningHours, parse_weekday, weekday_name};
pub use parse::{parse_date, parse_time};
pub use place::{Unbookable, place};
pub use seats::Placement;
pub use slots::{Slot, SlotRequest, alternatives, free_slots};

/// The shortest appointment that can be asked for, in minutes.
pub const MIN_MINUTES: u16 = 15;
/// The longest appointment that can be asked for, in minutes.
pub const MAX_MINUTES: u16 = 240;
/// The length of an appointment, in minutes, when neither the request nor a service says otherwise.
pub const DEFAULT_MINUTES: u16 = 30;
/// How many days ahead bookings reach unless an organization sets it otherwise.
pub const DEFAULT_DAYS_AHEAD: u16 = 365;
