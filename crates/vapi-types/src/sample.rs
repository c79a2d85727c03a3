//! Messages as the provider sends them, made up: for demonstrations, tests and load.
//!
//! A [`PhoneCall`] holds what all messages of one call repeat; each of its methods makes one message, in its envelope.
//! Members that are absent there are absent from the messages.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ids::{AssistantId, CallId};
use crate::kind::{CallStatus, CallType, EndedReason, MessageKind};
use crate::message::{
    Analysis, Artifact, AssistantRequest, Call, CallLifecycle, Common, Customer, EndOfCallReport,
    StatusUpdate, ToolCallsMessage,
};

/// The person on the phone.
pub const CALLER: &str = "+15552010142";
/// Their name.
pub const CALLER_NAME: &str = "Ada Lovelace";

/// One phone call, and what its messages say of it.
#[derive(Debug, Clone)]
pub struct PhoneCall {
    /// The call itself.
    pub call: Call,
    /// The members beside the call in every message; `kind` and `call` are those of the message.
    pub common: Common,
}

impl PhoneCall {
    /// A call of a person to a saved assistant.
    #[must_use]
    pub fn inbound(id: impl Into<CallId>, assistant: impl Into<AssistantId>) -> Self {
        Self::from(Call {
            id: Some(id.into()),
            call_type: Some(CallType::InboundPhone),
            assistant_id: Some(assistant.into()),
            ..Call::default()
        })
    }

    /// Any message of the call. `common` finds the common part of the message, which may have an artifact of its own.
    pub fn message<M: Serialize>(&self, mut message: M, common: impl FnOnce(&mut M) -> &mut Common) -> Value {
        let common = common(&mut message);
        let own = std::mem::replace(common, self.common.clone());
        common.kind = own.kind;
        common.call = Some(Box::new(self.call.clone()));
        common.artifact = own.artifact.or(common.artifact.take());
        json!({ "message": message })
    }

    /// A `call.started` as relays send it: without an envelope, and with little more than who calls whom.
    #[must_use]
    pub fn started(&self) -> Value {
        let all = self.call.clone();
        let mut message = CallLifecycle::new(MessageKind::CallStarted);
        message.common.call = Some(Box::new(Call {
            id: all.id,
            assistant_id: all.assistant_id,
            metadata: all.metadata,
            customer: all.customer.or(self.common.customer.clone()),
            ..Call::default()
        }));
        json!(message)
    }

    /// An `assistant-request`: the call rings, and no assistant is known yet.
    #[must_use]
    pub fn assistant_request(&self) -> Value {
        let mut ringing = self.clone();
        ringing.call.assistant_id = None;
        ringing.message(AssistantRequest::new(), |message| &mut message.common)
    }

    /// A `status-update`.
    #[must_use]
    pub fn status_update(&self, status: CallStatus) -> Value {
        self.message(StatusUpdate::new(status), |message| &mut message.common)
    }

    /// A `tool-calls` message of entries such as [`tool_call`] makes, in both of the lists that the provider sends.
    #[must_use]
    pub fn tool_calls(&self, entries: &[Value]) -> Value {
        let beside = |entry: &Value| {
            let name = entry.pointer("/function/name");
            json!({ "type": "function", "function": { "name": name }, "toolCall": entry })
        };
        let beside: Value = entries.iter().map(beside).collect();
        self.message(ToolCallsMessage::new(entries.to_vec(), beside), |message| &mut message.common)
    }

    /// An `end-of-call-report` such as [`report`] makes.
    #[must_use]
    pub fn end_of_call_report(&self, report: EndOfCallReport) -> Value {
        self.message(report, |message| &mut message.common)
    }
}

impl From<Call> for PhoneCall {
    fn from(call: Call) -> Self {
        Self { call, common: Common::default() }
    }
}

/// A person with a number.
#[must_use]
pub fn customer(number: &str) -> Box<Customer> {
    let number = Some(number.to_owned());
    Box::new(Customer { number, ..Customer::default() })
}

/// One call of a tool, as it stands in the lists of a message. Models fill in anything, so `arguments` may be anything.
#[must_use]
pub fn tool_call(id: &str, name: &str, arguments: impl Into<Value>) -> Value {
    json!({ "id": id, "type": "function", "function": { "name": name, "arguments": arguments.into() } })
}

/// The arguments with which a model wishes for an appointment: a date and a local time such as `14:30`.
#[must_use]
pub fn booking(date: NaiveDate, time: &str, name: &str, number: &str) -> Map<String, Value> {
    let members = [
        ("appointmentDate", date.to_string()),
        ("appointmentTime", time.to_owned()),
        ("patientName", name.to_owned()),
        ("patientPhone", number.to_owned()),
    ];
    members.into_iter().map(|(name, text)| (name.to_owned(), Value::String(text))).collect()
}

/// The report of a call in which the caller has hung up content.
#[must_use]
pub fn report(
    began: DateTime<Utc>,
    ended: DateTime<Utc>,
    transcript: &str,
    summary: &str,
) -> EndOfCallReport {
    let artifact = Artifact { transcript: Some(transcript.to_owned()), ..Artifact::default() };
    let analysis = Analysis {
        summary: Some(summary.to_owned()),
        success_evaluation: Some("true".to_owned()),
        ..Analysis::default()
    };
    let mut report = EndOfCallReport::new(artifact, EndedReason::CustomerEndedCall, analysis);
    (report.started, report.ended, report.total_cost) = (Some(began), Some(ended), Some(0.05));
    report
}
