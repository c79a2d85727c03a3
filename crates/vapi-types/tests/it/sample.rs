//! Sample messages are what the provider sends.

#![cfg(feature = "sample")]

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use vapi_types::message::{Call, Hang};
use vapi_types::sample::{self, PhoneCall};
use vapi_types::{CallStatus, Envelope, EnvelopeShape, MessageKind, ServerMessage};

use crate::openapi::Description;
use crate::support::message;

/// A call that lacks nothing, and one message of every kind that there are samples of.
fn samples() -> Vec<(MessageKind, Value)> {
    let at: DateTime<Utc> = "2025-11-03T15:04:05.123Z".parse().unwrap();
    let mut call = PhoneCall::from(Call::new("call-1", "account-1", at, at));
    call.call.assistant_id = Some("assistant-1".into());
    call.common.timestamp = Some(at);
    call.common.customer = Some(sample::customer(sample::CALLER));
    let mut booking = sample::booking(at.date_naive(), "14:30", sample::CALLER_NAME, sample::CALLER);
    booking.insert("duration".to_owned(), json!(30));
    let entries = [sample::tool_call("call_1", "bookAppointment", booking)];
    vec![
        (MessageKind::AssistantRequest, call.assistant_request()),
        (MessageKind::StatusUpdate, call.status_update(CallStatus::InProgress)),
        (MessageKind::ToolCalls, call.tool_calls(&entries)),
        (MessageKind::Hang, call.message(Hang::new(), |message| &mut message.common)),
        (
            MessageKind::EndOfCallReport,
            call.end_of_call_report(sample::report(at, at, "AI: Hello.", "Short.")),
        ),
    ]
}

#[test]
fn each_is_read_as_its_kind_and_of_its_call() {
    for (kind, body) in samples() {
        let read = message(&body);
        assert_eq!(read.kind(), kind);
        assert_eq!(json!({ "message": read }), body);
        assert_eq!(read.extra().unwrap().len(), 0, "{body}");
        let of = read.call().unwrap();
        assert_eq!(of.id.as_ref().unwrap().as_str(), "call-1");
        assert_eq!(of.assistant_id.is_none(), kind == MessageKind::AssistantRequest);
        assert_eq!(body["message"]["timestamp"], 1_762_182_245_123_u64);
        assert_eq!(body["message"]["customer"], json!({ "number": "+15552010142" }));
    }
}

#[test]
fn each_fits_its_described_schema() {
    let Some(description) = Description::load() else { return };
    for (kind, body) in samples() {
        // Arguments are described as text, and sent as an object.
        let mut message = body["message"].clone();
        for place in
            ["/toolCallList/0/function/arguments", "/toolWithToolCallList/0/toolCall/function/arguments"]
        {
            if let Some(arguments) = message.pointer_mut(place) {
                *arguments = json!(arguments.to_string());
            }
        }
        assert_eq!(description.message_faults(&message), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn a_relays_message_has_no_envelope() {
    let body = PhoneCall::inbound("call-1", "assistant-1").started();
    let call = json!({ "id": "call-1", "assistantId": "assistant-1" });
    assert_eq!(body, json!({ "type": "call.started", "call": call }));
    let text = body.to_string();
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    assert_eq!((envelope.kind(), envelope.head().shape), (&MessageKind::CallStarted, EnvelopeShape::Flat));
}

#[test]
fn what_is_booked_and_reported_can_be_read() {
    let samples = samples();
    let calls = message(&samples[2].1).tool_calls();
    let [booking] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!((booking.id.as_str(), booking.name.as_str()), ("call_1", "bookAppointment"));
    assert_eq!(
        json!(booking.arguments),
        json!({ "appointmentDate": "2025-11-03", "appointmentTime": "14:30", "patientName": "Ada Lovelace",
                "patientPhone": "+15552010142", "duration": 30 })
    );
    let ServerMessage::EndOfCallReport(report) = message(&samples[4].1) else { panic!("another kind") };
    assert_eq!((report.transcript(), report.summary()), (Some("AI: Hello."), Some("Short.")));
}
