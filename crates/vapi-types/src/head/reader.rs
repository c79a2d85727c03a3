//! The one walk over a body that finds the head.
//!
//! Only the paths listed here are read. Tool arguments, `variableValues` and transfer destinations are passed
//! over unseen: a caller or a model can write them.

use std::borrow::Cow;

use super::{CallHead, EnvelopeShape, Head, Identifier, IdentifierKind, MetadataEntry, NamedAccount};
use crate::error::EnvelopeError;
use crate::kind::{CallType, MessageKind};
use crate::payload::instant;
use crate::scan::{Next, ScanError, Scanner};
use crate::tool_call::MAX_TOOL_CALLS;

/// More values than any real message has. Every one of them costs a look-up before anything is verified.
const MAX_VALUES: usize = 512;

/// The paths that hold identifiers, in the order of the search.
const PATHS: [(IdentifierKind, &str); 22] = [
    (IdentifierKind::AssistantId, "assistantId"),
    (IdentifierKind::AssistantId, "call.assistantId"),
    (IdentifierKind::AssistantId, "assistant.id"),
    (IdentifierKind::AssistantId, "chat.assistantId"),
    (IdentifierKind::AssistantId, "session.assistantId"),
    (IdentifierKind::PhoneNumberId, "phoneNumberId"),
    (IdentifierKind::PhoneNumberId, "call.phoneNumberId"),
    (IdentifierKind::PhoneNumberId, "phoneNumber.id"),
    (IdentifierKind::PhoneNumberId, "call.phoneNumber.id"),
    (IdentifierKind::PhoneNumberId, "session.phoneNumberId"),
    (IdentifierKind::PhoneNumber, "phoneNumber"),
    (IdentifierKind::PhoneNumber, "phoneNumber.number"),
    (IdentifierKind::PhoneNumber, "phoneNumber.twilioPhoneNumber"),
    (IdentifierKind::PhoneNumber, "phoneNumber.sipUri"),
    (IdentifierKind::PhoneNumber, "call.phoneNumber"),
    (IdentifierKind::PhoneNumber, "call.phoneNumber.number"),
    (IdentifierKind::PhoneNumber, "call.phoneNumber.twilioPhoneNumber"),
    (IdentifierKind::PhoneNumber, "call.phoneNumber.sipUri"),
    (IdentifierKind::PhoneNumber, "twilioPhoneNumber"),
    (IdentifierKind::CallId, "call.id"),
    (IdentifierKind::SquadId, "call.squadId"),
    (IdentifierKind::SquadId, "chat.squadId"),
];

/// The keys that those paths and the accounts' end with.
const LAST_KEYS: [&str; 9] = [
    "id",
    "number",
    "orgId",
    "sipUri",
    "squadId",
    "assistantId",
    "phoneNumber",
    "phoneNumberId",
    "twilioPhoneNumber",
];

/// The paths that hold the Vapi account.
const ACCOUNTS: [&str; 6] =
    ["call.orgId", "chat.orgId", "session.orgId", "contact.orgId", "phoneNumber.orgId", "assistant.orgId"];

/// The objects whose `metadata` is read; the empty one is the message itself.
const METADATA: [&str; 8] = [
    "",
    "call",
    "customer",
    "assistant",
    "call.assistant",
    "call.assistantOverrides",
    "call.customer",
    "customer.assistantOverrides",
];

/// A head, and what the walk has learned for later.
#[derive(Debug, Clone)]
pub(crate) struct Reading<'a> {
    /// The head.
    pub(crate) head: Head<'a>,
    /// Whether [`crate::sanitise`] would change the text.
    pub(crate) awkward: bool,
    /// The text of the message object, if there is one around it.
    pub(crate) message: Option<&'a str>,
    /// Whether there is nothing beside the message object.
    pub(crate) alone: bool,
}

