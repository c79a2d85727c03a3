//! Identifiers that the head finds, or must not find.

use serde_json::json;
use vapi_types::{CallType, Envelope, EnvelopeError, IdentifierKind};

use crate::support::{expected_identifiers, identifiers};

/// The values of one kind, with their paths.
fn found(body: &str, kind: IdentifierKind) -> Vec<(String, String)> {
    let envelope = Envelope::parse(body.as_bytes()).unwrap();
    let of_kind = envelope.head().identifiers.iter().filter(|found| found.kind == kind);
    of_kind.map(|found| (found.value.to_string(), found.path.clone())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(value, path)| ((*value).to_owned(), (*path).to_owned())).collect()
}

/// A body with something at every path of the design.
fn everything() -> serde_json::Value {
    let number = |of: &str| {
        json!({ "id": format!("{of}-id"), "number": format!("{of}-number"), "sipUri": format!("{of}-sip"),
                "twilioPhoneNumber": format!("{of}-twilio"), "orgId": format!("{of}-account") })
    };
    let part = json!({
        "twilioPhoneNumber": "t", "phoneNumber": number("p"), "phoneNumberId": "pi", "assistantId": "a",
        "session": { "phoneNumberId": "spi", "assistantId": "sa", "orgId": "so", "id": "s" },
        "chat": { "squadId": "cs", "assistantId": "ca", "orgId": "co" },
        "assistant": { "id": "ai", "orgId": "ao" },
        "contact": { "orgId": "cto" },
        "call": { "squadId": "ls", "id": "l", "phoneNumber": number("lp"), "phoneNumberId": "lpi",
                  "assistantId": "la", "orgId": "lo" },
    });
    let mut body = part.clone();
    body["message"] = part;
    body
}

#[test]
fn every_path_is_found_in_order() {
    let body = everything();
    let text = body.to_string();
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    let expected = expected_identifiers(&body);
    // 22 paths; the two where the number is a bare string exclude those where it is an object.
    assert_eq!(expected.len(), 2 * 20);
    assert_eq!(identifiers(envelope.head()), expected);

    let accounts: Vec<_> =
        envelope.head().account_ids.iter().map(|found| (&*found.value, &*found.path)).collect();
    let expected = ["lo", "co", "so", "cto", "p-account", "ao"].into_iter().zip([
        "call.orgId",
        "chat.orgId",
        "session.orgId",
        "contact.orgId",
        "phoneNumber.orgId",
        "assistant.orgId",
    ]);
    let nested = expected.clone().map(|(value, path)| (value, format!("message.{path}")));
    let flat = expected.map(|(value, path)| (value, path.to_owned()));
    let expected: Vec<_> = nested.chain(flat).collect();
    assert_eq!(accounts, expected.iter().map(|(value, path)| (*value, path.as_str())).collect::<Vec<_>>());
}

#[test]
fn bare_numbers_are_found() {
    let body = r#"{"phoneNumber":"+15552010100","call":{"phoneNumber":15552010101}}"#;
    assert_eq!(
        found(body, IdentifierKind::PhoneNumber),
        pairs(&[("+15552010100", "phoneNumber"), ("15552010101", "call.phoneNumber")])
    );
}

#[test]
fn every_occurrence_of_a_repeated_key_is_found() {
    let body = r#"{"message":{"assistantId":"a1","assistantId":"a2","call":{"assistantId":"a3"},
        "call":{"assistantId":"a4","assistantId":"a5"}},"message":{"assistantId":"a6"},"assistantId":"a7"}"#;
    assert_eq!(
        found(body, IdentifierKind::AssistantId),
        pairs(&[
            ("a1", "message.assistantId"),
            ("a2", "message.assistantId"),
            ("a6", "message.assistantId"),
            ("a3", "message.call.assistantId"),
            ("a4", "message.call.assistantId"),
            ("a5", "message.call.assistantId"),
            ("a7", "assistantId"),
        ])
    );
    // Also when the last `message` is none.
    let body = r#"{"message":{"assistantId":"a1"},"message":null,"assistantId":"a2"}"#;
    assert_eq!(found(body, IdentifierKind::AssistantId).len(), 2);
}

