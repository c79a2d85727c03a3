//! Shared by several tests: a second, slow way of finding identifiers, and shorthands.

use serde_json::Value;
use vapi_types::{Envelope, Head, ServerMessage};

/// The search paths of the design, written down once more and independently.
const PATHS: &[(&str, &[&str])] = &[
    (
        "assistant_id",
        &["assistantId", "call.assistantId", "assistant.id", "chat.assistantId", "session.assistantId"],
    ),
    (
        "phone_number_id",
        &[
            "phoneNumberId",
            "call.phoneNumberId",
            "phoneNumber.id",
            "call.phoneNumber.id",
            "session.phoneNumberId",
        ],
    ),
    (
        "phone_number",
        &[
            "phoneNumber",
            "phoneNumber.number",
            "phoneNumber.twilioPhoneNumber",
            "phoneNumber.sipUri",
            "call.phoneNumber",
            "call.phoneNumber.number",
            "call.phoneNumber.twilioPhoneNumber",
            "call.phoneNumber.sipUri",
            "twilioPhoneNumber",
        ],
    ),
    ("call_id", &["call.id"]),
    ("squad_id", &["call.squadId", "chat.squadId"]),
];

/// Kind, value and path of every identifier, found by walking a tree.
pub(crate) fn expected_identifiers(body: &Value) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for prefix in ["message.", ""] {
        for (kind, paths) in PATHS {
            for path in *paths {
                let path = format!("{prefix}{path}");
                let value = match body.pointer(&format!("/{}", path.replace('.', "/"))) {
                    Some(Value::String(text)) if !text.trim().is_empty() => text.clone(),
                    Some(Value::Number(number)) => number.to_string(),
                    _ => continue,
                };
                found.push(((*kind).to_owned(), value, path));
            }
        }
    }
    found
}

/// Kind, value and path of every identifier of a head.
pub(crate) fn identifiers(head: &Head<'_>) -> Vec<(String, String, String)> {
    head.identifiers
        .iter()
        .map(|found| (found.kind.as_str().to_owned(), found.value.to_string(), found.path.clone()))
        .collect()
}

/// The message of a body that must have one.
pub(crate) fn message(body: &Value) -> ServerMessage {
    let text = body.to_string();
    match Envelope::parse(text.as_bytes()).map(|envelope| envelope.message()) {
        Ok(Ok(message)) => message,
        other => panic!("{other:?}: {text}"),
    }
}