/// Reads the head.
pub(crate) fn read(json: &str) -> Result<Reading<'_>, EnvelopeError> {
    let mut scanner = Scanner::new(json);
    if scanner.next() != Next::Object {
        scanner.skip()?;
        scanner.end()?;
        return Err(EnvelopeError::NotAnObject);
    }
    let mut reader = Reader::default();
    let mut members = 0_usize;
    scanner.object(|scanner, key| {
        members += 1;
        reader.field("", key, scanner)
    })?;
    scanner.end()?;
    if reader.values > MAX_VALUES {
        return Err(EnvelopeError::TooManyIdentifiers);
    }
    Ok(Reading {
        message: reader.message.as_ref().map(|(text, _)| *text),
        alone: members == 1,
        head: reader.finish(),
        awkward: scanner.awkward(),
    })
}

/// The members of one message object apart from identifiers; a repeated key overwrites, as in JavaScript.
#[derive(Default)]
struct Facts<'a> {
    type_text: Option<Cow<'a, str>>,
    timestamp: Option<Cow<'a, str>>,
    status: Option<Cow<'a, str>>,
    call: Option<CallHead<'a>>,
    chat: Subject<'a>,
    session: Subject<'a>,
    customer_number: Option<Cow<'a, str>>,
    /// The ids in `toolCallList`, `toolWithToolCallList` and `toolCalls`, in order of preference.
    tool_lists: [Option<Vec<Cow<'a, str>>>; 3],
}

#[derive(Default)]
struct Subject<'a> {
    id: Option<Cow<'a, str>>,
    updated_at: Option<Cow<'a, str>>,
}

/// A finding with its place in the search order.
type Ranked<T> = Vec<(usize, T)>;

#[derive(Default)]
struct Reader<'a> {
    in_message: bool,
    values: usize,
    identifiers: Ranked<Identifier<'a>>,
    metadata: Ranked<MetadataEntry<'a>>,
    accounts: Ranked<NamedAccount<'a>>,
    /// The facts of the object that is being read; at the end those of the root.
    facts: Facts<'a>,
    /// Text and facts of the last `message` object, if the last `message` was one.
    message: Option<(&'a str, Facts<'a>)>,
}

