//! How typed payloads are read: leniently, one level at a time, without losing a member; and how they are written.
//!
//! Each struct walks its own object once. A member that is `null` counts as absent; one that does not fit its
//! type, or that has no field, is kept in `extra` under its name. Of a repeated key the last value counts, as
//! in every JavaScript server. Large members (assistants, message lists) stay text until somebody asks. The text of
//! a member that was read as something else than it says is kept beside the fields, and written back.

mod json;
mod members;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub(crate) use json::{Epoch, Json, instant, text};
pub(crate) use members::{JsonText, Kept, Members, Sent, keep};

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

impl Json for Raw {
    fn from_json(raw: &str) -> Option<Self> {
        Some(Self(raw.into()))
    }
}

impl<V: Into<Value>> From<V> for Raw {
    fn from(value: V) -> Self {
        Self(value.into().to_string().into())
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        JsonText(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer, |json| Ok(Self(json.into())))
    }
}

/// Reads a payload from any format that describes itself, by way of a tree.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    read: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<T, D::Error> {
    let json = Value::deserialize(deserializer)?.to_string();
    read(&crate::text::sanitise(&json))
        .map_err(|member| D::Error::custom(format_args!("there is nothing usable at {member}")))
}

/// Declares the payload of an object: fields, their names on the wire, and `extra` for all the others.
///
/// A `req` member must be there when a message is read; `new` ones are required by the provider's description, and
/// both are arguments of the function `new`. `opt` members may be missing.
///
/// `in common` adds the members that every message may have, as a field of that name and type; `as` names the kind of
/// the message, or the type of kinds where there are several, and `with` a member of `common` that the description
/// requires. `or bare` names a function that reads the payload from a value that is no object.
macro_rules! payload {
    (
        $(#[$meta:meta])*
        $name:ident
        $(in $common:ident: $cty:ident as $kty:ident $(:: $kind:ident)? $(with ($needed:ident: $nty:ty))?)?
        $(or $bare:ident)?
        {
            $($(#[$fmeta:meta])* $mode:ident $field:ident: $ty:ty = $wire:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                /// The members common to all messages.
                pub $common: $cty,
            )?
            $($(#[$fmeta])* pub $field: $crate::payload::field_type!($mode $ty),)*
            /// Members without a field, or whose value did not fit it.
            pub extra: serde_json::Map<String, serde_json::Value>,
            pub(crate) sent: $crate::payload::Sent,
        }

        impl $name {
            /// Reads an object; the error is the name of the missing member.
            pub(crate) fn read(
                json: &str,
                $($common: $cty,)?
            ) -> Result<Self, &'static str> {
                let mut kept = $crate::payload::Kept::default();
                $(let mut $common = $common;)?
                $(let mut $field: Option<$ty> = None;)*
                $crate::scan::members(json, |key, raw| {
                    let fits = match key {
                        $($wire => kept.sent.read($wire, &mut $field, raw),)*
                        _ => false $(|| $common.accept(key, raw))?,
                    };
                    if !fits {
                        $crate::payload::keep(&mut kept.extra, key, raw);
                    }
                });
                Ok(Self {
                    $($common,)?
                    $($field: $crate::payload::settle!($mode $field $wire),)*
                    extra: kept.extra,
                    sent: kept.sent,
                })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut members = $crate::payload::Members::new(serializer.serialize_map(None)?);
                $(self.$common.write(&mut members)?;)?
                $(members.field(&self.sent, $wire, $crate::payload::as_option!($mode self.$field))?;)*
                members.end(&self.extra)
            }
        }

        $crate::payload::read!($name $(in $cty)? $(or $bare)? { $($field)* });
        $crate::payload::construct!(
            $name $(in $common: $cty as $kty ($($kind)?) ($($needed: $nty,)?))? { $($mode $field: $ty,)* }
        );
    };
}

/// The type of a field.
macro_rules! field_type {
    (req $ty:ty) => { $ty };
    ($mode:ident $ty:ty) => { Option<$ty> };
}

/// Turns what was read into the field, or returns the name of what is missing.
macro_rules! settle {
    (req $slot:ident $wire:literal) => {
        $slot.ok_or($wire)?
    };
    ($mode:ident $slot:ident $wire:literal) => {
        $slot
    };
}

/// A field that may be missing, whatever its type is.
macro_rules! as_option {
    (req $self:ident.$field:ident) => {
        Some(&$self.$field)
    };
    ($mode:ident $self:ident.$field:ident) => {
        $self.$field.as_ref()
    };
}

/// Declares how a message is deserialized; and a payload without `common`, which can also be a member of others.
macro_rules! read {
    ($name:ident in $cty:ident { $($field:ident)* }) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::payload::deserialize(deserializer, |json| {
                    let json = Some(json).filter(|json| json.starts_with('{')).ok_or("the object")?;
                    Self::read(json, $cty::default())
                })
            }
        }
    };
    ($name:ident $(or $bare:ident)? { $($field:ident)* }) => {
        impl $crate::payload::Json for $name {
            fn from_json(raw: &str) -> Option<Self> {
                if raw.starts_with('{') {
                    return Self::read(raw).ok();
                }
                None $(.or_else(|| $bare(raw)))?
            }

            fn is_as_sent(&self, raw: &str) -> bool {
                raw.starts_with('{')
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::payload::deserialize(deserializer, |json| {
                    $crate::payload::Json::from_json(json).ok_or("the object")
                })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: None,)* extra: serde_json::Map::new(), sent: $crate::payload::Sent::default() }
            }
        }
    };
}

