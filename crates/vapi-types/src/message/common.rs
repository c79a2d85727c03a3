//! The members that every kind of message may have.

use chrono::{DateTime, Utc};

use super::{Artifact, Call, Chat, Customer, PhoneNumber};
use crate::payload::{Raw, fill};
use crate::scan::members;

/// What every message may carry; none of it is promised.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Common {
    /// When the provider made the message.
    pub timestamp: Option<DateTime<Utc>>,
    /// The call.
    pub call: Option<Box<Call>>,
    /// The chat, when there is no call.
    pub chat: Option<Box<Chat>>,
    /// The effective assistant: a large object, kept as text.
    pub assistant: Option<Raw>,
    /// The version of the saved assistant.
    pub assistant_version: Option<String>,
    /// The organization's number.
    pub phone_number: Option<Box<PhoneNumber>>,
    /// The person on the other end.
    pub customer: Option<Box<Customer>>,
    /// What the call has produced so far.
    pub artifact: Option<Box<Artifact>>,
}

impl Common {
    /// Reads what stands beside `message` in the root object; relays put `call` or `customer` there.
    pub(super) fn around(root: &str) -> Self {
        let mut common = Self::default();
        members(root, |key, raw| {
            common.accept(key, raw);
        });
        common
    }

    /// Takes a member; false when it is not one of these, or does not fit.
    pub(crate) fn accept(&mut self, key: &str, raw: &str) -> bool {
        match key {
            "timestamp" => fill(&mut self.timestamp, raw),
            "call" => fill(&mut self.call, raw),
            "chat" => fill(&mut self.chat, raw),
            "assistant" => fill(&mut self.assistant, raw),
            "assistantVersion" => fill(&mut self.assistant_version, raw),
            "phoneNumber" => fill(&mut self.phone_number, raw),
            "customer" => fill(&mut self.customer, raw),
            "artifact" => fill(&mut self.artifact, raw),
            _ => false,
        }
    }
}
