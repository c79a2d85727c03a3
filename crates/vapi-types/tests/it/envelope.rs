//! Which bodies are messages, and which bodies of a known kind are not usable.

use serde_json::json;
use vapi_types::{Envelope, EnvelopeError, MessageKind, ServerMessage};

use crate::support::message;

fn error(body: &[u8]) -> Option<EnvelopeError> {
    Envelope::parse(body).err()
}

#[test]
fn only_objects_are_messages() {
    for body in ["[]", "null", "\"text\"", "1", "true", " [ {\"type\":\"hang\"} ] "] {
        assert_eq!(error(body.as_bytes()), Some(EnvelopeError::NotAnObject), "{body}");
    }
    for body in ["", "  ", "{", "{}x", "{} {}", "{\"a\":}", "{'a':1}", "nul", "{\"a\":\"\n\"}", "\u{feff}{}"]
    {
        assert_eq!(error(body.as_bytes()), Some(EnvelopeError::NotJson), "{body}");
    }
    assert_eq!(error(b"{\"a\":\"\xff\"}"), Some(EnvelopeError::NotJson));
    assert_eq!(error(b"{\"a\":\"\xed\xa0\x80\"}"), Some(EnvelopeError::NotJson));
    assert_eq!(error(b" \r\n\t{ } "), None);
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert_eq!(error(nested(128).as_bytes()), None);
    for depth in [129, 200, 5_000, 1_000_000] {
        assert_eq!(error(nested(depth).as_bytes()), Some(EnvelopeError::TooDeep), "{depth}");
    }
    // Brackets inside of strings do not nest.
    assert_eq!(error(format!("{{\"a\":\"{}\\\"[[\"}}", "[{".repeat(5_000)).as_bytes()), None);
}

#[test]
fn the_deepest_body_is_still_parsed() {
    for kind in ["hang", "from-the-future"] {
        let deep = format!("{}1{}", "{\"x\":".repeat(127), "}".repeat(127));
        let body = format!("{{\"type\":\"{kind}\",\"deep\":{deep}}}");
        let message = Envelope::parse(body.as_bytes()).unwrap().message().unwrap();
        assert!(message.extra().unwrap().get("deep").unwrap().is_object(), "{kind}");
    }
}

#[test]
fn what_cannot_be_stored_is_replaced_and_nothing_else() {
    let body = r#"{"message":{"type":"transcript","role":"user","transcript":"a\ud800b\u0000c",
        "call":{"id":"x\udfff"},"cost":1e999,"note":"\ud83d\ude00"}}"#;
    let envelope = Envelope::parse(body.as_bytes()).unwrap();
    assert_eq!(envelope.head().call_id(), Some("x\u{fffd}"));
    let ServerMessage::Transcript(transcript) = envelope.message().unwrap() else { panic!("another kind") };
    assert_eq!(transcript.transcript.as_deref(), Some("a\u{fffd}b\u{fffd}c"));
    assert_eq!(transcript.extra.get("cost"), Some(&json!("1e999")));
    assert_eq!(transcript.extra.get("note"), Some(&json!("\u{1f600}")));
    assert_eq!(envelope.body(), body.as_bytes());
    assert!(serde_json::from_str::<serde_json::Value>(&envelope.text()).is_ok());
}

#[test]
fn a_missing_or_odd_type_is_an_unknown_kind() {
    for body in ["{}", r#"{"type":7}"#, r#"{"type":null}"#, r#"{"type":""}"#, r#"{"message":{"type":{}}}"#] {
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.kind(), &MessageKind::Unknown("".into()), "{body}");
        assert!(matches!(envelope.message(), Ok(ServerMessage::Unknown { .. })), "{body}");
    }
}

#[test]
fn lists_of_tool_calls_are_a_type() {
    for list in ["toolCallList", "toolWithToolCallList", "toolCalls"] {
        for body in [json!({ "message": { list: [] } }), json!({ list: [] })] {
            assert_eq!(message(&body).kind(), MessageKind::ToolCalls, "{body}");
        }
    }
    // A type says more than a list.
    assert_eq!(message(&json!({ "type": "hang", "toolCalls": [] })).kind(), MessageKind::Hang);
}

#[test]
fn a_message_that_is_no_object_is_no_envelope() {
    let body = json!({ "message": "Hello", "type": "call.started", "call": { "id": "c-1" } });
    let read = message(&body);
    assert_eq!(read.kind(), MessageKind::CallStarted);
    assert_eq!(read.call().unwrap().id.as_ref().unwrap().as_str(), "c-1");
}

#[test]
fn what_stands_beside_the_message_belongs_to_it() {
    let body = json!({
        "call": { "id": "outer" }, "customer": { "number": "+15552010142" }, "type": "hang",
        "message": { "type": "status-update", "status": "ended", "call": { "id": "inner" } },
    });
    let ServerMessage::StatusUpdate(update) = message(&body) else { panic!("another kind") };
    assert_eq!(update.common.call.unwrap().id.unwrap().as_str(), "inner");
    assert_eq!(update.common.customer.unwrap().number.as_deref(), Some("+15552010142"));
}

#[test]
fn of_repeated_keys_the_last_counts() {
    let body = br#"{"message":{"type":"hang"},"message":{"type":"status-update","status":"queued","status":"ended"}}"#;
    let ServerMessage::StatusUpdate(update) = Envelope::parse(body).unwrap().message().unwrap() else {
        panic!("another kind")
    };
    assert_eq!(update.status.as_str(), "ended");
    let replaced = br#"{"message":{"type":"hang"},"message":1,"type":"voice-input","input":"Hi"}"#;
    assert_eq!(Envelope::parse(replaced).unwrap().message().unwrap().kind(), MessageKind::VoiceInput);
}

#[test]
fn drift_names_kind_and_path() {
    for (body, expected) in [
        (json!({ "message": { "type": "status-update" } }), ("status-update", "message.status")),
        (json!({ "type": "status-update", "status": [1] }), ("status-update", "status")),
        (json!({ "message": { "type": "tool-calls", "calls": [] } }), ("tool-calls", "message.toolCallList")),
        (json!({ "message": { "type": "function-call" } }), ("function-call", "message.functionCall")),
    ] {
        let text = body.to_string();
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        let drifted = envelope.message().unwrap_err();
        assert_eq!((drifted.kind.as_str(), drifted.path.as_str()), expected);
        assert_eq!(envelope.body(), text.as_bytes());
    }
}

#[test]
fn open_enums_write_back_what_they_read() {
    let ServerMessage::StatusUpdate(update) =
        message(&json!({ "type": "status-update", "status": "levitating", "endedReason": "hangup" }))
    else {
        panic!("another kind")
    };
    assert_eq!((update.status.as_str(), update.ended_reason.unwrap().as_str()), ("levitating", "hangup"));
    let envelope = Envelope::parse(br#"{"type":"call-start"}"#).unwrap();
    assert_eq!((envelope.kind(), &*envelope.head().type_text), (&MessageKind::CallStarted, "call-start"));
}