/// Declares `new`, with an argument for each required member, and `Default` for messages that need none.
macro_rules! construct {
    ($name:ident in $common:ident: $cty:ident as $kty:ident ($kind:ident) ($($needed:ident: $nty:ty,)*) {$($fields:tt)*}) => {
        $crate::payload::construct!(@ message $name ($($needed: $nty,)*) {
            $common: $cty {
                kind: Some($kty::$kind),
                $($needed: Some($needed.into()),)*
                ..$cty::default()
            },
        } $($fields)*);
    };
    ($name:ident in $common:ident: $cty:ident as $kty:ident () ($($needed:ident: $nty:ty,)*) {$($fields:tt)*}) => {
        $crate::payload::construct!(@ message $name (kind: $kty, $($needed: $nty,)*) {
            $common: $cty {
                kind: Some(kind.into()),
                $($needed: Some($needed.into()),)*
                ..$cty::default()
            },
        } $($fields)*);
    };
    ($name:ident {$($fields:tt)*}) => {
        $crate::payload::construct!(@ object $name () {} $($fields)*);
    };

    (@ $role:ident $name:ident ($($args:tt)*) {$($init:tt)*} req $field:ident: $ty:ty, $($rest:tt)*) => {
        $crate::payload::construct!(@ $role $name ($($args)* $field: $ty,) {
            $($init)* $field: $field.into(),
        } $($rest)*);
    };
    (@ $role:ident $name:ident ($($args:tt)*) {$($init:tt)*} new $field:ident: $ty:ty, $($rest:tt)*) => {
        $crate::payload::construct!(@ $role $name ($($args)* $field: $ty,) {
            $($init)* $field: Some($field.into()),
        } $($rest)*);
    };
    (@ $role:ident $name:ident ($($args:tt)*) {$($init:tt)*} opt $field:ident: $ty:ty, $($rest:tt)*) => {
        $crate::payload::construct!(@ $role $name ($($args)*) { $($init)* $field: None, } $($rest)*);
    };

    (@ object $name:ident () {$($init:tt)*}) => {};
    (@ message $name:ident () {$($init:tt)*}) => {
        $crate::payload::construct!(@ done $name () {$($init)*});

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
    (@ $role:ident $name:ident ($($arg:ident: $ty:ty,)*) {$($init:tt)*}) => {
        impl $name {
            /// Makes one of what the provider's description requires; everything else is absent.
            #[must_use]
            pub fn new($($arg: impl Into<$ty>),*) -> Self {
                Self {
                    $($init)*
                    extra: serde_json::Map::new(),
                    sent: $crate::payload::Sent::default(),
                }
            }
        }
    };
}

pub(crate) use {as_option, construct, field_type, payload, read, settle};
