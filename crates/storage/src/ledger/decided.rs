//! By which messages the columns of a call were decided.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The key of each column's value: the greatest one stays. In milliseconds since 1970: of the latest message that had
/// the value (`latest`), with its sign turned of the first (`first`), and for a report beyond every other's
/// (`reported`). Keys of metadata are `metadata.` and the member's name; an erasure leaves the key `erased`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decided(pub(super) BTreeMap<String, i64>);

/// The key of an erasure: when the call was erased, in milliseconds since 1970, 0 where the message did not say.
pub(super) const ERASED: &str = "erased";
/// Beyond every instant that a message may have.
const FAR_MS: i64 = 100_000_000_000_000;
/// A report's key lies so far above other messages' keys.
const REPORT_MS: i64 = 10 * FAR_MS;

/// The key by which the first message decides.
pub(super) fn first(at: Option<DateTime<Utc>>) -> i64 {
    -instant_ms(at).unwrap_or(FAR_MS)
}

/// The key by which the latest message decides.
pub(super) fn latest(at: Option<DateTime<Utc>>) -> i64 {
    instant_ms(at).unwrap_or_default()
}

/// The key by which the latest report decides.
pub(super) fn reported(at: Option<DateTime<Utc>>) -> i64 {
    REPORT_MS + latest(at)
}

/// An instant that makes no sense counts like none: nobody may decide for ever by a wrong clock.
fn instant_ms(at: Option<DateTime<Utc>>) -> Option<i64> {
    at.map(|at| at.timestamp_millis()).filter(|ms| (0..FAR_MS).contains(ms))
}

/// The order of documents: that of the texts which PostgreSQL gives a `jsonb`, so that both databases agree.
pub(super) fn by_text(one: &Value, other: &Value) -> Ordering {
    text(one).cmp(&text(other))
}

/// The text of a `jsonb`: shorter names before longer ones, a space behind commas and colons, and no exponents.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| (name.len(), *name));
            let member =
                |(name, value): (&String, &Value)| format!("{}: {}", Value::from(&**name), text(value));
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::Number(number) => match (number.to_string(), number.as_f64()) {
            (text, _) if text == "-0.0" => "0.0".to_owned(),
            (text, Some(float)) if text.contains('e') => float.to_string(),
            (text, _) => text,
        },
        other => other.to_string(),
    }
}

impl Decided {
    /// Reads the column; what is no such document decides nothing.
    pub(crate) fn from_value(value: Value) -> Self {
        serde_json::from_value(value).unwrap_or_default()
    }

    /// The document for the column.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0.into_iter().map(|(column, key)| (column, key.into())).collect())
    }

    /// Only the live-control URL stays decided, which no stored message can say again. An erased call has none left.
    pub(crate) fn reopened(mut self) -> Self {
        if !self.is_erased() {
            self.0.retain(|column, _| column == "control_url");
        }
        self
    }

    /// True once the call was erased.
    pub(crate) fn is_erased(&self) -> bool {
        self.0.contains_key(ERASED)
    }

    /// Puts the value into its place if its key is greater than the stored one's, or the value is under the same key.
    pub(super) fn decide<T>(
        &mut self,
        column: &str,
        slot: &mut Option<T>,
        key: i64,
        value: Option<T>,
        order: impl FnOnce(&T, &T) -> Ordering,
    ) {
        let Some(value) = value else { return };
        // A value that nothing is known of, such as one written by hand, yields to every message.
        let known_key = self.0.get(column).copied().unwrap_or(i64::MIN);
        let wins = match slot {
            Some(known) => key.cmp(&known_key).then_with(|| order(&value, known)) == Ordering::Greater,
            None => true,
        };
        if wins {
            *slot = Some(value);
            self.0.insert(column.to_owned(), key);
        }
    }
}
