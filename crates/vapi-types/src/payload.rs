//! How typed payloads are read: leniently, one level at a time, without losing a member.
//!
//! Each struct walks its own object once. A member that is `null` counts as absent; one that does not fit its
//! type, or that has no field, is kept in `extra` under its name. Of a repeated key the last value counts, as
//! in every JavaScript server. Large members (assistants, message lists) stay text until somebody asks.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value};

use crate::scan::{Next, Scanner, elements};

/// A value that can be read from the text of one JSON value.
pub(crate) trait FromJson: Sized {
    /// `None` when the value does not fit.
    fn from_json(raw: &str) -> Option<Self>;
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

impl FromJson for String {
    fn from_json(raw: &str) -> Option<Self> {
        text(raw).map(Cow::into_owned)
    }
}

impl FromJson for f64 {
    fn from_json(raw: &str) -> Option<Self> {
        text(raw)?.trim().parse().ok().filter(|number: &Self| number.is_finite())
    }
}

impl FromJson for i64 {
    fn from_json(raw: &str) -> Option<Self> {
        whole_number(text(raw)?.trim())
    }
}

impl FromJson for bool {
    fn from_json(raw: &str) -> Option<Self> {
        match raw {
            "true" | "\"true\"" => Some(true),
            "false" | "\"false\"" => Some(false),
            _ => None,
        }
    }
}

impl FromJson for DateTime<Utc> {
    fn from_json(raw: &str) -> Option<Self> {
        instant(&text(raw)?)
    }
}

impl FromJson for Value {
    fn from_json(raw: &str) -> Option<Self> {
        serde_json::from_str(raw).ok()
    }
}

impl FromJson for Map<String, Value> {
    fn from_json(raw: &str) -> Option<Self> {
        serde_json::from_str(raw).ok()
    }
}

impl<T: FromJson> FromJson for Box<T> {
    fn from_json(raw: &str) -> Option<Self> {
        T::from_json(raw).map(Self::new)
    }
}

/// Elements that do not fit are left out; the body still has them.
impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(raw: &str) -> Option<Self> {
        let mut list = Self::new();
        elements(raw, |element| list.extend(T::from_json(element)));
        (Scanner::new(raw).next() == Next::Array).then_some(list)
    }
}

/// A JSON value that is kept as text until it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw(Box<str>);

impl Raw {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value as a tree.
    ///
    /// `None` only for text that nests deeper than the tree's parser goes.
    #[must_use]
    pub fn to_value(&self) -> Option<Value> {
        Value::from_json(&self.0)
    }

    /// One member of an object, the last one if the key is repeated.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        let mut found = None;
        crate::scan::members(&self.0, |name, raw| {
            if name == key {
                found = Some(raw);
            }
        });
        found.and_then(Value::from_json)
    }
}

impl FromJson for Raw {
    fn from_json(raw: &str) -> Option<Self> {
        Some(Self(raw.into()))
    }
}

/// Reads `raw` into a slot; false when the value does not fit, and the caller keeps it elsewhere.
pub(crate) fn fill<T: FromJson>(slot: &mut Option<T>, raw: &str) -> bool {
    *slot = if raw == "null" { None } else { T::from_json(raw) };
    raw == "null" || slot.is_some()
}

/// Keeps a member that has no field, or does not fit its field.
pub(crate) fn keep(extra: &mut Map<String, Value>, key: &str, raw: &str) {
    extra.insert(key.to_owned(), Value::from_json(raw).unwrap_or_else(|| raw.into()));
}

/// The type of a field: `req` values are there, `opt` may be missing, `list` is empty when missing.
macro_rules! field_type {
    (req $ty:ty) => { $ty };
    (opt $ty:ty) => { Option<$ty> };
    (list $ty:ty) => { Vec<$ty> };
}

/// The type that a field has while its object is being read.
macro_rules! slot_type {
    (req $ty:ty) => { Option<$ty> };
    (opt $ty:ty) => { Option<$ty> };
    (list $ty:ty) => { Option<Vec<$ty>> };
}

/// Turns what was read into the field, or returns the name of what is missing.
macro_rules! settle {
    (req $slot:ident $wire:literal) => {
        $slot.ok_or($wire)?
    };
    (opt $slot:ident $wire:literal) => {
        $slot
    };
    (list $slot:ident $wire:literal) => {
        $slot.unwrap_or_default()
    };
}

/// Declares the payload of an object: fields, their names on the wire, and `extra` for all the others.
///
/// `in common` adds the members that every message may have, as a field of that name. `or bare` names a
/// function that reads the payload from a value that is no object.
macro_rules! payload {
    (
        $(#[$meta:meta])*
        $name:ident $(in $common:ident)? $(or $bare:ident)? {
            $($(#[$fmeta:meta])* $mode:ident $field:ident: $ty:ty = $wire:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                /// What every message may carry.
                pub $common: $crate::message::Common,
            )?
            $($(#[$fmeta])* pub $field: $crate::payload::field_type!($mode $ty),)*
            /// Members without a field, or whose value did not fit it.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            /// Reads an object; the error is the name of the missing member.
            pub(crate) fn read(
                json: &str,
                $($common: $crate::message::Common,)?
            ) -> Result<Self, &'static str> {
                let mut extra = serde_json::Map::new();
                $(let mut $common = $common;)?
                $(let mut $field: $crate::payload::slot_type!($mode $ty) = None;)*
                $crate::scan::members(json, |key, raw| {
                    let fits = match key {
                        $($wire => $crate::payload::fill(&mut $field, raw),)*
                        $("type" if stringify!($common) == "common" => true,)?
                        _ => false $(|| $common.accept(key, raw))?,
                    };
                    if !fits {
                        $crate::payload::keep(&mut extra, key, raw);
                    }
                });
                Ok(Self {
                    $($common,)?
                    $($field: $crate::payload::settle!($mode $field $wire),)*
                    extra,
                })
            }
        }

        $crate::payload::nested!($name $(in $common)? $(or $bare)?);
    };
}

/// Payloads without `common` can be members of others; `or` names what reads a value that is no object.
macro_rules! nested {
    ($name:ident in $common:ident) => {};
    ($name:ident $(or $bare:ident)?) => {
        impl $crate::payload::FromJson for $name {
            fn from_json(raw: &str) -> Option<Self> {
                if raw.starts_with('{') {
                    return Self::read(raw).ok();
                }
                None $(.or_else(|| $bare(raw)))?
            }
        }
    };
}

pub(crate) use {field_type, nested, payload, settle, slot_type};

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
