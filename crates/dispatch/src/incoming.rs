//! A message as the inbox takes it.

use std::borrow::Cow;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use org_resolver::{LookupStep, Trace};
use serde_json::json;
use storage::repo::EventVerdict;
use storage::{CallUpdate, CallerUpdate, NewEvent, Record};
use vapi_types::{DriftedBody, Envelope, MessageKind, ServerMessage, ToolCall, redact};

use crate::context::{Context, DIRECT_KIND};
use crate::dedupe::{dedupe_key, hash};
use crate::ledger::{belongs_in_ledger, call_update};
use crate::tools::inbox_key;

/// A verified message, read once: what is stored of it, and what it says.
pub struct IncomingMessage<'a> {
    pub(crate) envelope: &'a Envelope<'a>,
    /// The typed message; the error when a known kind has drifted from the shape we know.
    message: Result<ServerMessage, DriftedBody>,
    /// Listed when first asked for.
    tool_calls: OnceLock<Vec<ToolCall>>,
    call_id: Option<String>,
    body: Cow<'a, str>,
    kind: &'a str,
    dedupe_key: String,
    trace: &'a Trace,
    request_id: &'a str,
    received_at: DateTime<Utc>,
}

impl<'a> IncomingMessage<'a> {
    /// Reads a message once. Its stored form is redacted.
    pub fn new(envelope: &'a Envelope<'a>, trace: &'a Trace, context: &Context<'a>) -> Self {
        let text = match envelope.text() {
            Cow::Borrowed(text) => redact(text),
            Cow::Owned(text) => Cow::Owned(redact(&text).into_owned()),
        };
        let tool_calls = OnceLock::new();
        let (kind, dedupe_key) = match context.tool.filter(|_| context.is_direct) {
            Some(tool) => (DIRECT_KIND, inbox_key(tool, context.request_id)),
            None => {
                let calls = || tool_calls.get_or_init(|| envelope.tool_calls());
                (envelope.head().kind_text(), dedupe_key(envelope, calls))
            }
        };
        Self {
            envelope,
            message: envelope.message(),
            tool_calls,
            call_id: envelope.head().call_id().filter(|id| !id.trim().is_empty()).map(bounded),
            body: text,
            kind,
            dedupe_key,
            trace,
            request_id: context.request_id,
            received_at: context.now,
        }
    }

    /// The message as its head reads.
    pub fn envelope(&self) -> &Envelope<'a> {
        self.envelope
    }

    /// The call as it is stored: never empty, never too long for an index.
    pub fn call_id(&self) -> Option<&str> {
        self.call_id.as_deref()
    }

    /// The typed message, unless its kind has drifted from the shape we know.
    pub fn message(&self) -> Option<&ServerMessage> {
        self.message.as_ref().ok()
    }

    /// The tool calls in the message, of whatever kind it is.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.tool_calls.get_or_init(|| self.envelope.tool_calls())
    }

    /// When it arrived.
    pub fn received_at(&self) -> DateTime<Utc> {
        self.received_at
    }

    /// The key that a second delivery shares.
    pub fn dedupe_key(&self) -> &str {
        &self.dedupe_key
    }

    /// The message under another key: that of the body before it was redacted.
    #[must_use]
    pub fn with_key(mut self, key: String) -> Self {
        self.dedupe_key = key;
        self
    }

    /// Where a message of a known kind has drifted from the shape we know.
    pub fn drifted(&self) -> Option<&DriftedBody> {
        self.message.as_ref().err()
    }

    /// The redacted body, as it is stored.
    pub fn body(&self) -> &[u8] {
        self.body.as_bytes()
    }

    /// The message for the inbox alone.
    pub fn in_inbox(&self, verdict: EventVerdict) -> Record {
        Record::new(&NewEvent {
            kind: self.kind,
            vapi_call_id: self.call_id(),
            dedupe_key: &self.dedupe_key,
            verdict,
            trace: &text_of(self.trace),
            body: self.body(),
            request_id: self.request_id,
            received_at: self.received_at,
        })
    }

    /// The message with everything that it says of its call and its caller.
    pub fn record(&self, via: LookupStep) -> Record {
        let verdict = if self.message.is_ok() { EventVerdict::Accepted } else { EventVerdict::Drifted };
        let mut record = self.in_inbox(verdict);
        // A call that only its pin resolved has nothing else that its pin could stand against.
        if via != LookupStep::CallId {
            record = record.with_alarm(json!({ "step": via }));
        }
        if let Some(update) = self.call_update() {
            record = record.with_call_update(update);
        }
        match self.caller() {
            Some(caller) => record.with_caller(caller),
            None => record,
        }
    }

    /// The message's changes to its call, for kinds that have some.
    fn call_update(&self) -> Option<CallUpdate> {
        if *self.envelope.kind() == MessageKind::CallDeleted {
            let at = self.message().and_then(ServerMessage::common).and_then(|common| common.timestamp);
            // The call that comes with it is the content that has to go, so nothing of it is read; drifted or not.
            return Some(CallUpdate { at, erases: true, ..CallUpdate::default() });
        }
        let message = self.message().filter(|_| belongs_in_ledger(self.envelope.kind()))?;
        Some(call_update(self.envelope.head(), message))
    }

    /// The caller, as the report at the end of a call says.
    fn caller(&self) -> Option<CallerUpdate> {
        let Some(ServerMessage::EndOfCallReport(report)) = self.message() else { return None };
        let call = || report.common.call.as_ref().and_then(|call| call.customer.as_deref());
        let customer = report.common.customer.as_deref().or_else(call);
        Some(CallerUpdate {
            number: self.envelope.head().customer_number.as_deref()?.to_owned(),
            name: customer.and_then(|customer| customer.name.clone()),
            email: customer.and_then(|customer| customer.email.clone()),
            last_call_at: Some(report.ended_at().unwrap_or(self.received_at)),
        })
    }
}

/// The trace as it is stored.
pub(crate) fn text_of(trace: &Trace) -> String {
    // A trace is made of texts and numbers: it can always be written.
    serde_json::to_string(trace).unwrap_or_else(|_cause| "{}".to_owned())
}

/// An id as sent; in place of one that no provider makes, its hash, which is as good a name.
fn bounded(id: &str) -> String {
    const MAX_BYTES: usize = 256;
    if id.len() <= MAX_BYTES { id.to_owned() } else { format!("sha256:{}", hash(id)) }
}
