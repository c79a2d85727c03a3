//! Every fixture is a message of its kind, also with something new in it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use vapi_types::{Envelope, EnvelopeShape, MessageKind};

use crate::support::{expected_identifiers, identifiers, message};

/// The kind that the folder is named after, the file's name, and the body.
pub(crate) fn fixtures() -> Vec<(MessageKind, String, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads");
    let mut found = Vec::new();
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let kind = MessageKind::parse(folder.file_name().unwrap().to_str().unwrap());
            let body = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            found.push((kind, file.display().to_string(), body));
        }
    }
    found
}

fn is_unknown(kind: &MessageKind) -> bool {
    matches!(kind, MessageKind::Unknown(_))
}

/// The message object of a body.
pub(crate) fn inner(body: &mut Value) -> &mut serde_json::Map<String, Value> {
    let nested = body.get("message").is_some_and(Value::is_object);
    if nested { body["message"].as_object_mut().unwrap() } else { body.as_object_mut().unwrap() }
}

#[test]
fn every_kind_has_one() {
    let fixtures = fixtures();
    for kind in MessageKind::ALL {
        assert!(fixtures.iter().any(|(found, ..)| found == kind), "no fixture of {kind}");
    }
    assert!(fixtures.iter().any(|(kind, ..)| is_unknown(kind)));
}

#[test]
fn each_parses_as_its_kind_and_gives_its_identifiers() {
    for (kind, file, mut body) in fixtures() {
        let text = body.to_string();
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        assert_eq!(envelope.body(), text.as_bytes());
        assert_eq!(identifiers(envelope.head()), expected_identifiers(&body), "{file}");
        assert_eq!(envelope.head().shape == EnvelopeShape::Nested, body.get("message").is_some(), "{file}");
        if is_unknown(&kind) {
            assert!(is_unknown(envelope.kind()), "{file}");
            assert_eq!(message(&body).extra(), Some(&*inner(&mut body)), "{file}");
        } else {
            assert_eq!(envelope.kind(), &kind, "{file}");
            assert_eq!(message(&body).kind(), kind, "{file}");
            assert_eq!(message(&body).extra().unwrap().len(), 0, "{file}: a member has no field");
        }
    }
}

#[test]
fn each_parses_without_its_envelope_too() {
    for (kind, file, mut body) in fixtures().into_iter().filter(|(kind, ..)| !is_unknown(kind)) {
        let flat = Value::Object(inner(&mut body).clone());
        let text = flat.to_string();
        let envelope = Envelope::parse(text.as_bytes()).unwrap();
        assert_eq!((envelope.kind(), envelope.head().shape), (&kind, EnvelopeShape::Flat), "{file}");
        assert_eq!(message(&flat).kind(), kind, "{file}");
        assert_eq!(identifiers(envelope.head()), expected_identifiers(&flat), "{file}");
    }
}

#[test]
fn a_new_member_is_kept() {
    for (kind, file, mut body) in fixtures() {
        let surprise = json!({ "deep": [1, { "type": "status-update", "assistantId": "nobody" }] });
        inner(&mut body).insert("surprise".to_owned(), surprise.clone());
        let message = message(&body);
        assert!(message.kind() == kind || is_unknown(&kind), "{file}");
        assert_eq!(message.extra().unwrap().get("surprise"), Some(&surprise), "{file}");
    }
}

#[test]
fn a_new_enum_value_is_read() {
    let mut tried = 0;
    for (kind, file, body) in fixtures() {
        for place in [
            "/status",
            "/endedReason",
            "/role",
            "/transcriptType",
            "/request",
            "/source",
            "/call/status",
            "/call/type",
            "/call/endedReason",
            "/messages/0/role",
            "/artifacts/0/type",
        ] {
            let mut body = body.clone();
            let mut message_object = Value::Object(inner(&mut body).clone());
            let Some(slot) = message_object.pointer_mut(place) else { continue };
            *slot = json!("brand-new");
            *inner(&mut body) = message_object.as_object().unwrap().clone();
            let read = message(&body);
            assert!(read.kind() == kind || is_unknown(&kind), "{file}");
            // It fits its field: it did not fall through to the members without one.
            assert!(is_unknown(&kind) || read.extra().unwrap().is_empty(), "{file}: {place}");
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried}");
}

#[test]
fn null_and_wrong_types_do_not_lose_the_message() {
    let needed = ["type", "status", "toolCallList", "toolWithToolCallList", "toolCalls", "functionCall"];
    for (kind, file, body) in fixtures().into_iter().filter(|(kind, ..)| !is_unknown(kind)) {
        let members: Vec<String> = inner(&mut body.clone()).keys().cloned().collect();
        for member in members.iter().filter(|member| !needed.contains(&member.as_str())) {
            for odd in [json!(null), json!([[]]), json!({ "x": 1 }), json!(7), json!("seven"), json!(true)] {
                let mut body = body.clone();
                inner(&mut body).insert(member.clone(), odd.clone());
                assert_eq!(message(&body).kind(), kind, "{file}: {member} = {odd}");
            }
        }
    }
}