#[test]
fn escaped_keys_are_the_same_keys() {
    let body = r#"{"m\u0065ssage":{"\u0061ssistantId":"a\u0031"}}"#;
    assert_eq!(found(body, IdentifierKind::AssistantId), pairs(&[("a1", "message.assistantId")]));
}

#[test]
fn odd_values_are_none() {
    for value in ["null", "\"\"", "\"  \\t\"", "true", "[\"a\"]", "{\"id\":\"a\"}"] {
        let body = format!("{{\"assistantId\":{value},\"call\":{{\"id\":{value}}}}}");
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.head().identifiers, [], "{value}");
    }
    assert_eq!(
        found(
            r#"{"assistantId":12345678901234567890123,"call":{"assistantId":1e999}}"#,
            IdentifierKind::AssistantId
        ),
        pairs(&[("12345678901234567890123", "assistantId"), ("1e999", "call.assistantId")])
    );
}

#[test]
fn other_places_are_not_searched() {
    let body = json!({ "message": {
        "type": "tool-calls",
        "call.assistantId": "dotted", "call": { "phoneNumber.id": "dotted", "customer": { "id": "x", "assistantId": "x" },
            "assistantOverrides": { "variableValues": { "assistantId": "x", "metadata": { "org_id": "x" } } },
            "destination": { "number": "x" } },
        "customer": { "number": "+15552010142", "phoneNumberId": "x" },
        "toolCallList": [{ "id": "t", "function": { "arguments": { "assistantId": "x", "metadata": { "org_id": "x" } } } }],
        "artifact": { "assistantActivations": [{ "assistantId": "x" }], "variableValues": { "phoneNumber": "x" } },
        "destination": { "type": "number", "number": "x" },
        "messages": [{ "assistantId": "x" }],
        "message": { "assistantId": "x" },
        "org_id": "x", "orgId": "x",
    }});
    let text = body.to_string();
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    assert_eq!(envelope.head().identifiers, []);
    assert_eq!(envelope.head().metadata, []);
    assert_eq!(envelope.head().account_ids, []);
}

