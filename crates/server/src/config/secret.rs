//! A secret of the configuration: redacted in `Debug`, read in one greppable place.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use signature::SecretKey;

/// A secret that an operator set. It prints as `Secret(redacted)`, is wiped from memory, and is never empty.
#[derive(Clone)]
pub struct Secret(SecretKey);

/// A setting that may be left out was given without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is not empty")]
pub struct EmptySetting;

impl Secret {
    /// Takes a secret over; blanks around it are no part of it.
    ///
    /// # Errors
    /// [`EmptySetting`] when nothing is left.
    pub fn new(text: &str) -> Result<Self, EmptySetting> {
        SecretKey::new(text.trim()).map(Self).map_err(|_empty| EmptySetting)
    }

    /// The secret in the clear.
    #[must_use]
    pub fn expose(&self) -> &str {
        // It was text when it came in, so this never falls back.
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }

    /// The secret as a verifier wants it.
    #[must_use]
    pub fn key(&self) -> &SecretKey {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}
