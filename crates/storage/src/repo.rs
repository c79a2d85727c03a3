//! One narrow trait per aggregate. Every method works inside one organization; none takes an organization.
//!
//! Absence is `Ok(None)`, and a row of another organization is reported exactly like a missing one.

mod appointments;
mod calls;
mod contacts;
mod declared;
mod events;
mod inbox;
mod security_log;
mod tool_results;

pub use appointments::{Appointment, AppointmentId, Appointments, NewAppointment};
pub(crate) use calls::SealedUrl;
pub use calls::{Call, CallReport, Calls};
pub use contacts::{Contact, ContactId, Contacts, NewContact};
pub use declared::Declared;
pub use events::{EventId, EventVerdict, Events};
pub use inbox::{After, Inbox, OrgState, StoredMessage};
pub use security_log::{SecurityEntry, SecurityLog};
pub use tool_results::{EffectId, KeyHash, NewToolResult, Reservation, ToolAnswer, ToolResults};
