//! How messages change a call's row in the ledger. Pure: messages may come late, twice and out of order.

use std::sync::Arc;

use org_resolver::phone;
use serde_json::{Map, Value};
use storage::CallNews;
use storage::repo::Call;
use vapi_types::message::{EndOfCallReport, StatusUpdate};
use vapi_types::{CallStatus, Head, REDACTED, ServerMessage, redact};

/// What one message says about its call.
#[derive(Clone, Debug)]
pub(crate) struct News {
    message: Arc<ServerMessage>,
    customer_number: Option<String>,
    control_url: Option<String>,
}

impl News {
    pub(crate) fn new(head: &Head<'_>, message: Arc<ServerMessage>) -> Self {
        let number = head.customer_number.as_deref();
        Self {
            message,
            customer_number: number
                .map(|number| phone::normalise(number, None).unwrap_or_else(|| number.to_owned())),
            // A stored body has no URL any more, only what stands in its place.
            control_url: head.control_url().filter(|url| *url != REDACTED).map(str::to_owned),
        }
    }
}

impl CallNews for News {
    fn apply(&self, row: &mut Call) {
        apply(row, self);
    }
}

/// Takes everything that a message says about its call.
fn apply(row: &mut Call, news: &News) {
    observe(row, news);
    match &*news.message {
        ServerMessage::StatusUpdate(update) => status(row, update),
        ServerMessage::EndOfCallReport(report) => complete(row, report),
        ServerMessage::CallStarted(_) => advance(row, &CallStatus::InProgress),
        ServerMessage::CallEnded(over) => {
            advance(row, &CallStatus::Ended);
            fill(&mut row.ended_reason, over.ended_reason.as_ref().map(|reason| reason.as_str().to_owned()));
        }
        _ => {}
    }
}

/// Takes what any message says about its call. What is known is never erased.
fn observe(row: &mut Call, news: &News) {
    let message = &*news.message;
    let Some(call) = message.call() else { return };
    fill(&mut row.call_type, call.call_type.as_ref().map(|kind| kind.as_str().to_owned()));
    fill(&mut row.vapi_assistant_id, call.assistant_id.as_ref().map(|id| id.as_str().to_owned()));
    fill(&mut row.phone_number_id, call.phone_number_id.as_ref().map(|id| id.as_str().to_owned()));
    fill(&mut row.started_at, call.started_at);
    if row.customer_number.is_none() {
        row.customer_number.clone_from(&news.customer_number);
    }
    for source in [overrides_metadata(message), call.metadata.clone()].into_iter().flatten() {
        merge_metadata(&mut row.metadata, &source);
    }
    // The URL lets its holder speak in the call, so it is kept no longer than the call lasts.
    if row.status_rank < ENDED_RANK {
        fill(&mut row.control_url, news.control_url.clone());
    }
}

/// Takes a status. A rank at or below the known one changes nothing.
fn status(row: &mut Call, update: &StatusUpdate) {
    advance(row, &update.status);
    if update.status.is_terminal() {
        fill(&mut row.ended_reason, update.ended_reason.as_ref().map(|reason| reason.as_str().to_owned()));
    }
}

/// Moves the row to a status, never back.
fn advance(row: &mut Call, status: &CallStatus) {
    let Some(rank) = status.rank().map(|rank| i16::from(rank) + 1) else { return };
    if rank > row.status_rank {
        row.status_rank = rank;
        row.status = status.as_str().to_owned();
    }
    if row.status_rank >= ENDED_RANK {
        row.control_url = None;
    }
}

/// Takes the report at the end of a call. A later, fuller report replaces; a poorer one erases nothing.
fn complete(row: &mut Call, report: &EndOfCallReport) {
    advance(row, &CallStatus::Ended);
    replace(&mut row.ended_reason, report.ended_reason().map(|reason| reason.as_str().to_owned()));
    replace(&mut row.started_at, report.started_at());
    replace(&mut row.ended_at, report.ended_at());
    replace(&mut row.duration_ms, report.duration().map(|length| length.num_milliseconds()));
    replace(&mut row.cost, report.cost());
    replace_longer(&mut row.transcript, report.transcript());
    replace_longer(&mut row.summary, report.summary());
    replace(&mut row.structured_data, report.structured_data().filter(|data| !data.is_null()).map(clean));
    replace(&mut row.success_evaluation, report.success_evaluation().map(str::to_owned));
    replace(&mut row.recording_url, report.recording_url().map(str::to_owned));
    replace(&mut row.stereo_recording_url, report.stereo_recording_url().map(str::to_owned));
}

/// The rank of `ended`, one above its place in a call's life because an unknown status has rank 0.
const ENDED_RANK: i16 = 6;

fn fill<T>(slot: &mut Option<T>, value: Option<T>) {
    if slot.is_none() {
        *slot = value;
    }
}

fn replace<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

/// A shorter text than the known one is an earlier state of it.
fn replace_longer(slot: &mut Option<String>, value: Option<&str>) {
    if let Some(value) = value
        && slot.as_ref().is_none_or(|known| known.len() <= value.len())
    {
        *slot = Some(value.to_owned());
    }
}

