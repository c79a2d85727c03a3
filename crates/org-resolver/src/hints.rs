//! A message's hints at its organization, before anything is believed.

use chrono::{DateTime, Utc};
use tenant::IdentifierKind;
use vapi_types::Envelope;
use vapi_types::IdentifierKind as Found;

use crate::lookup::LookupKey;
use crate::step::LookupStep;

/// The metadata key that names an assistant instead of an organization.
const ASSISTANT_KEY: &str = "assistantId";

/// One value that may point at an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The step that looks it up.
    pub step: LookupStep,
    /// The value as found; the beginning of one that is too long to be looked up.
    pub value: String,
    /// Where it stood: a path in the document, or the name of a header.
    pub path: String,
    /// True for a claim made beside the body, which only the organization's own credential admits.
    pub(crate) is_declared: bool,
    names_assistant: bool,
}

impl Hint {
    /// The kind of mapping to look the value up in; `None` for a call id.
    pub fn mapping(&self) -> Option<IdentifierKind> {
        if self.names_assistant { Some(IdentifierKind::AssistantId) } else { self.step.mapping() }
    }
}

/// Every claim that a message makes about its organization, and what the resolver needs beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrgHints {
    hints: Vec<Hint>,
    /// The provider's account ids, as (value, path).
    accounts: Vec<(String, String)>,
    call_id: Option<String>,
    created_at: Option<DateTime<Utc>>,
}

impl OrgHints {
    /// Reads the hints of a message. This is the only place that maps payload fields to steps.
    pub fn from_envelope(envelope: &Envelope<'_>) -> Self {
        let head = envelope.head();
        let mut hints = Self {
            accounts: head
                .account_ids
                .iter()
                .map(|account| (bounded(&account.value), account.path.clone()))
                .collect(),
            created_at: head.call.as_ref().and_then(|call| call.created_at),
            ..Self::default()
        };
        for found in &head.identifiers {
            let step = match found.kind {
                Found::AssistantId => LookupStep::AssistantId,
                Found::PhoneNumberId => LookupStep::PhoneNumberId,
                Found::PhoneNumber => LookupStep::PhoneNumber,
                Found::CallId => LookupStep::CallId,
                Found::SquadId => LookupStep::SquadId,
            };
            hints.push(step, &found.value, &found.path);
        }
        // `metadata.assistantId` comes last: it names an assistant with no more weight than any metadata.
        for names_assistant in [false, true] {
            for entry in head.metadata.iter().filter(|entry| (entry.key == ASSISTANT_KEY) == names_assistant)
            {
                hints.push(LookupStep::Metadata, &entry.value, &entry.path);
                if let Some(hint) = hints.hints.last_mut() {
                    hint.names_assistant = names_assistant;
                }
            }
        }
        hints
    }

    /// The claim of a request whose body names no organization: the text of a header.
    pub fn declared(value: &str, header: &str) -> Self {
        let mut hints = Self::default();
        hints.push(LookupStep::Metadata, value, header);
        if let Some(hint) = hints.hints.last_mut() {
            hint.is_declared = true;
        }
        hints
    }

    /// Adds one hint, for embedders that read other payloads.
    pub fn push(&mut self, step: LookupStep, value: &str, path: &str) {
        if step == LookupStep::CallId && self.call_id.is_none() {
            self.call_id = Some(bounded(value));
        }
        self.hints.push(Hint {
            step,
            value: bounded(value),
            path: path.to_owned(),
            is_declared: false,
            names_assistant: false,
        });
    }

    /// Sets the instant at which the call began, in whose light identifiers are looked up.
    pub fn set_created_at(&mut self, at: DateTime<Utc>) {
        self.created_at = Some(at);
    }

    /// Every hint, in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Hint> {
        self.hints.iter()
    }

    /// The assistant that the message names first.
    pub fn assistant_id(&self) -> Option<&str> {
        self.hints.iter().find(|hint| hint.step == LookupStep::AssistantId).map(|hint| hint.value.as_str())
    }

    /// The call that the message belongs to.
    pub fn call_id(&self) -> Option<&str> {
        self.call_id.as_deref()
    }

    /// The instant at which the call began.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created_at
    }

    /// The provider's account ids, as (value, path): a cross-check, never an identifier.
    pub fn accounts(&self) -> &[(String, String)] {
        &self.accounts
    }
}

/// A value without what nobody needs of it before the message is verified. One that is too long to be looked up stays that.
fn bounded(value: &str) -> String {
    if value.len() <= LookupKey::MAX_VALUE_BYTES {
        return value.to_owned();
    }
    let value = value.trim();
    let end = value.char_indices().map(|(at, _)| at).find(|at| *at > LookupKey::MAX_VALUE_BYTES);
    end.and_then(|end| value.get(..end)).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_keeps_as_much_as_tells_that_it_is_too_long() {
        let longest = "é".repeat(LookupKey::MAX_VALUE_BYTES / 2);
        let spaced = format!("{}{longest} ", " ".repeat(9000));
        for (value, kept) in
            [("asst_1", 6), (" asst_1 ", 8), (&longest, 512), (&spaced, 512), (&"é".repeat(4_000_000), 514)]
        {
            let mut hints = OrgHints::default();
            hints.push(LookupStep::CallId, value, "call.id");
            let hint = hints.iter().next().unwrap();
            assert_eq!((hint.value.len(), hints.call_id().unwrap().len()), (kept, kept));
            let [of_kept, of_all] =
                [&hint.value, value].map(|value| LookupKey::new(IdentifierKind::AssistantId, value));
            assert_eq!(of_kept, of_all);
        }
    }
}
