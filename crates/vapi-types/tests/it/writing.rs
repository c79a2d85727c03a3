//! Messages are written as they were read, and a changed field as it is now.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::{Value, json};
use vapi_types::message::{Call, Hang, PhoneNumber, StatusUpdate, Turns};
use vapi_types::{CallStatus, Envelope, MessageKind, ServerMessage, sanitise};

use crate::fixtures::{fixtures, inner};
use crate::support::message;

/// The members that count in a message also where they stand beside it.
const COMMON: [&str; 8] =
    ["timestamp", "call", "chat", "assistant", "assistantVersion", "phoneNumber", "customer", "artifact"];

/// Values of every type, and those that some field reads as another type or form.
fn odd_values() -> Vec<Value> {
    let values = r#"[
        null, true, 0, -0, -0.0, 7, 7.5, 1728393715, 1728393715369, -9007199254740993, 18446744073709551615,
        0.30000000000000004, 1e300, [], [[]], [7, {}], {}, {"x": {"y": [1]}, "id": 7, "number": null},
        [null, {"role": "user", "time": "9", "surprise": null}], "", "brand-new", "7", "7.50", "true", "call-ended",
        "2025-11-03T15:04:06+01:00", "2025-11-03T15:04:06.123456", "2025-11-03T15:04:06.123Z", "1728393715369",
        "a\"\\\n\ud83d\ude00", "+15552010142"
    ]"#;
    serde_json::from_str(values).unwrap()
}

/// The message object of a body, with what is read from beside it.
fn effective(body: &Value) -> Value {
    let mut body = body.clone();
    let mut expected = inner(&mut body).clone();
    for (key, value) in body.as_object().unwrap() {
        if COMMON.contains(&key.as_str()) && !expected.contains_key(key) {
            expected.insert(key.clone(), value.clone());
        }
    }
    Value::Object(expected)
}

/// The pointers to every value inside a value.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(nth, value)| (nth.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in members {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        pointers(value, &pointer, found);
        found.push(pointer);
    }
}

/// The message that a text is, unless it lacks what its kind needs.
fn read(text: &str) -> Option<ServerMessage> {
    Envelope::parse(text.as_bytes()).unwrap().message().ok()
}

#[test]
fn every_fixture_is_written_as_it_was_read() {
    for (_, file, body) in fixtures() {
        let (read, expected) = (message(&body), effective(&body));
        assert_eq!(json!(read), expected, "{file}");
        let text = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected, "{file}");
        assert_eq!(
            serde_json::from_str::<ServerMessage>(&text).unwrap(),
            message(&json!({ "message": expected })),
            "{file}"
        );
    }
}

#[test]
fn so_is_a_fixture_with_anything_anywhere() {
    let mut tried = BTreeSet::new();
    for (kind, file, mut body) in fixtures() {
        let body = json!({ "message": inner(&mut body) });
        let mut places = Vec::new();
        pointers(&body["message"], "/message", &mut places);
        // Members that every kind may have are tried once.
        let is_common = |place: &str| COMMON.iter().any(|name| place.split('/').nth(2) == Some(name));
        places.retain(|place| {
            let kind = if is_common(place) { "" } else { kind.as_str() };
            tried.insert(format!("{kind}{place}"))
        });
        for place in places {
            for odd in odd_values() {
                let mut body = body.clone();
                *body.pointer_mut(&place).unwrap() = odd.clone();
                if let Some(members) =
                    body.pointer_mut(&place[..place.rfind('/').unwrap()]).unwrap().as_object_mut()
                {
                    members.insert("surprise".to_owned(), odd.clone());
                }
                // Not the tree that was built: its text is what anybody can read.
                let text = body.to_string();
                let expected: Value = serde_json::from_str(&text).unwrap();
                let Some(read) = read(&text) else { continue };
                assert_eq!(json!(read), expected["message"], "{file}: {place} = {odd}");
            }
        }
    }
    assert!(tried.len() > 400, "only {}", tried.len());
}

