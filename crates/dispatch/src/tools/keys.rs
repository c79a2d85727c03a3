//! The key that repeated tool calls share.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use storage::repo::KeyHash;
use vapi_types::ToolCall;

use crate::dedupe::canonical_arguments;

/// The keys under which a run is stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RunKeys {
    /// This call: run once, ever. `None` for reads that nobody repeats.
    pub(crate) call: Option<KeyHash>,
    /// The same tool with the same arguments in the same phone call, whatever the id.
    pub(crate) effect: Option<KeyHash>,
}

impl RunKeys {
    /// The keys of a call in a message, which names its tool or leaves that to the route.
    pub(crate) fn of_call(
        call_id: &str,
        call: &ToolCall,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Self {
        let arguments = canonical_arguments(arguments);
        let effect = (!call_id.is_empty()).then(|| hash(&["effect", call_id, tool, &arguments]));
        let call = if call.id.is_unique() {
            hash(&["call", call_id, call.id.as_str()])
        } else {
            // The provider reuses the ids of hooks, so there the content is the identity; a name of the route is none of it,
            // because it is not signed.
            hash(&["content", call_id, if call.name.is_empty() { "" } else { tool }, &arguments])
        };
        Self { call: Some(call), effect }
    }

    /// The keys of a call without a message: the client says what a repetition is.
    pub(crate) fn direct(tool: &str, idempotency_key: &str) -> Self {
        Self { call: Some(hash(&["direct", tool, idempotency_key])), effect: None }
    }
}

/// The key of the signed bytes of a call without a message.
pub(crate) fn signed_key(digest: &[u8; 32]) -> KeyHash {
    hash(&["signed", &hex::encode(digest)])
}

/// The inbox's key of bare arguments.
pub(crate) fn inbox_key(tool: &str, key: &str) -> String {
    format!("tool-request/{}", hex::encode(hash(&["tool-request", tool, key]).0))
}

/// Each part goes in with its length, so that no two lists of parts give the same bytes.
fn hash(parts: &[&str]) -> KeyHash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_be_bytes());
        hasher.update(part.as_bytes());
    }
    KeyHash(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use vapi_types::ToolCallId;

    use super::*;

    fn keys(call_id: &str, id: &str, arguments: &str) -> RunKeys {
        let arguments = serde_json::from_str(arguments).unwrap();
        let call = ToolCall::new(ToolCallId::new(id), "book", Map::new());
        RunKeys::of_call(call_id, &call, "book", &arguments)
    }

    #[test]
    fn what_the_route_names_does_not_make_another_call() {
        let key = |id, name, tool| {
            let call = ToolCall::new(ToolCallId::new(id), name, Map::new());
            RunKeys::of_call("c", &call, tool, &Map::new()).call.unwrap()
        };
        for id in ["t", "hook-function-call", ""] {
            assert_eq!(key(id, "", "book"), key(id, "", "cancel"), "{id}");
        }
        let id = "hook-function-call";
        assert_ne!(key(id, "book", "book"), key(id, "cancel", "cancel"));
    }

    #[test]
    fn the_same_id_is_the_same_call_only_within_one_phone_call() {
        assert_eq!(keys("c", "t", "{}").call, keys("c", "t", r#"{"a":1}"#).call);
        assert_ne!(keys("c", "t", "{}").call, keys("d", "t", "{}").call);
        assert_ne!(keys("c", "t", "{}").call, keys("c", "u", "{}").call);
        assert_ne!(keys("ab", "c", "{}").call, keys("a", "bc", "{}").call);
    }

    #[test]
    fn a_reused_id_falls_back_to_the_content() {
        let (one, two) =
            (keys("c", "hook-function-call", r#"{"a":1}"#), keys("c", "hook-function-call", r#"{"a":2}"#));
        assert_ne!(one.call, two.call);
        assert_eq!(one.call, keys("c", "hook-function-call", r#"{ "a": 1 }"#).call);
    }

    #[test]
    fn the_effect_is_the_same_under_another_id_and_in_another_order() {
        assert_eq!(keys("c", "t", r#"{"a":1,"b":2}"#).effect, keys("c", "u", r#"{"b":2,"a":1}"#).effect);
        assert_eq!(keys("", "t", "{}").effect, None);
    }
}
