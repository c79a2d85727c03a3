//! The settings of an organization, typed, with what is unknown kept.

use chrono::NaiveTime;
use serde_json::{Map, Value, json};

/// How an organization wants things done. A value that does not fit counts as unknown, so that one wrong setting of a
/// hand-written row costs that setting and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(description = "How an organization wants things done.")
)]
pub struct Settings {
    /// How long an assistant waits before it speaks, in seconds, 0 to 15.
    pub endpointing_timeout_seconds: Option<f64>,
    /// How far ahead bookings reach, in days, 1 to 3650.
    pub booking_days_ahead: Option<u16>,
    /// Said to callers when nobody can take the call.
    pub unavailable_sentence: Option<String>,
    /// When campaigns may call, in the organization's time zone.
    pub calling_hours: Option<CallingHours>,
    /// Every other setting, as it was given.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub other: Map<String, Value>,
}

/// A stretch of the day; its end does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CallingHours {
    /// The first minute, such as `09:00`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub from: NaiveTime,
    /// The first minute after it, such as `18:30`.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub to: NaiveTime,
}

impl Settings {
    /// Reads a document: `{"booking_days_ahead": 90, …}`.
    pub fn read(document: Map<String, Value>) -> Self {
        let mut settings = Self { other: document, ..Self::default() };
        let other = &mut settings.other;
        settings.endpointing_timeout_seconds =
            take(other, "endpointing_timeout_seconds", |v| v.as_f64().filter(|s| (0.0..=15.0).contains(s)));
        settings.booking_days_ahead = take(other, "booking_days_ahead", |v| {
            u16::try_from(v.as_u64()?).ok().filter(|days| (1..=3650).contains(days))
        });
        settings.unavailable_sentence = take(other, "unavailable_sentence", |v| {
            v.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
        });
        settings.calling_hours = take(other, "calling_hours", |v| {
            let time = |name| NaiveTime::parse_from_str(v.get(name)?.as_str()?, "%H:%M").ok();
            Some(CallingHours { from: time("from")?, to: time("to")? })
        });
        settings
    }

    /// The document that [`read`](Self::read) reads.
    pub fn document(&self) -> Map<String, Value> {
        let time = |time: NaiveTime| time.format("%H:%M").to_string();
        let known = [
            ("endpointing_timeout_seconds", self.endpointing_timeout_seconds.map(Value::from)),
            ("booking_days_ahead", self.booking_days_ahead.map(Value::from)),
            ("unavailable_sentence", self.unavailable_sentence.clone().map(Value::from)),
            (
                "calling_hours",
                self.calling_hours.map(|hours| json!({ "from": time(hours.from), "to": time(hours.to) })),
            ),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        self.other.clone().into_iter().chain(known).collect()
    }
}

fn take<T>(
    document: &mut Map<String, Value>,
    name: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Option<T> {
    let value = read(document.get(name)?)?;
    document.remove(name);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(value: Value) -> Map<String, Value> {
        let Value::Object(document) = value else { panic!("{value}") };
        document
    }

    #[test]
    fn what_is_known_is_typed_and_the_rest_is_kept() {
        let given = document(json!({"endpointing_timeout_seconds": 1.5, "booking_days_ahead": 90,
            "unavailable_sentence": "Not now.", "calling_hours": {"from": "09:00", "to": "18:30"}, "tone": ["warm"]}));
        let settings = Settings::read(given.clone());
        assert_eq!(settings.booking_days_ahead, Some(90));
        assert_eq!(settings.endpointing_timeout_seconds, Some(1.5));
        assert_eq!(settings.calling_hours.map(|hours| hours.to), NaiveTime::from_hms_opt(18, 30, 0));
        assert_eq!(settings.other, document(json!({"tone": ["warm"]})));
        assert_eq!(settings.document(), given);
    }

    #[test]
    fn what_does_not_fit_is_kept_and_counts_for_nothing() {
        let given = document(json!({"endpointing_timeout_seconds": "soon", "booking_days_ahead": 0,
            "unavailable_sentence": " ", "calling_hours": {"from": "9"}}));
        let settings = Settings::read(given.clone());
        assert_eq!(settings, Settings { other: given.clone(), ..Settings::default() });
        assert_eq!(settings.document(), given);
    }
}
