//! Bookings whole: the keys, the contact, the place and the answer of one tool call stand or fall together.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::appointments::AppointmentId;
use super::contacts::NewContact;
use super::tool_results::{EffectId, KeyHash, NewToolResult, ToolAnswer};
use crate::error::StorageError;

/// A booking whose answer is known should one of its places be free.
#[derive(Clone, Debug)]
pub struct NewBooking<'a> {
    /// The tool call with its key: it runs once, ever.
    pub call: NewToolResult<'a>,
    /// The key that the same wish shares in the same phone call, whatever the tool call's id.
    pub effect: Option<KeyHash>,
    /// Whose appointment it is. Made or filled only where a place is free.
    pub contact: NewContact<'a>,
    /// The service's name.
    pub service: Option<&'a str>,
    /// The places to try, in this order: a resource (nil is the organization itself), and which of its seats, from 0.
    pub places: Vec<(Uuid, i16)>,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// When the place is free again.
    pub blocked_until: DateTime<Utc>,
    /// The answer if it is made.
    pub answer: ToolAnswer,
    /// Now.
    pub now: DateTime<Utc>,
}

/// What became of a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Booked {
    /// It is made, and its answer is stored under its keys.
    Made(AppointmentId),
    /// The same tool call ran before.
    Before {
        /// Its answer.
        answer: ToolAnswer,
        /// False when it refused or failed, so nothing was made.
        succeeded: bool,
        /// Its effect.
        effect: Option<EffectId>,
    },
    /// The same wish was fulfilled before in the same phone call. Its answer is stored for this tool call too.
    Fulfilled {
        /// Its answer.
        answer: ToolAnswer,
        /// Its effect.
        effect: Option<EffectId>,
    },
    /// Every place is taken. Nothing was made, and no answer is stored.
    Taken,
}

/// Bookings in one organization.
#[async_trait]
pub trait Bookings: Send {
    /// Books inside this scope. [`Storage::book`](crate::Storage::book) does it in a transaction of its own.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn book(&mut self, booking: &NewBooking<'_>) -> Result<Booked, StorageError>;
}
