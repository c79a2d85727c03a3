//! One narrow trait per aggregate. Every method works inside one organization; none takes an organization.
//!
//! Absence is `Ok(None)`, and a row of another organization is reported exactly like a missing one.

mod appointments;
mod bookings;
pub(crate) mod calls;
pub(crate) mod contacts;
mod declared;
mod events;
mod inbox;
pub(crate) mod messages;
mod security_log;
mod tool_results;

pub use appointments::{Appointment, AppointmentId, Appointments, NewAppointment};
pub use bookings::{Booked, Bookings, NewBooking};
pub use calls::{Call, CallReport, Calls};
pub use contacts::{Contact, ContactId, Contacts, NewContact};
pub use declared::Declared;
pub use events::Events;
pub use inbox::{Inbox, OrgState};
pub use messages::{After, EventId, EventVerdict, StoredMessage};
pub use security_log::{SecurityEntry, SecurityLog};
pub use tool_results::{EffectId, KeyHash, NewToolResult, Reservation, ToolAnswer, ToolResults};
