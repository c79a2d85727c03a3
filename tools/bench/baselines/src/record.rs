//! The rows of a message: the gateway's, read out of the same bodies with the gateway's own parser.

use actix_web::http::header::HeaderMap;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use uuid::Uuid;
use vapi_types::message::EndOfCallReport;
use vapi_types::{CallStatus, Envelope, IdentifierKind, ServerMessage, redact};

use crate::directory::Directory;

/// A message on its way into the database; instants and ids are texts, which both databases take.
pub(crate) struct Record {
    pub(crate) organization: String,
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) call: String,
    pub(crate) dedupe_key: String,
    pub(crate) trace: String,
    pub(crate) body: Vec<u8>,
    pub(crate) body_bytes: i32,
    pub(crate) request_id: String,
    pub(crate) received_at: String,
    pub(crate) ledger: Ledger,
    pub(crate) contact: Option<Contact>,
}

/// The call's row.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) call_type: Option<String>,
    pub(crate) status: String,
    pub(crate) rank: i16,
    pub(crate) assistant: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) customer: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) ended_at: Option<String>,
    pub(crate) ended_reason: Option<String>,
    pub(crate) duration_ms: Option<i64>,
    pub(crate) cost: Option<f64>,
    pub(crate) transcript: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) structured_data: Option<String>,
    pub(crate) success: Option<String>,
    pub(crate) recording: Option<String>,
    pub(crate) stereo_recording: Option<String>,
    pub(crate) sealed_control_url: Option<Vec<u8>>,
}

/// The caller's row, which a report brings.
pub(crate) struct Contact {
    pub(crate) id: String,
    pub(crate) phone: String,
    pub(crate) name: String,
    pub(crate) last_call_at: String,
}

impl Record {
    /// Verifies a message and reads it; `None` if it is nobody's, or not signed by its organization.
    pub(crate) fn read(directory: &Directory, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let envelope = Envelope::parse(body).ok()?;
        let head = envelope.head();
        let assistant = head.of_kind(IdentifierKind::AssistantId).next()?;
        let organization = directory.verify(assistant, headers, body)?;
        let now = Utc::now();
        let text = envelope.text();
        let kept = redact(&text);
        let call = head.call_id()?.to_owned();
        let kind = head.kind_text().to_owned();
        let message = envelope.message().ok()?;
        let part = match &message {
            ServerMessage::StatusUpdate(_) => head.status.as_deref().unwrap_or_default(),
            _ => "",
        };
        let customer = head.customer_number.as_deref().map(str::to_owned);
        let mut ledger = Ledger {
            assistant: Some(assistant.to_string()),
            phone_number: head.of_kind(IdentifierKind::PhoneNumberId).next().map(ToString::to_string),
            customer: customer.clone(),
            call_type: message.call().and_then(|it| it.call_type.as_ref()).map(|it| it.as_str().to_owned()),
            ..Ledger::default()
        };
        let mut contact = None;
        match &message {
            ServerMessage::StatusUpdate(update) => {
                ledger.reaches(&update.status);
                ledger.ended_reason = update.ended_reason.as_ref().map(|it| it.as_str().to_owned());
                if !update.status.is_terminal() {
                    ledger.sealed_control_url = head.control_url().and_then(|url| directory.seal(url));
                }
            }
            ServerMessage::EndOfCallReport(report) => {
                ledger.reaches(&CallStatus::Ended);
                ledger.complete(report);
                let name =
                    message.call().and_then(|it| it.customer.as_deref()).and_then(|it| it.name.clone());
                contact = customer.map(|phone| Contact {
                    id: Uuid::now_v7().to_string(),
                    phone,
                    name: name.unwrap_or_default(),
                    last_call_at: instant(report.ended_at().unwrap_or(now)),
                });
            }
            _ => {}
        }
        let trace = json!({"steps": [{"step": "assistant_id", "value": &**assistant,
            "path": "message.call.assistantId", "result": "hit", "organization_id": organization.id, "cached": true}]});
        Some(Self {
            organization: organization.id.clone(),
            id: Uuid::now_v7().to_string(),
            dedupe_key: format!("{kind}/{call}/{part}"),
            kind,
            call,
            trace: trace.to_string(),
            body: lz4_flex::block::compress_prepend_size(kept.as_bytes()),
            body_bytes: i32::try_from(kept.len()).unwrap_or(i32::MAX),
            request_id: Uuid::new_v4().to_string(),
            received_at: instant(now),
            ledger,
            contact,
        })
    }
}

impl Ledger {
    fn reaches(&mut self, status: &CallStatus) {
        status.as_str().clone_into(&mut self.status);
        self.rank = status.rank().map_or(0, |rank| i16::from(rank) + 1);
    }

    fn complete(&mut self, report: &EndOfCallReport) {
        self.ended_reason = report.ended_reason().map(|it| it.as_str().to_owned());
        self.started_at = report.started_at().map(instant);
        self.ended_at = report.ended_at().map(instant);
        self.duration_ms = report.duration().map(|it| it.num_milliseconds());
        self.cost = report.cost();
        self.transcript = report.transcript().map(str::to_owned);
        self.summary = report.summary().map(str::to_owned);
        self.structured_data = report.structured_data().map(ToString::to_string);
        self.success = report.success_evaluation().map(str::to_owned);
        self.recording = report.recording_url().map(str::to_owned);
        self.stereo_recording = report.stereo_recording_url().map(str::to_owned);
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
