//! Characters that databases cannot hold are taken out before writing: PostgreSQL refuses NUL in text and in documents.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::{NoContext, Timestamp, Uuid};

/// The text without NUL.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

/// The text without NUL, where there is one.
pub(crate) fn clean_option(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(clean)
}

/// Takes NUL out of the text.
pub(crate) fn clean_in_place(text: &mut String) {
    if text.contains('\0') {
        text.retain(|character| character != '\0');
    }
}

/// The document without NUL in its strings and keys; untouched, and not copied, when there is none.
pub(crate) fn clean_json(value: Value) -> Value {
    if holds_nul(&value) { strip(value) } else { value }
}

/// The members of a document, likewise.
pub(crate) fn clean_members(members: Map<String, Value>) -> Map<String, Value> {
    match clean_json(Value::Object(members)) {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(members) => members.iter().any(|(key, value)| key.contains('\0') || holds_nul(value)),
        _ => false,
    }
}

fn strip(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace('\0', "")),
        Value::Array(items) => items.into_iter().map(strip).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(key, value)| (key.replace('\0', ""), strip(value))).collect()
        }
        other => other,
    }
}

/// A new id that sorts by the instant, so that neighbours in time are neighbours in an index.
pub(crate) fn new_id(now: DateTime<Utc>) -> Uuid {
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_is_taken_out_wherever_it_stands() {
        assert_eq!(clean("a\0b"), "ab");
        let dirty = json!({"a\u{0}": ["x\u{0}y", {"b": "\u{0}"}], "n": 1});
        assert_eq!(clean_json(dirty), json!({"a": ["xy", {"b": ""}], "n": 1}));
    }

    #[test]
    fn ids_sort_by_time() {
        let early = DateTime::from_timestamp(1_763_700_000, 0).unwrap();
        let late = DateTime::from_timestamp(1_763_700_000, 2_000_000).unwrap();
        assert!(new_id(early) < new_id(late));
    }
}