#[test]
fn metadata_is_found_in_order() {
    let metadata = |tag: &str| json!({ "assistantId": format!("{tag}-a"), "org_id": tag, "other": "x", "tenantId": null });
    let part = |tag: &str| {
        json!({
            "customer": { "assistantOverrides": { "metadata": metadata(&format!("{tag}8")) }, "metadata": metadata(&format!("{tag}3")) },
            "call": {
                "customer": { "metadata": metadata(&format!("{tag}7")) },
                "assistantOverrides": { "metadata": metadata(&format!("{tag}6")) },
                "assistant": { "metadata": metadata(&format!("{tag}5")) },
                "metadata": metadata(&format!("{tag}2")),
            },
            "assistant": { "metadata": metadata(&format!("{tag}4")) },
            "metadata": metadata(&format!("{tag}1")),
        })
    };
    let mut body = part("r");
    body["message"] = part("m");
    let text = body.to_string();
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    let places = [
        "metadata",
        "call.metadata",
        "customer.metadata",
        "assistant.metadata",
        "call.assistant.metadata",
        "call.assistantOverrides.metadata",
        "call.customer.metadata",
        "customer.assistantOverrides.metadata",
    ];
    let mut expected = Vec::new();
    for (prefix, tag) in [("message.", "m"), ("", "r")] {
        for (at, place) in (1..).zip(places) {
            expected.push((format!("{prefix}{place}.org_id"), "org_id", format!("{tag}{at}")));
            expected.push((format!("{prefix}{place}.assistantId"), "assistantId", format!("{tag}{at}-a")));
        }
    }
    let found: Vec<_> = envelope
        .head()
        .metadata
        .iter()
        .map(|found| (found.path.clone(), found.key, found.value.to_string()))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn repeated_metadata_is_found_each_time() {
    let body = r#"{"call":{"metadata":{"org_id":"a","org_id":"b"},"metadata":{"org_id":7}}}"#;
    let envelope = Envelope::parse(body.as_bytes()).unwrap();
    let values: Vec<_> = envelope.head().metadata.iter().map(|found| &*found.value).collect();
    assert_eq!(values, ["a", "b", "7"]);
}

#[test]
fn the_rest_of_the_head() {
    let body = json!({ "message": {
        "type": "tool-calls", "status": "x", "timestamp": "1728393715369",
        "toolCallList": [], "toolWithToolCallList": [{ "id": "definition", "toolCall": { "id": "t-1" } }, 7, {}],
        "toolCalls": [{ "id": "t-2" }],
        "session": { "id": "s-1", "updatedAt": "2025-11-03T15:04:06Z" },
        "call": { "id": "c-1", "type": "webCall", "createdAt": "2025-11-03T16:04:05+01:00", "status": "queued",
                  "customer": { "number": "+1" }, "monitor": { "controlUrl": "https://example.com/c" } },
    }});
    let text = body.to_string();
    let envelope = Envelope::parse(text.as_bytes()).unwrap();
    let head = envelope.head();
    let call = head.call.as_ref().unwrap();
    assert_eq!(head.call_id(), Some("c-1"));
    assert_eq!(call.call_type, Some(CallType::Web));
    assert_eq!(call.created_at.unwrap().to_rfc3339(), "2025-11-03T15:04:05+00:00");
    assert_eq!(call.status.as_deref(), Some("queued"));
    assert_eq!(head.control_url(), Some("https://example.com/c"));
    assert_eq!(head.customer_number.as_deref(), Some("+1"));
    assert_eq!(head.status.as_deref(), Some("x"));
    assert_eq!(head.timestamp.unwrap().timestamp_millis(), 1_728_393_715_369);
    assert_eq!(head.subject_id.as_deref(), Some("s-1"));
    assert_eq!(head.subject_updated_at.as_deref(), Some("2025-11-03T15:04:06Z"));
    assert_eq!(head.tool_call_ids, ["t-1"]);
}

#[test]
fn of_very_many_tool_calls_the_first_ids_are_kept() {
    let plain = format!("{{\"id\":\"a\"}}{}", ",{\"id\":\"b\"}".repeat(700_000));
    // Repeated keys of one entry count as ids, as those of many entries do.
    let repeated = format!("{{\"id\":\"a\"{}}}", ",\"id\":\"b\"".repeat(700_000));
    for (list, entries) in [
        ("toolCallList", plain.clone()),
        ("toolCalls", repeated.clone()),
        ("toolWithToolCallList", format!("{{\"toolCall\":{repeated}}}")),
    ] {
        let body = format!("{{\"message\":{{\"type\":\"tool-calls\",\"{list}\":[{entries}]}}}}");
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let ids = &envelope.head().tool_call_ids;
        assert_eq!((ids.len(), ids[0].as_ref()), (vapi_types::MAX_TOOL_CALLS, "a"), "{list}");
    }
    // After verification calls are counted by their ids, wherever these stand.
    let body = format!("{{\"toolCallList\":[{plain},{{\"id\":\"c\",\"name\":\"last\"}}]}}");
    let calls = Envelope::parse(body.as_bytes()).unwrap().tool_calls();
    assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn the_callers_number_is_the_messages_own() {
    for (body, expected) in [
        (
            r#"{"message":{"customer":{"number":"m"},"call":{"customer":{"number":"mc"}}},"customer":{"number":"r"}}"#,
            "m",
        ),
        (r#"{"message":{"call":{"customer":{"number":"mc"}}},"customer":{"number":"r"}}"#, "mc"),
        (r#"{"message":{},"customer":{"number":"r"},"call":{"customer":{"number":"rc"}}}"#, "r"),
        (r#"{"message":{},"call":{"customer":{"number":"rc"}}}"#, "rc"),
    ] {
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        assert_eq!(envelope.head().customer_number.as_deref(), Some(expected), "{body}");
    }
}

#[test]
fn identifiers_without_end_are_refused() {
    let body = |count| format!("{{{}\"type\":\"hang\"}}", "\"assistantId\":\"a\",".repeat(count));
    assert_eq!(Envelope::parse(body(512).as_bytes()).unwrap().head().identifiers.len(), 512);
    assert_eq!(Envelope::parse(body(513).as_bytes()).unwrap_err(), EnvelopeError::TooManyIdentifiers);
}
