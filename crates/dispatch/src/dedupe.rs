//! The key that two deliveries of a message share.
//!
//! The provider sends no event id, and a redelivered body is not byte-identical: recording URLs are signed anew
//! each time. So the key is made of what a kind says of itself, never of the whole body, and never of the call
//! alone. See `docs/protocol.md`, retries.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vapi_types::{Envelope, MessageKind, ToolCall};

/// Members that every message carries and that change from delivery to delivery.
const SHARED_MEMBERS: [&str; 9] = [
    "call",
    "chat",
    "session",
    "assistant",
    "assistantVersion",
    "phoneNumber",
    "customer",
    "artifact",
    "timestamp",
];

/// The key of a message, unique among one organization's messages. At most a few hundred bytes. The tool calls are asked
/// for where a kind says nothing else of itself.
pub(crate) fn dedupe_key<'a>(
    envelope: &Envelope<'_>,
    tool_calls: impl FnOnce() -> &'a Vec<ToolCall>,
) -> String {
    let head = envelope.head();
    let kind = envelope.kind();
    let call = head.call_id();
    let natural = match (kind, call) {
        (MessageKind::EndOfCallReport | MessageKind::AssistantRequest, Some(_))
        | (MessageKind::CallStarted | MessageKind::CallEnded, Some(_))
        | (MessageKind::CallDeleted, Some(_)) => Some(String::new()),
        (MessageKind::StatusUpdate, Some(_)) => head.status.as_deref().map(str::to_owned),
        _ => match (&head.subject_id, &head.subject_updated_at) {
            (Some(subject), updated) => Some(format!("{subject}/{}", updated.as_deref().unwrap_or_default())),
            _ => None,
        },
    };
    let rest = natural.unwrap_or_else(|| {
        let at = head.timestamp.map(|at| at.timestamp_millis().to_string()).unwrap_or_default();
        format!("{at}/{}", fingerprint(envelope, tool_calls()))
    });
    bounded(&format!("{}/{}/{rest}", kind.as_str(), call.unwrap_or_default()))
}

/// SHA-256 over what the message says beside its shared members; tool calls in their canonical form.
fn fingerprint(envelope: &Envelope<'_>, calls: &[ToolCall]) -> String {
    let own = if calls.is_empty() {
        own_members(&envelope.text())
    } else {
        serde_json::to_value(calls).unwrap_or_default()
    };
    hash(&canonical(own))
}

/// The message's members without the shared ones. A body too odd for a tree stands for itself.
fn own_members(text: &str) -> Value {
    let Ok(Value::Object(mut root)) = serde_json::from_str(text) else {
        return Value::String(text.to_owned());
    };
    let mut own = match root.remove("message") {
        Some(Value::Object(message)) => message,
        _ => root,
    };
    for member in SHARED_MEMBERS {
        own.remove(member);
    }
    Value::Object(own)
}

/// JSON with sorted keys, so that equal values give equal text.
fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

/// The canonical text of a tool's arguments.
pub(crate) fn canonical_arguments(arguments: &Map<String, Value>) -> String {
    canonical(Value::Object(arguments.clone()))
}

/// A key of bounded length: an overlong one keeps its beginning and becomes unique by its hash.
fn bounded(key: &str) -> String {
    const MAX_CHARS: usize = 400;
    let key = key.replace('\0', "\u{fffd}");
    if key.chars().count() <= MAX_CHARS {
        return key;
    }
    let start: String = key.chars().take(200).collect();
    format!("{start}#{}", hash(&key))
}

/// SHA-256 of a text, in hex.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(body: &Value) -> String {
        let body = body.to_string();
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        let calls = envelope.tool_calls();
        dedupe_key(&envelope, || &calls)
    }

    fn message(kind: &str, own: &Value) -> Value {
        let mut message = serde_json::json!({"type": kind, "call": {"id": "call-1"}});
        message.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        serde_json::json!({"message": message})
    }

    #[test]
    fn a_redelivery_with_fresh_urls_is_the_same() {
        let one = message(
            "end-of-call-report",
            &serde_json::json!({"artifact": {"recordingUrl": "https://a/?sig=1"}}),
        );
        let two = message(
            "end-of-call-report",
            &serde_json::json!({"artifact": {"recordingUrl": "https://a/?sig=2"}}),
        );
        assert_eq!(key(&one), key(&two));
        assert_eq!(key(&one), "end-of-call-report/call-1/");
        let one = message(
            "transcript",
            &serde_json::json!({"transcript": "hi", "timestamp": 1, "artifact": {"u": 1}}),
        );
        let two = message(
            "transcript",
            &serde_json::json!({"timestamp": 1, "transcript": "hi", "artifact": {"u": 2}}),
        );
        assert_eq!(key(&one), key(&two));
    }

    #[test]
    fn what_differs_in_itself_is_another_message() {
        let keys = [
            message("status-update", &serde_json::json!({"status": "ringing"})),
            message("status-update", &serde_json::json!({"status": "ended"})),
            message("transcript", &serde_json::json!({"transcript": "hi", "timestamp": 1})),
            message("transcript", &serde_json::json!({"transcript": "hi", "timestamp": 2})),
            message("transcript", &serde_json::json!({"transcript": "ho", "timestamp": 1})),
            message("tool-calls", &serde_json::json!({"toolCallList": [{"id": "a", "name": "x"}]})),
            message("tool-calls", &serde_json::json!({"toolCallList": [{"id": "b", "name": "x"}]})),
            message("hang", &serde_json::json!({})),
            message("brand.new", &serde_json::json!({})),
        ]
        .map(|body| key(&body));
        let unique: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(unique.len(), keys.len());
    }

    #[test]
    fn a_tool_call_is_the_same_in_every_list() {
        let call = serde_json::json!([{"id": "a", "function": {"name": "x", "arguments": {"k": 1}}}]);
        let text = serde_json::json!([{"id": "a", "function": {"name": "x", "arguments": "{\"k\":1}"}}]);
        assert_eq!(
            key(&message("tool-calls", &serde_json::json!({"toolCallList": call}))),
            key(&message("tool-calls", &serde_json::json!({"toolCalls": text})))
        );
    }

    #[test]
    fn chats_and_sessions_have_keys_of_their_own() {
        let body = |updated: &str| serde_json::json!({"message": {"type": "session.updated", "session": {"id": "s", "updatedAt": updated}}});
        assert_ne!(key(&body("2026-01-01T00:00:00Z")), key(&body("2026-01-02T00:00:00Z")));
    }

    #[test]
    fn the_hash_is_sha_256() {
        // printf abc | openssl dgst -sha256
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn long_keys_stay_bounded_and_unique() {
        let body = |end: &str| {
            message("status-update", &serde_json::json!({"status": format!("{}{end}", "x".repeat(9000))}))
        };
        assert!(key(&body("a")).len() < 600);
        assert_ne!(key(&body("a")), key(&body("b")));
    }
}
