//! A message's changes to its call. How they are merged into the row is `storage`'s rule.

use serde_json::{Map, Value};
use storage::{CallUpdate, ReportUpdate};
use tenant::phone;
use vapi_types::message::EndOfCallReport;
use vapi_types::{CallStatus, EndedReason, Head, MessageKind, REDACTED, ServerMessage, TrafficClass, redact};

/// Reads what a message says about its call.
pub(crate) fn call_update(head: &Head<'_>, message: &ServerMessage) -> CallUpdate {
    let call = message.call();
    let number = head.customer_number.as_deref();
    let mut update = CallUpdate {
        at: message.common().and_then(|common| common.timestamp),
        call_type: call.and_then(|call| call.call_type.as_ref()).map(|kind| kind.as_str().to_owned()),
        vapi_assistant_id: call.and_then(|call| call.assistant_id.as_ref()).map(|id| id.as_str().to_owned()),
        phone_number_id: call.and_then(|call| call.phone_number_id.as_ref()).map(|id| id.as_str().to_owned()),
        customer_number: number
            .filter(|_| call.is_some())
            .map(|number| phone::normalise(number, None).unwrap_or_else(|| number.to_owned())),
        metadata: metadata(message),
        started_at: call.and_then(|call| call.started_at),
        // A stored body has no URL any more, only what stands in its place.
        control_url: head.control_url().filter(|url| *url != REDACTED).map(str::to_owned),
        ..CallUpdate::default()
    };
    let reason = |reason: Option<&EndedReason>| reason.map(|reason| reason.as_str().to_owned());
    match message {
        ServerMessage::StatusUpdate(said) => {
            update.status = ranked(&said.status);
            if said.status.is_terminal() {
                update.ended_reason = reason(said.ended_reason.as_ref());
            }
        }
        ServerMessage::EndOfCallReport(told) => {
            update.status = ranked(&CallStatus::Ended);
            update.ended_reason = reason(told.ended_reason());
            update.started_at = told.started_at();
            update.report = Some(Box::new(report(told)));
        }
        ServerMessage::CallStarted(_) => update.status = ranked(&CallStatus::InProgress),
        ServerMessage::CallEnded(over) => {
            update.status = ranked(&CallStatus::Ended);
            update.ended_reason = reason(over.ended_reason.as_ref());
        }
        _ => {}
    }
    update
}

/// A status with its rank, one above its place in a call's life because a row that knows none has rank 0.
fn ranked(status: &CallStatus) -> Option<(i16, String)> {
    status.rank().map(|rank| (i16::from(rank) + 1, status.as_str().to_owned()))
}

fn report(told: &EndOfCallReport) -> ReportUpdate {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    ReportUpdate {
        ended_at: told.ended_at(),
        duration_ms: told.duration().map(|length| length.num_milliseconds()),
        cost: told.cost(),
        transcript: owned(told.transcript()),
        summary: owned(told.summary()),
        structured_data: told.structured_data().filter(|data| !data.is_null()).map(clean),
        success_evaluation: owned(told.success_evaluation()),
        recording_url: owned(told.recording_url()),
        stereo_recording_url: owned(told.stereo_recording_url()),
    }
}

/// The call's metadata; what stands in its assistant's overrides yields to what stands in the call itself.
fn metadata(message: &ServerMessage) -> Map<String, Value> {
    let Some(call) = message.call() else { return Map::new() };
    let overrides = call.assistant_overrides.as_ref().and_then(|overrides| {
        serde_json::from_str::<Map<String, Value>>(overrides.as_str()).ok()?.remove("metadata")
    });
    let mut metadata = Map::new();
    for source in [overrides.as_ref(), call.metadata.as_ref()].into_iter().flatten() {
        if let Value::Object(members) = clean(source) {
            metadata.extend(members);
        }
    }
    metadata
}

/// Metadata and structured data are free objects: provider tokens in them are not for keeping.
fn clean(value: &Value) -> Value {
    serde_json::from_str(&redact(&value.to_string())).unwrap_or_default()
}

/// True for kinds that say something about a call's course. Streams come by the hundred and add nothing.
pub(crate) fn belongs_in_ledger(kind: &MessageKind) -> bool {
    kind.class() != TrafficClass::Stream && !matches!(kind, MessageKind::Unknown(_))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use vapi_types::Envelope;

    use super::*;

    fn told(message: &Value) -> CallUpdate {
        let body = json!({"message": message}).to_string();
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        call_update(envelope.head(), &envelope.message().unwrap())
    }

    #[test]
    fn a_stale_status_inside_the_call_counts_for_nothing() {
        let update = told(&json!({"type": "end-of-call-report", "endedReason": "customer-ended-call",
            "call": {"id": "call-1", "status": "queued"}}));
        assert_eq!(update.status, Some((6, "ended".to_owned())));
        assert_eq!(update.ended_reason.as_deref(), Some("customer-ended-call"));
    }

    #[test]
    fn an_unknown_status_says_nothing() {
        let update =
            told(&json!({"type": "status-update", "status": "something-new", "call": {"id": "call-1"}}));
        assert_eq!(update.status, None);
    }

    #[test]
    fn a_report_tells_what_it_has_and_no_token() {
        let update =
            told(&json!({"type": "end-of-call-report", "cost": "0.75", "timestamp": 1_764_000_000_000_i64,
            "artifact": {"transcript": "Hello."},
            "analysis": {"structuredData": {"lead": true, "apiKey": "sk-1"}}, "call": {"id": "call-1"}}));
        assert_eq!(update.at.map(|at| at.timestamp_millis()), Some(1_764_000_000_000));
        let report = update.report.unwrap();
        assert_eq!(
            (report.cost, report.transcript.as_deref(), report.summary),
            (Some(0.75), Some("Hello."), None)
        );
        let data = report.structured_data.unwrap();
        assert_eq!(data["lead"], true);
        assert!(!data.to_string().contains("sk-1"));
    }

    #[test]
    fn metadata_is_kept_from_both_places() {
        let update = told(&json!({"type": "status-update", "status": "queued", "call": {"id": "call-1",
            "metadata": {"leadId": "lead-456"}, "assistantOverrides": {"metadata": {"organizationId": "org-123"}}}}));
        assert_eq!(
            Value::Object(update.metadata),
            json!({"leadId": "lead-456", "organizationId": "org-123"})
        );
    }

    #[test]
    fn a_redacted_url_is_none() {
        let with = |url: &str| {
            told(&json!({"type": "hang", "call": {"id": "call-1", "monitor": {"controlUrl": url}}}))
                .control_url
        };
        assert_eq!(with("https://phone.example/control").as_deref(), Some("https://phone.example/control"));
        assert_eq!(with(REDACTED), None);
    }

    proptest! {
        /// A stored body says the same as the body that arrived, the URL aside: so a replay changes nothing.
        #[test]
        fn redaction_changes_nothing_that_is_kept(status in "[a-z-]{1,12}", lead in "[ -~]{0,8}", number in "[0-9]{0,12}") {
            let message = json!({"message": {"type": "status-update", "status": status, "timestamp": 5,
                "call": {"id": "c", "metadata": {"leadId": lead, "token": "t"}, "customer": {"number": number}}}});
            let (arrived, stored) = (message.to_string(), redact(&message.to_string()).into_owned());
            let update = |body: &str| {
                let envelope = Envelope::parse(body.as_bytes()).unwrap();
                call_update(envelope.head(), &envelope.message().unwrap())
            };
            prop_assert_eq!(update(&arrived), update(&stored));
        }
    }
}
