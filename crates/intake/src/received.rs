//! A message read as far as it takes to find its organization.

use std::time::Duration;

use chrono::{DateTime, Utc};
use dispatch::{Context, DirectToolCall};
use org_resolver::OrgHints;
use vapi_types::{Envelope, EnvelopeError, EnvelopeShape, MessageKind, Shown, TrafficClass};

use crate::request::{IDEMPOTENCY_HEADER, ORGANIZATION_HEADER, Request};

/// As many values are told one by one at `debug`: no real message has more.
const MAX_LOOKS: usize = 32;

pub(crate) struct Received<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) envelope: Envelope<'a>,
    pub(crate) hints: OrgHints,
    /// When its last byte was there, by the clock that does not jump.
    pub(crate) arrived: Duration,
    /// The tool to run, when the body is its arguments and nothing else.
    direct: Option<&'a str>,
}

impl<'a> Received<'a> {
    pub(crate) fn read(
        request: &'a Request<'a>,
        body: &'a [u8],
        arrived: Duration,
    ) -> Result<Self, EnvelopeError> {
        let envelope = Envelope::parse(body)?;
        // A body that is neither wrapped nor about a call can be nothing but a tool's arguments.
        let is_message = envelope.head().shape == EnvelopeShape::Nested || envelope.head().call.is_some();
        let direct = request.tool.filter(|_| !is_message);
        let hints = match direct {
            // Such a body names no organization: its header declares one.
            Some(_) => request
                .text(ORGANIZATION_HEADER)
                .map(|value| OrgHints::declared(value, ORGANIZATION_HEADER))
                .unwrap_or_default(),
            None => OrgHints::from_envelope(&envelope),
        };
        Ok(Self { request, envelope, hints, arrived, direct })
    }

    /// The call of a tool by its arguments alone, if the message is that. The digest is asked for only then.
    pub(crate) fn direct_call(
        &self,
        signed_digest: impl FnOnce() -> Option<[u8; 32]>,
    ) -> Option<DirectToolCall<'_>> {
        self.direct.map(|tool| DirectToolCall {
            tool,
            arguments: self.envelope.body(),
            idempotency_key: self.request.text(IDEMPOTENCY_HEADER),
            signed_digest: signed_digest(),
        })
    }

    /// Whether it says that it is the report of a call's end, which alone may be large.
    pub(crate) fn is_report(&self) -> bool {
        self.direct.is_none() && *self.envelope.kind() == MessageKind::EndOfCallReport
    }

    /// How much it matters when it is answered. A sender of a tool's arguments waits for the result.
    pub(crate) fn class(&self) -> TrafficClass {
        self.direct.map_or_else(|| self.envelope.kind().class(), |_| TrafficClass::Waiting)
    }

    pub(crate) fn context(&self, now: DateTime<Utc>) -> Context<'_> {
        let Request { request_id, tool, .. } = *self.request;
        Context { request_id, now, tool, is_direct: self.direct.is_some() }
    }

    /// Writes what an operator follows a call by, at `debug`.
    pub(crate) fn trace(&self) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let (request_id, head) = (self.request.request_id, self.envelope.head());
        let (call_id, kind) = (Shown(head.call_id().unwrap_or("none")), Shown(head.kind.as_str()));
        tracing::debug!(request_id, %call_id, %kind, "received webhook for call");
        for hint in self.hints.iter().take(MAX_LOOKS) {
            let (step, value) = (hint.step, Shown(&hint.value));
            tracing::debug!(request_id, path = hint.path, "looking up {step} \"{value}\"");
        }
        tracing::debug!(request_id, "extracted {} tool calls", head.tool_call_ids.len());
    }
}
