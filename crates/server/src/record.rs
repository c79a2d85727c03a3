//! The one log line of a message.
//!
//! It holds no text of an unverified body: until the gate has admitted the message, only what the gateway itself
//! says of it is written.

use std::error::Error;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use org_resolver::{LookupStep, OrgId};
use vapi_types::Envelope;

/// The verdict on a message that was acted upon.
pub(crate) const ACCEPTED: &str = "accepted";

/// What the log line of a message will say.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    request_id: &'a str,
    started: Duration,
    /// Who sent it.
    pub(crate) address: Option<IpAddr>,
    /// What became of it.
    pub(crate) verdict: &'static str,
    /// The organization that its mapped identifiers point at, while nothing is proven.
    pub(crate) claimed: Option<OrgId>,
    /// The step of the chain that decided.
    pub(crate) step: Option<LookupStep>,
    /// What verification has made sayable.
    pub(crate) verified: Option<Verified>,
    /// What was done.
    pub(crate) effects: Vec<&'static str>,
}

/// The part of the line that only a verified message has.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) org: OrgId,
    pub(crate) kind: Box<str>,
    pub(crate) assistant: Option<Box<str>>,
    pub(crate) call: Option<Box<str>>,
}

impl Verified {
    /// Takes from the message what the line says of it.
    pub(crate) fn new(org: OrgId, envelope: &Envelope<'_>) -> Self {
        let head = envelope.head();
        Self {
            org,
            // A kind may be any text, and the line is for people.
            kind: envelope.head().kind_text().chars().take(100).collect(),
            assistant: head
                .of_kind(vapi_types::IdentifierKind::AssistantId)
                .next()
                .map(|assistant| assistant.as_ref().into()),
            call: head.call_id().map(Into::into),
        }
    }
}

impl<'a> Record<'a> {
    /// Begins the record of a message.
    pub(crate) fn new(request_id: &'a str, started: Duration) -> Self {
        Self {
            request_id,
            started,
            address: None,
            verdict: ACCEPTED,
            claimed: None,
            step: None,
            verified: None,
            effects: Vec::new(),
        }
    }

    /// Writes the line.
    pub(crate) fn write(&self, status: u16, now: Duration) {
        let duration_ms = now.saturating_sub(self.started).as_micros();
        // Thousandths of a millisecond are exact in a float for the next centuries.
        let duration_ms = u32::try_from(duration_ms).map_or(f64::INFINITY, f64::from) / 1000.0;
        let Self { request_id, verdict, .. } = self;
        match &self.verified {
            Some(verified) => tracing::info!(
                org_id = %verified.org,
                assistant_id = verified.assistant.as_deref(),
                call_id = verified.call.as_deref(),
                kind = &*verified.kind,
                step = self.step.map(LookupStep::as_str),
                verdict,
                effects = self.effects.join(","),
                status,
                duration_ms,
                request_id,
                "message"
            ),
            None => tracing::info!(
                verdict,
                step = self.step.map(LookupStep::as_str),
                claimed_org_id = self.claimed.map(tracing::field::display),
                address = self.address.map(tracing::field::display),
                status,
                duration_ms,
                request_id,
                "message"
            ),
        }
    }
}

/// An error with everything that caused it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
