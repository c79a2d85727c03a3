//! One received message: a typed head that is read at once, and a body that is parsed on demand.

use std::borrow::Cow;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::EnvelopeError;
use crate::head::reader::{self, Reading};
use crate::head::{EnvelopeShape, Head};
use crate::kind::MessageKind;
use crate::message::ServerMessage;
use crate::text::sanitise;
use crate::tool_call::{self, ToolCall};

/// A body of a known kind that lacks what the kind cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} message has nothing usable at {path}")]
#[non_exhaustive]
pub struct DriftedBody {
    /// The kind that the message says it is.
    pub kind: MessageKind,
    /// The path in the document, as in `message.status`.
    pub path: String,
}

/// A received message.
#[derive(Debug, Clone)]
pub struct Envelope<'a> {
    json: &'a str,
    reading: Reading<'a>,
}

impl<'a> Envelope<'a> {
    /// Reads the head of a body and validates the rest of it, in one pass and without a tree.
    ///
    /// A missing or unknown `type` is no error.
    ///
    /// # Errors
    /// [`EnvelopeError`] if the body is not a JSON object, or one that is not safe to work with.
    pub fn parse(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let json = std::str::from_utf8(body).ok().ok_or(EnvelopeError::NotJson)?;
        Ok(Self { json, reading: reader::read(json)? })
    }

    /// The message's kind and every identifier in it.
    #[must_use]
    pub fn head(&self) -> &Head<'a> {
        &self.reading.head
    }

    /// The message's kind.
    #[must_use]
    pub fn kind(&self) -> &MessageKind {
        &self.reading.head.kind
    }

    /// The bytes as they were received: what a signature is computed over.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.json.as_bytes()
    }

    /// The body as text that every JSON parser and `jsonb` accepts; see [`sanitise`].
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        self.storable(self.json)
    }

    /// Parses the whole message. Call it after the message was verified.
    ///
    /// # Errors
    /// [`DriftedBody`] if the message lacks what its kind cannot do without; the body is still there.
    pub fn message(&self) -> Result<ServerMessage, DriftedBody> {
        let Reading { head, message, alone, .. } = &self.reading;
        let root = message.filter(|_| !alone).map(|_| self.text());
        let message = self.storable(message.unwrap_or(self.json));
        ServerMessage::read(&head.kind, &message, root.as_deref()).map_err(|member| DriftedBody {
            kind: head.kind.clone(),
            path: match head.shape {
                EnvelopeShape::Nested => format!("message.{member}"),
                EnvelopeShape::Flat => member.to_owned(),
            },
        })
    }

    /// The tool calls in the message, of whatever kind it is; empty when there are none. Of more than
    /// [`MAX_TOOL_CALLS`](crate::MAX_TOOL_CALLS) these are the first.
    #[must_use]
    pub fn tool_calls(&self) -> Vec<ToolCall> {
        tool_call::read_all(&self.storable(self.reading.message.unwrap_or(self.json)))
    }

    fn storable(&self, json: &'a str) -> Cow<'a, str> {
        if self.reading.awkward { sanitise(json) } else { Cow::Borrowed(json) }
    }
}

/// Reads the tool calls of a body, of whatever kind it is and nested or flat; empty when it is no message.
#[must_use]
pub fn tool_calls_from(body: &[u8]) -> Vec<ToolCall> {
    Envelope::parse(body).map(|envelope| envelope.tool_calls()).unwrap_or_default()
}

/// The kind is found as [`Envelope::parse`] finds it.
impl<'de> Deserialize<'de> for ServerMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = Map::deserialize(deserializer)?;
        let body = Value::from_iter([("message", Value::Object(message))]).to_string();
        let envelope = Envelope::parse(body.as_bytes()).map_err(D::Error::custom)?;
        envelope.message().map_err(D::Error::custom)
    }
}
