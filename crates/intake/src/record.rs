//! The account of one message: what the one line in the log says of it.
//!
//! Of an unverified body it holds one identifier, cut to an alphabet that is safe everywhere: until the gate has admitted the
//! message, the rest is what the gateway itself says of it.

use std::net::IpAddr;

use org_resolver::{LookupStep, OrgId};
use vapi_types::{Envelope, IdentifierKind, Shown};

/// The verdict on a message that was acted upon.
pub(crate) const ACCEPTED: &str = "accepted";
/// A message that only the deployment's secret proves, kept until somebody owns it.
pub(crate) const QUARANTINED: &str = "quarantined";

/// A message's account for the log.
#[derive(Debug)]
#[non_exhaustive]
pub struct Record {
    /// The sender.
    pub address: IpAddr,
    /// The decision: `accepted`, or the name of a reason.
    pub verdict: &'static str,
    /// The organization that its mapped identifiers point at, while nothing is proven.
    pub claimed: Option<OrgId>,
    /// The step of the chain that decided; of a message without an organization, the first that had a value to look up.
    pub step: Option<LookupStep>,
    /// The value of that step, cut to what is safe to show, while nothing is proven.
    pub identifier: Option<Box<str>>,
    /// Known once it is verified.
    pub verified: Option<Verified>,
    /// The effects, as short words.
    pub effects: Vec<&'static str>,
}

/// The part that only a verified message has.
#[derive(Debug)]
#[non_exhaustive]
pub struct Verified {
    /// The organization.
    pub org: OrgId,
    /// The kind, as the message says it, cut.
    pub kind: Box<str>,
    /// The first assistant that the message names, cut.
    pub assistant: Option<Box<str>>,
    /// The call, cut.
    pub call: Option<Box<str>>,
}

impl Record {
    pub(crate) fn new(address: IpAddr) -> Self {
        Self {
            address,
            verdict: ACCEPTED,
            claimed: None,
            step: None,
            identifier: None,
            verified: None,
            effects: Vec::new(),
        }
    }

    /// Says why the message was not simply accepted. The first reason stays: it is the nearest to the cause.
    pub(crate) fn refused(&mut self, reason: &'static str) {
        if self.verdict == ACCEPTED {
            self.verdict = reason;
        }
    }
}

impl Verified {
    /// Takes from the message what the line says of it.
    pub(crate) fn new(org: OrgId, envelope: &Envelope<'_>) -> Self {
        let head = envelope.head();
        Self {
            org,
            kind: shown(head.kind_text()),
            assistant: head.of_kind(IdentifierKind::AssistantId).next().map(|id| shown(id)),
            call: head.call_id().map(shown),
        }
    }
}

/// A value of the message as the line carries it.
fn shown(value: &str) -> Box<str> {
    Shown(value).to_string().into()
}
