//! The routing head: what a message is and everything in it that may point at an organization.

pub(crate) mod reader;

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::kind::{CallType, MessageKind};

/// How the message is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvelopeShape {
    /// `{"message": {…}}`, as the provider sends it.
    Nested,
    /// The message itself, as relays and tests send it.
    Flat,
}

impl EnvelopeShape {
    /// `nested` or `flat`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nested => "nested",
            Self::Flat => "flat",
        }
    }
}

/// The kind of an identifier; the order is the order in which the paths are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentifierKind {
    /// A saved assistant.
    AssistantId,
    /// A phone number's id at the provider.
    PhoneNumberId,
    /// The dialled number, or a SIP address.
    PhoneNumber,
    /// A call.
    CallId,
    /// A squad of assistants.
    SquadId,
}

impl IdentifierKind {
    /// The name of the kind, as in `assistant_id`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AssistantId => "assistant_id",
            Self::PhoneNumberId => "phone_number_id",
            Self::PhoneNumber => "phone_number",
            Self::CallId => "call_id",
            Self::SquadId => "squad_id",
        }
    }
}

/// A value that may point at an organization, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identifier<'a> {
    /// The kind of the identifier.
    pub kind: IdentifierKind,
    /// The value as found, never blank; numbers as they are written.
    pub value: Cow<'a, str>,
    /// The path in the document, as in `message.call.assistantId`.
    pub path: String,
}

/// An organization's name inside a `metadata` object. Anybody who can start a web call can write it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetadataEntry<'a> {
    /// The path in the document, as in `customer.metadata.org_id`.
    pub path: String,
    /// The key: one of [`MetadataEntry::KEYS`].
    pub key: &'static str,
    /// The value as found, never blank.
    pub value: Cow<'a, str>,
}

impl MetadataEntry<'_> {
    /// The keys that are read; the last one names an assistant, the others an organization.
    pub const KEYS: [&'static str; 7] =
        ["org_id", "orgId", "organization_id", "organizationId", "tenant_id", "tenantId", "assistantId"];
}

/// The Vapi account that a part of the message belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedAccount<'a> {
    /// The account, never blank.
    pub value: Cow<'a, str>,
    /// The path in the document, as in `message.call.orgId`.
    pub path: String,
}

/// The call that the message is about, as far as routing needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallHead<'a> {
    /// The provider's id of the call.
    pub id: Option<Cow<'a, str>>,
    /// When the call was created.
    pub created_at: Option<DateTime<Utc>>,
    /// How the call came about.
    pub call_type: Option<CallType>,
    /// The state inside `call`. May be stale: the message's own state counts.
    pub status: Option<Cow<'a, str>>,
    /// The person's number inside `call`.
    pub customer_number: Option<Cow<'a, str>>,
    /// Where commands for the live call go. A capability: never log or store it in the clear.
    pub control_url: Option<Cow<'a, str>>,
}

/// Everything that is known of a message before it is verified.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Head<'a> {
    /// The message's kind.
    pub kind: MessageKind,
    /// The text of `type` as it was sent; empty when there is none.
    pub type_text: Cow<'a, str>,
    /// How the message is wrapped.
    pub shape: EnvelopeShape,
    /// Every identifier: those inside `message` first, each group in the order of the search paths. A repeated
    /// key gives one identifier for each occurrence.
    pub identifiers: Vec<Identifier<'a>>,
    /// The organizations named in metadata, in the same order.
    pub metadata: Vec<MetadataEntry<'a>>,
    /// The Vapi accounts named, in the same order.
    pub account_ids: Vec<NamedAccount<'a>>,
    /// The call, if there is one.
    pub call: Option<CallHead<'a>>,
    /// The person's number, never an identifier: `customer.number`, else `call.customer.number`.
    pub customer_number: Option<Cow<'a, str>>,
    /// When the provider made the message.
    pub timestamp: Option<DateTime<Utc>>,
    /// The message's own `status`.
    pub status: Option<Cow<'a, str>>,
    /// The chat's or session's id.
    pub subject_id: Option<Cow<'a, str>>,
    /// When the chat or session was last changed, as written.
    pub subject_updated_at: Option<Cow<'a, str>>,
    /// Ids of the tool calls in the order sent, repetitions included; from the first list that has any. Of more than
    /// [`MAX_TOOL_CALLS`](crate::MAX_TOOL_CALLS) these are the first.
    pub tool_call_ids: Vec<Cow<'a, str>>,
}

impl<'a> Head<'a> {
    /// The kind as the sender wrote it; the name of its kind for a message that is known by its lists alone.
    #[must_use]
    pub fn kind_text(&self) -> &str {
        if self.type_text.is_empty() { self.kind.as_str() } else { &self.type_text }
    }

    /// The id of the call, if there is one.
    #[must_use]
    pub fn call_id(&self) -> Option<&str> {
        self.call.as_ref()?.id.as_deref()
    }

    /// Every call id named, repetitions included.
    pub fn call_ids(&self) -> impl Iterator<Item = &Cow<'a, str>> {
        self.of_kind(IdentifierKind::CallId)
    }

    /// The values of one kind, in order.
    pub fn of_kind(&self, kind: IdentifierKind) -> impl Iterator<Item = &Cow<'a, str>> {
        self.identifiers.iter().filter(move |found| found.kind == kind).map(|found| &found.value)
    }

    /// Where commands for the live call go. A capability: never log or store it in the clear.
    #[must_use]
    pub fn control_url(&self) -> Option<&str> {
        self.call.as_ref()?.control_url.as_deref()
    }
}
