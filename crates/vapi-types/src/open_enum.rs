//! String enums that never refuse a value.
//!
//! The provider adds members without notice, so every enum has an `Unknown` arm that keeps the text and writes
//! it back.

/// Declares an open enum: variants, their text on the wire, and further spellings that are read as the same.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal $(| $alias:literal)*,)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
            /// A value that is not listed here, as it was sent.
            Unknown(Box<str>),
        }

        impl $name {
            /// Every listed variant.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Reads any text; what is not listed becomes `Unknown`.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                match text {
                    $($text $(| $alias)* => Self::$variant,)+
                    other => Self::Unknown(other.into()),
                }
            }

            /// The text on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::parse(text))
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <::std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Ok(Self::parse(&text))
            }
        }

        impl $crate::payload::Json for $name {
            fn from_json(raw: &str) -> Option<Self> {
                $crate::payload::text(raw).map(|text| Self::parse(&text))
            }

            fn is_as_sent(&self, raw: &str) -> bool {
                raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')) == Some(self.as_str())
            }
        }
    };
}

pub(crate) use open_enum;