/// A message object of any kind, made of the members and values of all fixtures; keys may be repeated.
fn mixed() -> impl Strategy<Value = String> {
    let (mut keys, mut values) = (BTreeSet::new(), odd_values());
    for (_, _, mut body) in fixtures() {
        let message = Value::Object(inner(&mut body).clone());
        let mut places = Vec::new();
        pointers(&message, "", &mut places);
        keys.extend(places.iter().filter_map(|place| place.rsplit('/').next()).map(str::to_owned));
        values.extend(places.iter().map(|place| message.pointer(place).unwrap().clone()));
    }
    let keys: Vec<String> = keys.into_iter().collect();
    let texts: Vec<String> = values.iter().map(Value::to_string).collect();
    let members = (proptest::sample::select(keys), proptest::sample::select(texts))
        .prop_map(|(key, value)| format!(",{}:{value}", json!(key)));
    let kind = proptest::sample::select(MessageKind::ALL).prop_map(|kind| json!(kind));
    let member = prop_oneof![members.clone(), members.prop_map(|member| format!("{member}{member}"))];
    (kind, proptest::collection::vec(member, 0..40))
        .prop_map(|(kind, members)| format!("{{\"type\":{kind}{}}}", members.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn so_is_whatever_members_it_has(text in mixed()) {
        if let Some(read) = read(&format!("{{\"message\":{text}}}")) {
            let expected: Value = serde_json::from_str(&sanitise(&text)).unwrap();
            prop_assert_eq!(&json!(read), &expected);
            let again: ServerMessage = serde_json::from_value(expected).unwrap();
            prop_assert_eq!(json!(again), json!(read));
        }
    }
}

#[test]
fn a_changed_field_is_written_as_it_is_now() {
    let sent = json!({ "type": "status-update", "status": 7, "timestamp": "1728393715", "summary": null,
                       "endedReason": { "not": "text" }, "phoneNumber": "+15552010142", "call": { "cost": "0.50" } });
    let ServerMessage::StatusUpdate(mut update) = message(&json!({ "message": sent })) else {
        panic!("another kind")
    };
    assert_eq!(json!(update), sent);

    update.status = CallStatus::Ended;
    update.summary = Some("Short.".to_owned());
    update.ended_reason = Some("voicemail".parse().unwrap());
    update.common.timestamp = DateTime::<Utc>::from_timestamp_millis(1_728_393_715_369);
    update.common.phone_number.as_mut().unwrap().name = Some("Front desk".to_owned());
    update.common.call.as_mut().unwrap().cost = None;
    let expected = json!({
        "type": "status-update", "status": "ended", "timestamp": 1_728_393_715_369_u64, "summary": "Short.",
        "endedReason": "voicemail", "phoneNumber": { "number": "+15552010142", "name": "Front desk" }, "call": {},
    });
    assert_eq!(json!(update), expected);
    // Each name is there once, also in the text.
    assert_eq!(serde_json::to_string(&update).unwrap().matches("endedReason").count(), 1);
}

#[test]
fn a_made_message_is_written_as_the_provider_writes_it() {
    let at = "2025-11-03T15:04:06Z".parse::<DateTime<Utc>>().unwrap();
    let mut call = Call::new("call-1", "account-1", at, at);
    call.cost = Some(2.0);
    call.extra.insert("transport".to_owned(), json!({ "provider": "daily" }));
    let mut update = StatusUpdate::new(CallStatus::parse("levitating"));
    update.common.timestamp = Some(at);
    update.common.call = Some(Box::new(call));
    update.messages_openai = Some(Turns::from_iter([]));
    let written = json!(ServerMessage::StatusUpdate(Box::new(update.clone())));
    assert_eq!(
        written,
        json!({
            "type": "status-update", "status": "levitating", "timestamp": 1_762_182_246_000_u64,
            "messagesOpenAIFormatted": [],
            "call": {
                "id": "call-1", "orgId": "account-1", "createdAt": "2025-11-03T15:04:06.000Z",
                "updatedAt": "2025-11-03T15:04:06.000Z", "cost": 2, "transport": { "provider": "daily" },
            },
        })
    );
    assert_eq!(message(&json!({ "message": written })), ServerMessage::StatusUpdate(Box::new(update)));
    assert_eq!(json!(Hang::new()), json!({ "type": "hang" }));
}

#[test]
fn payloads_are_read_alone_too() {
    let update: StatusUpdate = serde_json::from_value(json!({ "status": "ended", "x": null })).unwrap();
    assert_eq!((&update.status, update.common.kind.as_ref()), (&CallStatus::Ended, None));
    assert_eq!(json!(update), json!({ "status": "ended", "x": null }));
    let number: PhoneNumber = serde_json::from_str("\"+15552010142\"").unwrap();
    assert_eq!(number.dialled(), Some("+15552010142"));

    let refused = |error: serde_json::Error| error.to_string();
    let of_kind = |body: Value| serde_json::from_value::<ServerMessage>(body).map_err(refused);
    let lacks_status = of_kind(json!({ "type": "status-update" })).unwrap_err();
    assert_eq!(lacks_status, "a status-update message has nothing usable at message.status");
    let alone = serde_json::from_value::<StatusUpdate>(json!({})).map_err(refused).unwrap_err();
    assert_eq!(alone, "there is nothing usable at status");
    assert!(serde_json::from_value::<Hang>(json!([])).is_err());
    assert!(serde_json::from_value::<Call>(json!("call-1")).is_err());
    assert!(matches!(of_kind(json!({ "message": { "type": "hang" } })), Ok(ServerMessage::Unknown { .. })));
}
