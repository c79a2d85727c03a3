//! Secret bytes that do not leak: wiped on drop, redacted in `Debug`, read in one greppable place.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

/// A secret as the operator entered it, never empty.
///
/// It prints as `SecretKey(redacted)`, is wiped from memory when dropped, and can be neither
/// serialised nor compared: comparing goes through [`KeyRing::verify`](crate::KeyRing::verify),
/// which takes constant time.
///
/// ```
/// let key = signature::SecretKey::new("s3cret")?;
/// assert_eq!(format!("{key:?}"), "SecretKey(redacted)");
/// # Ok::<(), signature::EmptySecret>(())
/// ```
///
/// ```compile_fail,E0369
/// let key = signature::SecretKey::new("s3cret").unwrap();
/// let _ = key == key;
/// ```
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    /// Takes the secret over.
    ///
    /// # Errors
    /// [`EmptySecret`] if there is not a single byte: an empty key would let anyone sign.
    pub fn new(secret: impl Into<Vec<u8>>) -> Result<Self, EmptySecret> {
        let bytes = Zeroizing::new(secret.into());
        if bytes.is_empty() { Err(EmptySecret) } else { Ok(Self(bytes)) }
    }

    /// Returns the secret bytes. Every use of a secret in the clear goes through this method.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(redacted)")
    }
}

/// The secret has no bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the secret is empty")]
pub struct EmptySecret;
