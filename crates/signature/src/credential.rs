//! A credential: a secret, how it is presented, and when it counts.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use hmac::digest::InvalidLength;
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::key::SecretKey;
use crate::mac::KeyedMac;
use crate::payload::PayloadFormat;
use crate::recipe::{HmacRecipe, RecipeError};
use crate::scheme::Scheme;

/// Marks a Standard Webhooks secret; it is not part of the key.
const SECRET_MARK: &[u8] = b"whsec_";

/// Secrets are pasted by people: padding may be missing, and either alphabet is taken.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Names a credential; it appears in logs where the secret must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialId(Uuid);

impl CredentialId {
    /// Wraps an id that was made elsewhere.
    #[must_use]
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    /// Returns the id.
    #[must_use]
    pub const fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A secret with its scheme, ready to verify.
///
/// The key is decoded and mixed into the hash once, here, so that a request only clones the state.
#[derive(Clone)]
pub struct Credential {
    id: CredentialId,
    label: String,
    scheme: Scheme,
    secret: SecretKey,
    not_before: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
    pub(crate) check: Check,
}

impl Credential {
    /// Prepares a credential. It counts from `not_before` on and until just before `not_after`;
    /// `None` leaves that side open.
    ///
    /// # Errors
    /// [`CredentialError`] if the scheme does not hold together, if the secret is said to be base64
    /// and is not, or decodes to nothing, or if the window is empty.
    pub fn new(
        id: CredentialId,
        label: impl Into<String>,
        scheme: Scheme,
        secret: SecretKey,
        not_before: Option<DateTime<Utc>>,
        not_after: Option<DateTime<Utc>>,
    ) -> Result<Self, CredentialError> {
        if let (Some(from), Some(until)) = (not_before, not_after)
            && until <= from
        {
            return Err(CredentialError::EmptyWindow);
        }
        let scheme = scheme.validated()?;
        let check = Check::new(&scheme, &secret)?;
        Ok(Self { id, label: label.into(), scheme, secret, not_before, not_after, check })
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> CredentialId {
        self.id
    }

    /// Returns the operator's name for it.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the scheme, with header names in lower case.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// Returns the first instant at which it counts; `None`: it always did.
    #[must_use]
    pub fn not_before(&self) -> Option<DateTime<Utc>> {
        self.not_before
    }

    /// Returns the first instant at which it no longer counts; `None`: it always will.
    #[must_use]
    pub fn not_after(&self) -> Option<DateTime<Utc>> {
        self.not_after
    }

    /// Says whether it counts now: `not_before <= now < not_after`.
    #[must_use]
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.not_before.is_none_or(|from| from <= now) && self.not_after.is_none_or(|until| now < until)
    }

    pub(crate) fn secret(&self) -> &SecretKey {
        &self.secret
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("id", &self.id)
            .field("label", &self.label)
            .field("scheme", &self.scheme)
            .field("secret", &self.secret)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Why a credential cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The scheme does not hold together.
    #[error("the recipe cannot be used")]
    Recipe(#[from] RecipeError),
    /// The secret is said to be base64 and is not.
    #[error("the secret is not base64")]
    SecretNotBase64,
    /// The secret decodes to nothing.
    #[error("the secret is empty once it is decoded")]
    SecretEmpty,
    /// The hash function does not take a key of this length; none of today's refuses any.
    #[error("the secret has a length that the algorithm does not take")]
    SecretLength(#[from] InvalidLength),
    /// `not_after` is not later than `not_before`.
    #[error("the credential would never be valid")]
    EmptyWindow,
}

/// A scheme together with the secret.
#[derive(Clone)]
pub(crate) enum Check {
    Hmac(Box<HmacCheck>),
    Static(StaticCheck),
}

/// A recipe with its keyed state.
#[derive(Clone)]
pub(crate) struct HmacCheck {
    pub(crate) recipe: HmacRecipe,
    pub(crate) format: PayloadFormat,
    pub(crate) is_list: bool,
    pub(crate) mac: KeyedMac,
}

/// A secret that is sent as it is, kept as a digest so that comparing does not depend on its length.
#[derive(Clone)]
pub(crate) struct StaticCheck {
    pub(crate) header: String,
    pub(crate) prefix: Option<String>,
    pub(crate) digest: Zeroizing<[u8; 32]>,
}

impl Check {
    pub(crate) fn new(scheme: &Scheme, secret: &SecretKey) -> Result<Self, CredentialError> {
        Ok(match scheme {
            Scheme::Hmac(recipe) if recipe.secret_is_base64 => {
                Self::Hmac(Box::new(HmacCheck::new(recipe.clone(), &decode_secret(secret.expose())?)?))
            }
            Scheme::Hmac(recipe) => Self::Hmac(Box::new(HmacCheck::new(recipe.clone(), secret.expose())?)),
            Scheme::Bearer { header, prefix } => {
                Self::Static(StaticCheck::new(header.clone(), prefix.clone(), secret.expose()))
            }
            Scheme::SecretHeader { header } => {
                Self::Static(StaticCheck::new(header.clone(), None, secret.expose()))
            }
        })
    }
}

impl HmacCheck {
    /// `key` is what goes into the hash, already decoded.
    pub(crate) fn new(recipe: HmacRecipe, key: &[u8]) -> Result<Self, InvalidLength> {
        let mac = KeyedMac::new(recipe.algorithm, key)?;
        Ok(Self { format: recipe.effective_format(), is_list: recipe.is_list(), recipe, mac })
    }
}

impl StaticCheck {
    pub(crate) fn new(header: String, prefix: Option<String>, secret: &[u8]) -> Self {
        Self { header, prefix, digest: Zeroizing::new(Sha256::digest(secret).into()) }
    }
}

/// Decodes a base64 secret; a leading `whsec_` is dropped.
pub(crate) fn decode_secret(secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let text = secret.strip_prefix(SECRET_MARK).unwrap_or(secret);
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    match decoded.map(Zeroizing::new) {
        Ok(key) if key.is_empty() => Err(CredentialError::SecretEmpty),
        Ok(key) => Ok(key),
        // The decoder's error quotes a byte of the secret, so it is not passed on.
        Err(_) => Err(CredentialError::SecretNotBase64),
    }
}
