//! Bodies that are odd and authentic: stored, answered, and never lost.

use crate::harness::{Database, Organization, days_ahead, message};
use serde_json::{Value, json};

use crate::bad_input::{patient_world, still_serves};
use crate::support::{World, on_both_databases, only_result};

on_both_databases![
    verified_oddities_are_stored_and_answered,
    every_kind_is_stored_and_answered,
    times_and_numbers_that_fit_nowhere_cost_the_caller_nothing,
];

/// Bodies of an organization's assistant that no schema describes, each in a call of its own.
pub(crate) fn odd(organization: &Organization) -> Vec<(&'static str, Vec<u8>)> {
    let assistant = organization.assistant.as_str();
    // `kind` is the JSON of the type, `own` further members of the message.
    let text = |name: &str, kind: &str, own: &str| {
        let type_member = if kind.is_empty() { String::new() } else { format!(r#""type":{kind},"#) };
        format!(
            r#"{{"message":{{{type_member}"call":{{"id":"odd-{name}","assistantId":"{assistant}"}}{own}}}}}"#
        )
    };
    let report = |name: &str, own: &str| text(name, r#""end-of-call-report""#, own);
    [
        ("no type", text("no-type", "", "")),
        ("a type of another type", text("type-7", "7", "")),
        ("an empty type", text("type-empty", r#""""#, "")),
        ("a kind from the future", text("future", r#""call.dreamt""#, r#","dream":{"of":["sheep"]}"#)),
        ("a kind with odd characters", text("kind", r#""\u0000\ud800'\"; DROP TABLE x""#, "")),
        ("a lone surrogate", report("surrogate", r#","endedReason":"x","artifact":{"transcript":"so \ud83d so"}"#)),
        ("two lone surrogates in keys", report("keys", r#","\udc00":"\udc00","a\ud800b":{"\ud800":1}"#)),
        ("NUL", report("nul", r#","endedReason":"a\u0000b","artifact":{"transcript":"x\u0000y"},"analysis":{"summary":"\u0000"}"#)),
        ("NUL in a key and in metadata", report("nul-key", r#","a\u0000":1,"metadata":{"k\u0000":"v\u0000"}"#)),
        ("numbers as text", report("numbers", r#","timestamp":"1728393715369","cost":"0.12","durationSeconds":"61.5","artifact":{},"analysis":{}"#)),
        ("texts as numbers", report("texts", r#","endedReason":7,"artifact":{"transcript":42},"analysis":{"successEvaluation":1}"#)),
        ("huge numbers", report("huge", r#","cost":1e999,"timestamp":-1e400,"durationMs":123456789012345678901234567890"#)),
        ("an artifact that is text", report("artifact", r#","artifact":"gone","analysis":[],"costs":{},"startedAt":true"#)),
        ("everything null", report("null", r#","endedReason":null,"artifact":null,"analysis":null,"cost":null,"startedAt":null,"customer":null"#)),
        ("a list instead of a customer", report("customer", r#","customer":[1,2],"phoneNumber":7,"assistant":"me""#)),
        ("keys twice", report("twice", r#","endedReason":"a","endedReason":"b","artifact":{},"artifact":"x""#)),
        ("a status of another type", text("status", r#""status-update""#, r#","status":{"now":"ended"}"#)),
        ("an unknown status", text("status-2", r#""status-update""#, r#","status":"pondering","endedReason":"because""#)),
        ("a status with impossible times", text("times", r#""status-update""#, r#","status":"ended","timestamp":"yesterday","startedAt":"0000-00-00""#)),
        ("turns of another type", text("turns", r#""conversation-update""#, r#","messages":"none","messagesOpenAIFormatted":{}"#)),
        ("a transcript without words", text("words", r#""transcript""#, r#","transcript":null,"role":7"#)),
        ("a call id that no index takes", text(&noise(6_000), r#""hang""#, "")),
        ("a kind that no index takes", text("long-kind", &format!(r#""{}""#, noise(6_000)), "")),
        ("a year far away", report("12000", r#","timestamp":316516032000000,"startedAt":"+012000-01-01T00:00:00.000Z","endedAt":"+012000-01-01T00:01:00.000Z","customer":{"number":"+15552019999"},"artifact":{"transcript":"x"}"#)),
        ("a year before all calendars", report("bc", r#","startedAt":"-005000-01-01T00:00:00.000Z","endedAt":"-004999-01-01T00:00:00.000Z","customer":{"number":"+15552019999"}"#)),
        ("a caller that no index takes", report("sip", &format!(r#","customer":{{"number":"sip:{}@example.org"}}"#, noise(2_700).to_lowercase()))),
        ("the longest transcript", text("long", r#""transcript""#, &format!(r#","transcript":"{}""#, "word ".repeat(400_000)))),
    ]
    .map(|(what, text)| (what, text.into_bytes()))
    .to_vec()
}

/// Text that does not compress: the digits of an arithmetic sequence, scrambled.
fn noise(length: u64) -> String {
    (0..length / 8).map(|n| format!("{:08x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32)).collect()
}

fn verified_oddities_are_stored_and_answered(database: Database) {
    let mut world = patient_world(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let stored =
        || deployment.postgres().map(|postgres| postgres.count("SELECT count(*) FROM webhook_events"));
    for (what, body) in odd(northgate) {
        let before = stored();
        let answer = gateway.send_bytes_with(&northgate.secret, &body);
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
        assert!(answer.json().is_object(), "{what}");
        let effects = gateway.effects(&answer);
        assert!(effects.contains(&"stored".to_owned()), "{what}: {effects:?}");
        assert_eq!(stored(), before.map(|rows| rows + 1), "{what}");
        // A second delivery is the same message.
        let again = gateway.send_bytes_with(&northgate.secret, &body);
        assert_eq!((again.status, again.json()), (200, answer.json()), "{what}");
        assert_eq!(stored(), before.map(|rows| rows + 1), "{what}");
    }
    still_serves(&mut world.gateway, &world.northgate);
}

/// Every kind of the provider whose answer is nothing but an acknowledgement, and what integrators made up.
const EVENTS: [&str; 30] = [
    "status-update",
    "end-of-call-report",
    "speech-update",
    "transcript",
    "transcript[transcriptType=\"final\"]",
    "hang",
    "user-interrupted",
    "model-output",
    "transfer-update",
    "phone-call-control",
    "language-change-detected",
    "language-changed",
    "voice-input",
    "assistant.speechStarted",
    "assistant.started",
    "chat.created",
    "chat.deleted",
    "session.created",
    "session.updated",
    "session.deleted",
    "call.deleted",
    "call.delete.failed",
    "call.artifact.upload",
    "call.started",
    "call.ended",
    "call-start",
    "call-ended",
    "call.transcribed",
    "transcript.update",
    "something.new",
];

fn every_kind_is_stored_and_answered(database: Database) {
    let World { gateway, deployment, northgate, .. } = &patient_world(database);
    for kind in EVENTS {
        let call_id = format!("call-of-{kind}");
        let mut body = message::of_kind(kind, message::call(&call_id, &northgate.assistant), json!({}));
        let nested = gateway.send(northgate, &body);
        assert_eq!((nested.status, nested.json()), (200, json!({})), "{kind}");
        assert!(gateway.effects(&nested).contains(&"stored".to_owned()), "{kind}");
        if let Some(postgres) = deployment.postgres() {
            let kept =
                postgres.value(&format!("SELECT kind FROM webhook_events WHERE vapi_call_id = '{call_id}'"));
            assert_eq!(kept.as_deref(), Some(kind));
        }
        // The same without the wrapper.
        let mut flat: Value = body["message"].take();
        flat["call"]["id"] = json!(format!("flat-{call_id}"));
        let flat = gateway.send(northgate, &flat);
        assert_eq!((flat.status, flat.json()), (200, json!({})), "{kind}");
        let line = gateway.log().of_request(&flat.request_id());
        assert_eq!(line["kind"], *kind, "{line}");
    }
}

/// What a message says beyond every column is its own trouble: the caller's next messages are taken like the first.
fn times_and_numbers_that_fit_nowhere_cost_the_caller_nothing(database: Database) {
    let World { gateway, northgate, .. } = &World::new(database);
    let caller = "+15552017788";
    let report = |call_id: &str, own: Value| {
        let mut call = message::call(call_id, &northgate.assistant);
        call["customer"] = json!({"number": caller});
        message::of_kind("end-of-call-report", call, own)
    };
    let far = "+012000-01-01T00:00:00.000Z";
    let past = "-005000-01-01T00:00:00.000Z";
    let odd = [
        json!({"endedReason": "x", "startedAt": far, "endedAt": far, "artifact": {}, "analysis": {}}),
        json!({"endedReason": "x", "startedAt": past, "endedAt": past, "artifact": {}, "analysis": {}}),
        json!({"endedReason": "x", "timestamp": 316_516_032_000_000_i64, "artifact": {}, "analysis": {}}),
        json!({"endedReason": "x", "timestamp": -316_516_032_000_000_i64, "artifact": {}, "analysis": {}}),
    ];
    for (nth, own) in odd.into_iter().enumerate() {
        assert_eq!(gateway.send(northgate, &report(&format!("odd-{nth}"), own.clone())).status, 200, "{own}");
        let usual =
            json!({"endedReason": "x", "endedAt": "2026-03-01T09:31:00Z", "artifact": {}, "analysis": {}});
        assert_eq!(
            gateway.send(northgate, &report(&format!("usual-{nth}"), usual)).status,
            200,
            "after {own}"
        );
        let started = message::call_started(&format!("inbound-{nth}"), &northgate.assistant);
        assert_eq!(gateway.send(northgate, &started).status, 200, "after {own}");
    }
    // The patient of this booking is that caller.
    let book = message::book("call-booked", &northgate.assistant, "call_1", days_ahead(5), "10:00");
    assert!(!only_result(&gateway.answer(northgate, &book)).is_empty());
}
