//! A message as the inbox takes it.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use org_resolver::Trace;
use serde_json::Value;
use storage::repo::{EventVerdict, NewEvent};
use vapi_types::{DriftedBody, Envelope, ServerMessage, redact};

use crate::context::Context;
use crate::dedupe::{dedupe_key, hash};
use crate::tools::DIRECT_KIND;
use crate::tools::keys::inbox_key;

/// A verified message, read once: what is stored of it, and what it says.
pub(crate) struct Arrival<'a> {
    pub(crate) envelope: &'a Envelope<'a>,
    /// The typed message; the error when a known kind has drifted from the shape we know.
    pub(crate) message: Result<ServerMessage, DriftedBody>,
    call_id: Option<String>,
    body: Cow<'a, str>,
    kind: String,
    dedupe_key: String,
    trace: Value,
    request_id: &'a str,
    received_at: DateTime<Utc>,
}

impl<'a> Arrival<'a> {
    pub(crate) fn new(envelope: &'a Envelope<'a>, trace: &Trace, context: &Context<'a>) -> Self {
        let text = match envelope.text() {
            Cow::Borrowed(text) => redact(text),
            Cow::Owned(text) => Cow::Owned(redact(&text).into_owned()),
        };
        let (kind, dedupe_key) = match context.tool.filter(|_| context.is_direct) {
            Some(tool) => (DIRECT_KIND, inbox_key(tool, context.request_id)),
            None => (envelope.head().kind_text(), dedupe_key(envelope)),
        };
        Self {
            envelope,
            message: envelope.message(),
            call_id: envelope.head().call_id().filter(|id| !id.trim().is_empty()).map(bounded),
            body: text,
            kind: kind.to_owned(),
            dedupe_key,
            trace: serde_json::to_value(trace).unwrap_or_default(),
            request_id: context.request_id,
            received_at: context.now,
        }
    }

    /// The call as it is stored: never empty, never too long for an index.
    pub(crate) fn call_id(&self) -> Option<&str> {
        self.call_id.as_deref()
    }

    pub(crate) fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }

    pub(crate) fn request_id(&self) -> &str {
        self.request_id
    }

    /// The redacted body, as it is stored.
    pub(crate) fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// The verdict of a message that is acted upon.
    pub(crate) fn verdict(&self) -> EventVerdict {
        if self.message.is_ok() { EventVerdict::Accepted } else { EventVerdict::Drifted }
    }

    pub(crate) fn event(&self, verdict: EventVerdict) -> NewEvent<'_> {
        NewEvent {
            kind: &self.kind,
            vapi_call_id: self.call_id(),
            dedupe_key: &self.dedupe_key,
            verdict,
            trace: self.trace.clone(),
            body: self.body(),
            request_id: self.request_id,
            received_at: self.received_at,
        }
    }
}

/// An id as sent; in place of one that no provider makes, its hash, which is as good a name.
fn bounded(id: &str) -> String {
    const MAX_BYTES: usize = 256;
    if id.len() <= MAX_BYTES { id.to_owned() } else { format!("sha256:{}", hash(id)) }
}
