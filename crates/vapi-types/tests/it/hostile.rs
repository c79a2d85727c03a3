//! Input that wants to do harm: any bytes, any tree, any size.

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use vapi_types::{Envelope, EnvelopeError, redact, sanitise, tool_calls_from};

use crate::support::{expected_identifiers, identifiers};

/// Keys that mean something, so that trees reach the interesting places.
const KEYS: &[&str] = &[
    "message",
    "type",
    "call",
    "assistantId",
    "assistant",
    "id",
    "phoneNumber",
    "number",
    "metadata",
    "org_id",
    "customer",
    "toolCallList",
    "toolCall",
    "function",
    "functionCall",
    "arguments",
    "parameters",
    "status",
    "token",
    "headers",
    "credentials",
    "artifact",
    "messages",
    "timestamp",
    "x",
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "tool-calls",
    "status-update",
    "end-of-call-report",
    "transcript",
    "assistant-request",
    "a\"\\\n",
    "é\u{0}",
    "1728393715369",
    "2025-11-03T15:04:06Z",
    "{\"a\":",
    "\u{1f600}",
];

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        let key = proptest::sample::select(KEYS).prop_map(str::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Text made of the pieces that JSON is made of, mostly broken.
fn almost_json() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "\\ud800",
        "\\udc00",
        "\\u0000",
        "\"token\":",
        "\"headers\":{",
        "\"a\":",
        "\"message\":{",
        "1",
        "-",
        "e9",
        "1e999",
        ".5",
        "true",
        "null",
        " ",
        "\n",
        "é",
        "\"x\"",
        "\"credentials\":[",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// Uses everything that a body is good for.
fn exercise(body: &[u8]) -> Result<(), EnvelopeError> {
    let envelope = Envelope::parse(body)?;
    if let Ok(message) = envelope.message() {
        // Every message read can be written, as JSON.
        assert!(is_json(&serde_json::to_string(&message).unwrap()));
        let _ = message.tool_calls();
    }
    let _ = (envelope.tool_calls(), envelope.head().call_ids().count(), format!("{envelope:?}"));
    Ok(())
}

/// Whether a strict parser reads the text; it checks the grammar alone, as there is no tree to build.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whether a strict parser builds a tree of the text, with no U+0000 in it.
fn is_storable(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| !value.to_string().contains("\\u0000"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_are_refused_or_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = exercise(&body);
        let _ = tool_calls_from(&body);
    }

    #[test]
    fn the_grammar_is_that_of_json(text in almost_json()) {
        let refused = matches!(exercise(text.as_bytes()), Err(EnvelopeError::NotJson));
        prop_assert_eq!(refused, !is_json(&text));
    }

    #[test]
    fn broken_text_harms_nobody(text in almost_json()) {
        let (clean, storable) = (redact(&text), sanitise(&text));
        if is_json(&text) {
            prop_assert!(is_json(&clean));
            prop_assert!(is_storable(&storable));
        }
    }

    #[test]
    fn strings_of_escapes_become_storable(text in "(a|é|\\\\\\\\|\\\\\"|\\\\n|\\\\u(d8|DB|dc|DF|00)(00|3d|ff)){0,12}") {
        let json = format!("{{\"message\":{{\"type\":\"x\",\"k{text}\":\"{text}\"}}}}");
        prop_assert!(is_storable(&sanitise(&json)));
        prop_assert!(is_json(&redact(&json)));
        let envelope = Envelope::parse(json.as_bytes()).unwrap();
        prop_assert_eq!(envelope.text(), sanitise(&json));
        prop_assert!(envelope.message().is_ok());
    }

    #[test]
    fn trees_are_read(body in tree()) {
        let text = body.to_string();
        match Envelope::parse(text.as_bytes()) {
            Ok(envelope) => {
                prop_assert!(body.is_object());
                prop_assert!(exercise(text.as_bytes()).is_ok());
                if !text.contains("\\u0000") {
                    let nested_in_object = body.get("message").is_none_or(Value::is_object);
                    prop_assert!(!nested_in_object || identifiers(envelope.head()) == expected_identifiers(&body));
                }
            }
            Err(error) => prop_assert!(!body.is_object() && error == EnvelopeError::NotAnObject),
        }
        let clean: Value = serde_json::from_str(&redact(&text)).unwrap();
        prop_assert_eq!(std::mem::discriminant(&clean), std::mem::discriminant(&body));
    }
}

#[test]
fn large_bodies_take_one_pass() {
    // A third of a megabyte of each: anything quadratic would not come back.
    let repeat = |piece: &str| piece.repeat(300_000 / piece.len());
    for inside in [
        repeat(r#""a":1,"#),
        repeat(r#""token":"s","#),
        repeat(r#""headers":{"a":"b"},"#),
        r#""call":{"id":1},"#.repeat(500),
        repeat(r#""a":"\u0000\ud800","#),
        repeat(r#""toolCallList":[{"id":"a"}],"#),
        format!("\"toolCallList\":[{}{{}}],", repeat(r#"{"id":"a","name":"b"},"#)),
        format!("\"a\":\"{}\",", repeat("\\\\")),
        format!("\"a\":{},", "9".repeat(300_000)),
        format!("\"metadata\":{{{}\"a\":1}},", repeat(r#""b":1,"#)),
    ] {
        for (open, close) in [("{\"message\":{", "}}"), ("{", "}")] {
            let body = format!("{open}{inside}\"type\":\"tool-calls\"{close}");
            assert_eq!(exercise(body.as_bytes()), Ok(()));
            assert!(is_json(&redact(&body)));
            assert!(is_json(&sanitise(&body)));
        }
    }
}
