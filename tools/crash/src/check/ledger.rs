//! The ledger: one row a call, in the state that its messages imply whatever their order.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Fault, Finding, Record};
use crate::plan::{STATUSES, What};
use crate::stored::StoredCall;

/// The row that a call's messages imply.
#[derive(Default)]
struct Implied {
    /// The furthest state that was acknowledged, and that was sent: an index of [`STATUSES`].
    acknowledged: Option<usize>,
    sent: Option<usize>,
    /// Whether anything was acknowledged that makes a row.
    has_row: bool,
    /// The length of the longest transcript that was acknowledged, and every transcript that was sent.
    longest: Option<usize>,
    transcripts: Vec<String>,
}

/// Checks every call.
pub(super) fn check(record: &Record<'_>, stored: &[StoredCall]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut calls = implied(record);
    let mut rows: BTreeMap<(Uuid, &str), Vec<&StoredCall>> = BTreeMap::new();
    for call in stored {
        rows.entry((call.organization, &call.call)).or_default().push(call);
    }
    for ((organization, call), rows) in rows {
        let Some(implied) = calls.remove(&(organization, call.to_owned())) else {
            let text = format!("organization {organization} holds call {call}, which it was not sent");
            findings.push(Finding::new(Fault::Foreign, text));
            continue;
        };
        if rows.len() > 1 {
            findings.push(Finding::new(Fault::Doubled, format!("call {call} has {} rows", rows.len())));
        }
        findings.extend(rows.iter().filter_map(|row| contradiction(&implied, row)));
    }
    let missing = calls.into_iter().filter(|(_, implied)| implied.has_row);
    findings
        .extend(missing.map(|((_, call), _)| Finding::new(Fault::Lost, format!("call {call} has no row"))));
    findings
}

fn implied(record: &Record<'_>) -> BTreeMap<(Uuid, String), Implied> {
    let mut calls: BTreeMap<(Uuid, String), Implied> = BTreeMap::new();
    for sent in record.journal.messages.values() {
        let key = (record.organization(sent), sent.message.call.to_string());
        let state = match sent.message.what {
            What::Status(state) => Some(state),
            What::Report { .. } => Some(STATUSES.len() - 1),
            What::Booking(_) => None,
            // Streams are not for the ledger; a row that one of them makes would be foreign.
            What::Transcript | What::Conversation => continue,
        };
        let call = calls.entry(key).or_default();
        call.sent = call.sent.max(state);
        if sent.is_acknowledged {
            call.acknowledged = call.acknowledged.max(state);
            call.has_row = true;
        }
        for (transcript, is_acknowledged) in &sent.transcripts {
            call.transcripts.push(transcript.clone());
            if *is_acknowledged {
                call.longest = call.longest.max(Some(transcript.len()));
            }
        }
    }
    calls
}

/// Says how a row contradicts the messages, if it does.
fn contradiction(implied: &Implied, row: &StoredCall) -> Option<Finding> {
    let state = STATUSES.iter().position(|status| *status == row.status);
    let is_known = state.is_some() || row.status == "unknown";
    if !is_known || state < implied.acknowledged || state > implied.sent {
        let at_least = implied.acknowledged.and_then(|state| STATUSES.get(state)).unwrap_or(&"unknown");
        let text = format!("call {} is {:?}, and {at_least:?} was acknowledged", row.call, row.status);
        return Some(Finding::new(Fault::Wrong, text));
    }
    let length = row.transcript.as_ref().map(String::len);
    if length < implied.longest {
        let text =
            format!("call {} has a transcript of {length:?} bytes, and a fuller was acknowledged", row.call);
        return Some(Finding::new(Fault::Lost, text));
    }
    if row.transcript.as_ref().is_some_and(|transcript| !implied.transcripts.contains(transcript)) {
        return Some(Finding::new(
            Fault::Foreign,
            format!("call {} has a transcript that nobody sent", row.call),
        ));
    }
    None
}
