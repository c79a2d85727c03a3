//! The reading of one JSON value, and whether writing it gives the same JSON value again.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::scan::{Next, Scanner, elements};

/// A value that can be read from the text of one JSON value, and written.
pub(crate) trait Json: PartialEq + Serialize + Sized {
    /// `None` when the value does not fit.
    fn from_json(raw: &str) -> Option<Self>;

    /// Whether [`Json::write`] gives what `raw` says, from which the value was read. False also where finding out
    /// would cost more than keeping `raw`.
    fn is_as_sent(&self, _raw: &str) -> bool {
        true
    }

    /// Writes the value as the provider does.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

/// The characters of a string, or a number as it is written.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let mut scanner = Scanner::new(raw);
    match scanner.next() {
        Next::Text => scanner.string().ok().map(|text| text.decode()),
        Next::Number => scanner.number().ok().map(Cow::Borrowed),
        _ => None,
    }
}

/// Reads an instant: epoch milliseconds or seconds as number or text, or ISO 8601.
pub(crate) fn instant(text: &str) -> Option<DateTime<Utc>> {
    /// Milliseconds since 1970 were below this until March 1973, seconds are until the year 5138.
    const SECONDS_BELOW: i64 = 100_000_000_000;

    let text = text.trim();
    if let Some(number) = whole_number(text) {
        return if number.unsigned_abs() < SECONDS_BELOW.unsigned_abs() {
            DateTime::from_timestamp_secs(number)
        } else {
            DateTime::from_timestamp_millis(number)
        };
    }
    // Without an offset the provider means UTC.
    DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc()).ok().or_else(|| {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|instant| instant.and_utc()).ok()
    })
}

/// The whole part of a decimal number.
fn whole_number(text: &str) -> Option<i64> {
    let whole = text.split_once('.').map_or(text, |(whole, fraction)| {
        if fraction.bytes().all(|byte| byte.is_ascii_digit()) { whole } else { text }
    });
    whole.parse().ok().or_else(|| {
        let number = text.parse::<f64>().ok().filter(|number| number.abs() < 1e17)?;
        format!("{number:.0}").parse().ok()
    })
}

/// Whether a number is so short and plain that every reader and writer agrees on it. Negative zero is not.
fn is_plain(raw: &str) -> bool {
    /// A double holds every decimal number of this many digits.
    const DIGITS: usize = 15;

    raw.len() <= DIGITS && raw != "-0" && raw.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'.'))
}

impl Json for String {
    fn from_json(raw: &str) -> Option<Self> {
        text(raw).map(Cow::into_owned)
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        raw.starts_with('"')
    }
}

/// Whole numbers are written without a fraction, as JavaScript does.
impl Json for f64 {
    fn from_json(raw: &str) -> Option<Self> {
        text(raw)?.trim().parse().ok().filter(|number: &Self| number.is_finite())
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        is_plain(raw) && raw.contains('.') == (self.fract() != 0.0)
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = if self.fract() == 0.0 { format!("{self:.0}").parse::<i64>().ok() } else { None };
        whole.map_or(Value::from(*self), Value::from).serialize(serializer)
    }
}

impl Json for i64 {
    fn from_json(raw: &str) -> Option<Self> {
        whole_number(text(raw)?.trim())
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        is_plain(raw) && !raw.contains('.')
    }
}

impl Json for bool {
    fn from_json(raw: &str) -> Option<Self> {
        match raw {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        }
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        !raw.starts_with('"')
    }
}

/// Written in ISO 8601 with milliseconds.
impl Json for DateTime<Utc> {
    fn from_json(raw: &str) -> Option<Self> {
        instant(&text(raw)?)
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        // A readable text that has these characters in these places has digits in all the others.
        let at = |index: usize| raw.as_bytes().get(index).copied();
        raw.len() == r#""2025-11-03T15:04:05.123Z""#.len()
            && [at(11), at(20), at(24)] == [Some(b'T'), Some(b'.'), Some(b'Z')]
    }

    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// An instant that is written as the number of milliseconds since 1970.
#[derive(Debug, PartialEq)]
pub(crate) struct Epoch(pub(crate) DateTime<Utc>);

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.timestamp_millis())
    }
}

impl Json for Epoch {
    fn from_json(raw: &str) -> Option<Self> {
        DateTime::from_json(raw).map(Self)
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        // Shorter numbers may be seconds.
        raw.len() == 13 && raw.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl Json for Value {
    fn from_json(raw: &str) -> Option<Self> {
        serde_json::from_str(raw).ok()
    }
}

impl<T: Json> Json for Box<T> {
    fn from_json(raw: &str) -> Option<Self> {
        T::from_json(raw).map(Self::new)
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        T::is_as_sent(self, raw)
    }
}

/// Elements that do not fit are left out.
impl<T: Json> Json for Vec<T> {
    fn from_json(raw: &str) -> Option<Self> {
        let mut list = Self::new();
        elements(raw, |element| list.extend(T::from_json(element)));
        (Scanner::new(raw).next() == Next::Array).then_some(list)
    }

    fn is_as_sent(&self, raw: &str) -> bool {
        let mut kept = self.iter();
        let mut is_as_sent = true;
        elements(raw, |element| is_as_sent &= kept.next().is_some_and(|value| value.is_as_sent(element)));
        is_as_sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_instants_in_every_form_seen() {
        // date -u -d '2024-10-08T13:21:55.369Z' +%s%3N
        let expected = "2024-10-08T13:21:55.369Z";
        for text in
            ["1728393715369", "1728393715369.0", "1.728393715369e12", expected, "2024-10-08T13:21:55.369"]
        {
            let found = instant(text).map(|instant| instant.format("%FT%T%.3fZ").to_string());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
        assert_eq!(instant("1728393715"), instant("2024-10-08T13:21:55Z"));
        for text in ["", "soon", "1e300", "99999999999999999999", "-", "NaN", "inf"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