fn overrides_metadata(message: &ServerMessage) -> Option<Value> {
    let overrides = message.call()?.assistant_overrides.as_ref()?;
    serde_json::from_str::<Map<String, Value>>(overrides.as_str()).ok()?.remove("metadata")
}

fn merge_metadata(known: &mut Value, found: &Value) {
    if !known.is_object() {
        *known = Value::Object(Map::new());
    }
    if let (Value::Object(known), Value::Object(found)) = (known, clean(found)) {
        known.extend(found);
    }
}

/// Metadata and structured data are free objects: provider tokens in them are not for keeping.
fn clean(value: &Value) -> Value {
    serde_json::from_str(&redact(&value.to_string())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::json;
    use uuid::Uuid;
    use vapi_types::Envelope;

    use super::*;

    fn row() -> Call {
        Call {
            id: Uuid::nil(),
            vapi_call_id: "call-1".to_owned(),
            call_type: None,
            status: "unknown".to_owned(),
            status_rank: 0,
            vapi_assistant_id: None,
            phone_number_id: None,
            customer_number: None,
            contact_id: None,
            metadata: json!({}),
            started_at: None,
            ended_at: None,
            ended_reason: None,
            duration_ms: None,
            cost: None,
            transcript: None,
            summary: None,
            structured_data: None,
            success_evaluation: None,
            recording_url: None,
            stereo_recording_url: None,
            control_url: None,
            created_at: DateTime::UNIX_EPOCH,
        }
    }

    fn take(row: &mut Call, message: &Value) {
        let body = json!({"message": message}).to_string();
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        News::new(envelope.head(), Arc::new(envelope.message().unwrap())).apply(row);
    }

    fn status_of(row: &mut Call, status: &str) {
        take(row, &json!({"type": "status-update", "status": status, "call": {"id": "call-1"}}));
    }

    #[test]
    fn the_state_never_moves_back_whatever_the_order() {
        for order in [
            ["queued", "in-progress", "ended"],
            ["ended", "in-progress", "queued"],
            ["in-progress", "ended", "ringing"],
        ] {
            let mut row = row();
            for status in order {
                status_of(&mut row, status);
            }
            assert_eq!(row.status, "ended", "{order:?}");
        }
        let mut row = row();
        status_of(&mut row, "in-progress");
        status_of(&mut row, "something-new");
        assert_eq!(row.status, "in-progress");
    }

    #[test]
    fn a_stale_status_inside_the_call_counts_for_nothing() {
        let mut row = row();
        take(
            &mut row,
            &json!({"type": "end-of-call-report", "endedReason": "customer-ended-call",
            "call": {"id": "call-1", "status": "queued"}}),
        );
        assert_eq!(
            (row.status.as_str(), row.ended_reason.as_deref()),
            ("ended", Some("customer-ended-call"))
        );
    }

    #[test]
    fn a_fuller_report_adds_and_a_poorer_one_erases_nothing() {
        let mut row = row();
        take(
            &mut row,
            &json!({"type": "end-of-call-report", "cost": 0.5, "artifact": {"transcript": "Hello there."},
            "analysis": {"summary": "Greeting."}, "call": {"id": "call-1"}}),
        );
        take(
            &mut row,
            &json!({"type": "end-of-call-report", "cost": "0.75", "artifact": {"transcript": "Hello."},
            "analysis": {"structuredData": {"lead": true, "apiKey": "sk-1"}}, "call": {"id": "call-1"}}),
        );
        assert_eq!(row.cost, Some(0.75));
        assert_eq!(row.transcript.as_deref(), Some("Hello there."));
        assert_eq!(row.summary.as_deref(), Some("Greeting."));
        assert_eq!(row.structured_data.as_ref().unwrap()["lead"], true);
        assert!(!row.structured_data.unwrap().to_string().contains("sk-1"));
    }

    #[test]
    fn metadata_is_kept_from_both_places() {
        let mut row = row();
        take(
            &mut row,
            &json!({"type": "status-update", "status": "queued", "call": {"id": "call-1",
            "metadata": {"leadId": "lead-456"}, "assistantOverrides": {"metadata": {"organizationId": "org-123"}}}}),
        );
        assert_eq!(row.metadata, json!({"leadId": "lead-456", "organizationId": "org-123"}));
    }

    #[test]
    fn the_control_url_lives_as_long_as_the_call() {
        let mut row = row();
        let monitor = json!({"controlUrl": "https://phone.example/control"});
        take(
            &mut row,
            &json!({"type": "status-update", "status": "in-progress", "call": {"id": "call-1", "monitor": monitor}}),
        );
        assert_eq!(row.control_url.as_deref(), Some("https://phone.example/control"));
        status_of(&mut row, "ended");
        assert_eq!(row.control_url, None);
        take(&mut row, &json!({"type": "hang", "call": {"id": "call-1", "monitor": monitor}}));
        assert_eq!(row.control_url, None);
    }
}
