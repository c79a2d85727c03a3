//! The key that repeated tool calls share.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use storage::repo::KeyHash;
use vapi_types::ToolCallId;

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
    /// The keys of a call in a message.
    pub(crate) fn of_call(
        call_id: &str,
        id: &ToolCallId,
        tool: &str,
        arguments: &Map<String, Value>,
    ) -> Self {
        let arguments = canonical_arguments(arguments);
        let effect = (!call_id.is_empty()).then(|| hash(&["effect", call_id, tool, &arguments]));
        let call = if id.is_unique() {
            hash(&["call", call_id, id.as_str()])
        } else {
            // The provider reuses the ids of hooks, so there the content is the identity.
            hash(&["content", call_id, tool, &arguments])
        };
        Self { call: Some(call), effect }
    }

    /// The keys of a call without a message: the client says what a repetition is.
    pub(crate) fn direct(tool: &str, idempotency_key: &str) -> Self {
        Self { call: Some(hash(&["direct", tool, idempotency_key])), effect: None }
    }
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
    use super::*;

    fn keys(call: &str, id: &str, arguments: &str) -> RunKeys {
        RunKeys::of_call(call, &ToolCallId::new(id), "book", &serde_json::from_str(arguments).unwrap())
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
