//! The members that every kind of message may have.

use chrono::{DateTime, Utc};
use serde::ser::SerializeMap;

use super::artifact::Artifact;
use super::call::{Call, Customer, PhoneNumber};
use super::chat::Chat;
use crate::kind::MessageKind;
use crate::payload::{Epoch, Members, Raw, Sent};
use crate::scan::members;

/// The members common to all messages; none is promised.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Common {
    /// The kind as sent; `None` for one without a `type`, which only `tool-calls` may lack.
    pub kind: Option<MessageKind>,
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
    /// The products of the call so far.
    pub artifact: Option<Box<Artifact>>,
    pub(crate) sent: Sent,
}

impl Common {
    /// Reads what stands beside `message` in the root object; relays put `call` or `customer` there.
    pub(super) fn around(root: &str) -> Self {
        let mut common = Self::default();
        members(root, |key, raw| {
            if key != "type" {
                common.accept(key, raw);
            }
        });
        common
    }

    /// Takes a member; false when it is not one of these, or does not fit.
    pub(crate) fn accept(&mut self, key: &str, raw: &str) -> bool {
        let Self { sent, .. } = self;
        match key {
            "type" => sent.read("type", &mut self.kind, raw),
            "timestamp" => {
                let mut timestamp = None;
                let fits = sent.read("timestamp", &mut timestamp, raw);
                self.timestamp = timestamp.map(|Epoch(timestamp)| timestamp);
                fits
            }
            "call" => sent.read("call", &mut self.call, raw),
            "chat" => sent.read("chat", &mut self.chat, raw),
            "assistant" => sent.read("assistant", &mut self.assistant, raw),
            "assistantVersion" => sent.read("assistantVersion", &mut self.assistant_version, raw),
            "phoneNumber" => sent.read("phoneNumber", &mut self.phone_number, raw),
            "customer" => sent.read("customer", &mut self.customer, raw),
            "artifact" => sent.read("artifact", &mut self.artifact, raw),
            _ => false,
        }
    }

    /// Writes the members that are there.
    pub(crate) fn write<M: SerializeMap>(&self, members: &mut Members<M>) -> Result<(), M::Error> {
        let Self { sent, .. } = self;
        members.field(sent, "type", self.kind.as_ref())?;
        members.field(sent, "timestamp", self.timestamp.map(Epoch).as_ref())?;
        members.field(sent, "call", self.call.as_ref())?;
        members.field(sent, "chat", self.chat.as_ref())?;
        members.field(sent, "assistant", self.assistant.as_ref())?;
        members.field(sent, "assistantVersion", self.assistant_version.as_ref())?;
        members.field(sent, "phoneNumber", self.phone_number.as_ref())?;
        members.field(sent, "customer", self.customer.as_ref())?;
        members.field(sent, "artifact", self.artifact.as_ref())
    }
}
