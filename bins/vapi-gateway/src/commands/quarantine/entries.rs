//! Entries of the quarantine, without bodies.

use serde_json::Value;
use storage::{QuarantineEntry, Storage};

use crate::output;

/// How many are read at once.
const PAGE: i64 = 500;

/// Every message of the quarantine, the oldest first. It is bounded, and read before anything is printed: the door is
/// never held open for whoever reads the output.
pub(super) async fn all(
    storage: &Storage,
    actor: &str,
    reason: &str,
) -> anyhow::Result<Vec<QuarantineEntry>> {
    let mut door = storage.operator(actor, reason).await?;
    let mut entries: Vec<QuarantineEntry> = Vec::new();
    loop {
        let page = door.list_quarantined(entries.last().map(QuarantineEntry::place), PAGE).await?;
        if page.is_empty() {
            door.commit().await?;
            return Ok(entries);
        }
        entries.extend(page);
    }
}

/// One line on a message.
pub(super) fn line(entry: &QuarantineEntry) -> String {
    let call = entry.vapi_call_id.as_deref().map_or_else(|| "-".to_owned(), output::plain);
    format!(
        "{}  {}  {}  {call}  {} bytes  {}",
        entry.id,
        entry.received_at.format("%Y-%m-%dT%H:%M:%SZ"),
        output::plain(&entry.kind),
        entry.body_bytes,
        identifiers(&entry.identifiers),
    )
}

/// The identifiers as `step=value`, each once.
fn identifiers(identifiers: &Value) -> String {
    let mut words: Vec<String> = Vec::new();
    for identifier in identifiers.as_array().into_iter().flatten() {
        let part = |name| identifier.get(name).and_then(Value::as_str).unwrap_or_default();
        let word = output::plain(&format!("{}={}", part("step"), part("value")));
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn identifiers_are_told_once() {
        let found = json!([
            {"step": "assistant_id", "value": "asst_x", "path": "message.call.assistantId"},
            {"step": "assistant_id", "value": "asst_x", "path": "message.assistant.id"},
            {"step": "call_id", "value": "call\u{1b}", "path": "message.call.id"},
        ]);
        assert_eq!(identifiers(&found), "assistant_id=asst_x call_id=call\u{fffd}");
        assert_eq!(identifiers(&json!({})), "");
    }
}
