//! The names in a recipe: its hash function, and how signature bytes are written.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The hash function of a recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `sha256`, 32 bytes.
    Sha256,
    /// `sha512`, 64 bytes.
    Sha512,
    /// `sha1`, 20 bytes. Still sound inside an HMAC; offered because the provider offers it.
    Sha1,
}

impl Algorithm {
    /// Returns the provider's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Sha1 => "sha1",
        }
    }

    /// Length of a signature in bytes, before encoding.
    pub(crate) const fn code_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
        }
    }
}

/// How signature bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Hexadecimal; sent in lower case, read in either.
    Hex,
    /// Standard base64; sent with padding, read with or without.
    Base64,
}

impl Encoding {
    /// Returns the provider's spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hex => "hex",
            Self::Base64 => "base64",
        }
    }
}

/// A name that is none of the known ones.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown {what} {name:?}; known are {known}")]
pub struct UnknownName {
    pub(crate) what: &'static str,
    pub(crate) name: String,
    pub(crate) known: &'static str,
}

impl FromStr for Algorithm {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [Self::Sha256, Self::Sha512, Self::Sha1]
            .into_iter()
            .find(|algorithm| algorithm.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "algorithm",
                name: name.to_owned(),
                known: "sha256, sha512, sha1",
            })
    }
}

impl FromStr for Encoding {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [Self::Hex, Self::Base64]
            .into_iter()
            .find(|encoding| encoding.as_str() == name)
            .ok_or_else(|| UnknownName { what: "encoding", name: name.to_owned(), known: "hex, base64" })
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
