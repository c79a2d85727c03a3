//! The differences between two entries, in words.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::Value;

/// Names of what is different, with the old and the new value where they are short.
#[derive(Default)]
pub(super) struct Changed(pub(super) Vec<String>);

impl Changed {
    pub(super) fn text(&mut self, name: &str, stored: &str, wanted: &str) {
        let (stored, wanted) = (plain(stored), plain(wanted));
        self.note(stored != wanted, format_args!("{name} {stored:?} -> {wanted:?}"));
    }

    pub(super) fn value<T: PartialEq + Display>(&mut self, name: &str, stored: &T, wanted: &T) {
        self.note(stored != wanted, format_args!("{name} {stored} -> {wanted}"));
    }

    pub(super) fn optional<T: PartialEq + Display>(
        &mut self,
        name: &str,
        stored: &Option<T>,
        wanted: &Option<T>,
    ) {
        let told = |value: &Option<T>| value.as_ref().map_or_else(|| "none".to_owned(), T::to_string);
        self.note(stored != wanted, format_args!("{name} {} -> {}", told(stored), told(wanted)));
    }

    pub(super) fn note(&mut self, is_different: bool, what: std::fmt::Arguments<'_>) {
        if is_different {
            self.0.push(what.to_string());
        }
    }
}

/// The text as a database keeps it: PostgreSQL has no NUL in texts, so it is dropped on the way in.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

/// Whether two documents say the same: a database may write a number in another way, such as 100 for 1e2.
pub(super) fn same_json(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || ((one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64())
        }
        (Value::String(one), Value::String(other)) => plain(one) == plain(other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same_json(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same =
                |(key, one): (&String, &Value)| other.get(key).is_some_and(|other| same_json(one, other));
            one.len() == other.len() && one.iter().all(same)
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_compared_by_what_they_say() {
        let said: Value = serde_json::from_str(r#"{"a": [1e2, 1.50, -0.0, "x\u0000y"], "b": null}"#).unwrap();
        assert!(same_json(&said, &json!({"b": null, "a": [100, 1.5, 0, "xy"]})));
        for other in [json!({"a": [100, 1.5, 0]}), json!({"a": []}), json!([]), json!({"a": null, "b": null})]
        {
            assert!(!same_json(&said, &other), "{other}");
        }
        // Beyond what a double tells apart.
        assert!(!same_json(&json!(9_007_199_254_740_993_u64), &json!(9_007_199_254_740_992_u64)));
    }
}