impl<'a> Reader<'a> {
    /// Reads one member of the object at `place`.
    fn field(&mut self, place: &'static str, key: &str, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        match (place, key) {
            ("", "message") if !self.in_message => return self.message(scanner),
            ("", "call") => {
                self.facts.call = (scanner.next() == Next::Object).then(CallHead::default);
                return self.enter("call", scanner);
            }
            ("", "chat") => {
                self.facts.chat = Subject::default();
                return self.enter("chat", scanner);
            }
            ("", "session") => {
                self.facts.session = Subject::default();
                return self.enter("session", scanner);
            }
            ("", "customer") => {
                self.facts.customer_number = None;
                return self.enter("customer", scanner);
            }
            ("", "contact") => return self.enter("contact", scanner),
            ("", "assistant") => return self.enter("assistant", scanner),
            ("", "phoneNumber") => return self.enter("phoneNumber", scanner),
            ("call", "phoneNumber") => return self.enter("call.phoneNumber", scanner),
            ("call", "assistant") => return self.enter("call.assistant", scanner),
            ("call", "assistantOverrides") => return self.enter("call.assistantOverrides", scanner),
            ("call", "customer") => return self.enter("call.customer", scanner),
            ("call", "monitor") => return self.enter("call.monitor", scanner),
            ("customer", "assistantOverrides") => return self.enter("customer.assistantOverrides", scanner),
            (place, "metadata") => return self.metadata(place, scanner),
            ("", "toolCallList" | "toolWithToolCallList" | "toolCalls") => {
                return self.tool_list(key, scanner);
            }
            ("", "type") => {
                // Only a string is a type.
                let is_text = scanner.next() == Next::Text;
                self.facts.type_text = scalar(scanner)?.filter(|_| is_text);
                return Ok(());
            }
            // The texts of a conversation end here, undecoded.
            (_, key) if !is_read(key) => return scanner.skip(),
            _ => {}
        }
        let value = scalar(scanner)?;
        if let Some(value) = &value {
            self.identify(place, key, key, value.clone());
        }
        self.note(place, key, value);
        Ok(())
    }

    /// Reads the object that wraps the message; anything else under that name is no wrapper.
    fn message(&mut self, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        self.message = None;
        if scanner.next() != Next::Object {
            return scanner.skip();
        }
        let root = std::mem::take(&mut self.facts);
        self.in_message = true;
        let start = scanner.offset();
        let read = scanner.object(|scanner, key| self.field("", key, scanner));
        self.in_message = false;
        self.message = Some((scanner.since(start), std::mem::replace(&mut self.facts, root)));
        read
    }

    /// Reads the object at `place`, or the scalar that stands in its stead.
    fn enter(&mut self, place: &'static str, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        if scanner.next() == Next::Object {
            return scanner.object(|scanner, key| self.field(place, key, scanner));
        }
        if let Some(value) = scalar(scanner)? {
            let last = place.rsplit('.').next().unwrap_or(place);
            self.identify("", place, last, value);
        }
        Ok(())
    }

    /// Reads the scalar entries of a `metadata` object that name an organization.
    fn metadata(&mut self, place: &'static str, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        let Some(owner) = METADATA.iter().position(|owner| *owner == place) else { return scanner.skip() };
        if scanner.next() != Next::Object {
            return scanner.skip();
        }
        scanner.object(|scanner, key| {
            let found = MetadataEntry::KEYS.iter().enumerate().find(|(_, name)| **name == key);
            let Some((at, key)) = found else { return scanner.skip() };
            if let Some(value) = scalar(scanner)? {
                let dot = if place.is_empty() { "" } else { "." };
                let path = format!("{}{place}{dot}metadata.{key}", self.prefix());
                let rank = self.rank(owner * MetadataEntry::KEYS.len() + at);
                self.count(|reader| reader.metadata.push((rank, MetadataEntry { path, key, value })));
            }
            Ok(())
        })
    }

    /// Reads the ids in one of the lists of tool calls, as many as calls are answered: a list of megabytes would take several
    /// times its room here before anything is verified.
    fn tool_list(&mut self, list: &str, scanner: &mut Scanner<'a>) -> Result<(), ScanError> {
        if scanner.next() != Next::Array {
            return scanner.skip();
        }
        let wrapped = list == "toolWithToolCallList";
        let mut ids = Vec::new();
        let mut note = |scanner: &mut Scanner<'a>, key: &str| {
            if key != "id" || ids.len() >= MAX_TOOL_CALLS {
                return scanner.skip();
            }
            ids.extend(scalar(scanner)?);
            Ok(())
        };
        scanner.array(|scanner| {
            if scanner.next() != Next::Object {
                return scanner.skip();
            }
            scanner.object(|scanner, key| match key {
                "toolCall" if wrapped && scanner.next() == Next::Object => scanner.object(&mut note),
                _ if wrapped => scanner.skip(),
                _ => note(scanner, key),
            })
        })?;
        let [plain, with_tools, older] = &mut self.facts.tool_lists;
        *match list {
            "toolCallList" => plain,
            "toolWithToolCallList" => with_tools,
            _ => older,
        } = Some(ids);
        Ok(())
    }

    /// Keeps a scalar if its path is one of an identifier or an account.
    ///
    /// `last` is what the path ends with: the key itself, unless the key is a path of its own.
    fn identify(&mut self, place: &str, key: &str, last: &str, value: Cow<'a, str>) {
        // Most members end here, before any path is compared.
        if !LAST_KEYS.contains(&last) {
            return;
        }
        let is_here = |path: &str| match path.strip_prefix(place) {
            Some(rest) if place.is_empty() => rest == key,
            Some(rest) => rest.strip_prefix('.') == Some(key),
            None => false,
        };
        if let Some((at, (kind, path))) = PATHS.iter().enumerate().find(|(_, (_, path))| is_here(path)) {
            let path = [self.prefix(), *path].concat();
            let (rank, kind) = (self.rank(at), *kind);
            self.count(|reader| reader.identifiers.push((rank, Identifier { kind, value, path })));
        } else if let Some((at, path)) = ACCOUNTS.iter().enumerate().find(|(_, path)| is_here(path)) {
            let path = [self.prefix(), *path].concat();
            let rank = self.rank(at);
            self.count(|reader| reader.accounts.push((rank, NamedAccount { value, path })));
        }
    }

    /// Keeps what the head says apart from identifiers.
    fn note(&mut self, place: &str, key: &str, value: Option<Cow<'a, str>>) {
        let facts = &mut self.facts;
        let call = facts.call.as_mut();
        match (place, key) {
            ("", "timestamp") => facts.timestamp = value,
            ("", "status") => facts.status = value,
            ("customer", "number") => facts.customer_number = value,
            ("chat", "id") => facts.chat.id = value,
            ("chat", "updatedAt") => facts.chat.updated_at = value,
            ("session", "id") => facts.session.id = value,
            ("session", "updatedAt") => facts.session.updated_at = value,
            _ => {
                let Some(call) = call else { return };
                match (place, key) {
                    ("call", "id") => call.id = value,
                    ("call", "status") => call.status = value,
                    ("call", "type") => call.call_type = value.map(|text| CallType::parse(&text)),
                    ("call", "createdAt") => call.created_at = value.and_then(|text| instant(&text)),
                    ("call.customer", "number") => call.customer_number = value,
                    ("call.monitor", "controlUrl") => call.control_url = value,
                    _ => {}
                }
            }
        }
    }

    /// Values past the limit are counted but not kept: the body will be refused.
    fn count(&mut self, keep: impl FnOnce(&mut Self)) {
        self.values += 1;
        if self.values <= MAX_VALUES {
            keep(self);
        }
    }

    fn prefix(&self) -> &'static str {
        if self.in_message { "message." } else { "" }
    }

    /// Everything inside `message` comes before the root's.
    fn rank(&self, at: usize) -> usize {
        if self.in_message { at } else { at + 1_000 }
    }

    fn finish(self) -> Head<'a> {
        let shape = if self.message.is_some() { EnvelopeShape::Nested } else { EnvelopeShape::Flat };
        let mut message = self.message.map(|(_, facts)| facts).unwrap_or_default();
        let mut root = self.facts;

        let type_text = message.type_text.take().or_else(|| root.type_text.take());
        let customer_number = [&mut message, &mut root].into_iter().find_map(|facts| {
            let in_call = facts.call.as_ref().and_then(|call| call.customer_number.clone());
            facts.customer_number.take().or(in_call)
        });
        let call = message.call.or(root.call);
        let lists = if shape == EnvelopeShape::Nested { message.tool_lists } else { root.tool_lists };
        let has_lists = lists.iter().any(Option::is_some);
        let subjects = [message.chat, message.session, root.chat, root.session];
        let subject = subjects.into_iter().find(|subject| subject.id.is_some()).unwrap_or_default();

        Head {
            kind: match &type_text {
                Some(text) => MessageKind::parse(text),
                None if has_lists => MessageKind::ToolCalls,
                None => MessageKind::Unknown("".into()),
            },
            type_text: type_text.unwrap_or_default(),
            shape,
            identifiers: sorted(self.identifiers),
            metadata: sorted(self.metadata),
            account_ids: sorted(self.accounts),
            call,
            customer_number,
            timestamp: message.timestamp.or(root.timestamp).and_then(|text| instant(&text)),
            status: message.status.or(root.status),
            subject_id: subject.id,
            subject_updated_at: subject.updated_at,
            tool_call_ids: lists.into_iter().flatten().find(|ids| !ids.is_empty()).unwrap_or_default(),
        }
    }
}

/// Whether a scalar of this name is an identifier or a fact somewhere. None of the names has a dot in it, so that a key
/// with one never passes for a path.
fn is_read(key: &str) -> bool {
    LAST_KEYS.contains(&key)
        || matches!(key, "timestamp" | "status" | "type" | "createdAt" | "updatedAt" | "controlUrl")
}

fn sorted<T>(mut found: Ranked<T>) -> Vec<T> {
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, value)| value).collect()
}

/// Reads a string or number that is not blank; passes over anything else.
fn scalar<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Cow<'a, str>>, ScanError> {
    let value = match scanner.next() {
        Next::Text => scanner.string()?.decode(),
        Next::Number => Cow::Borrowed(scanner.number()?),
        _ => {
            scanner.skip()?;
            return Ok(None);
        }
    };
    Ok(Some(value).filter(|value| !value.trim().is_empty()))
}
