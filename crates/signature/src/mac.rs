//! The keyed hash, over the three algorithms that the provider offers.

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use crate::algorithm::Algorithm;

/// HMAC state with the key already mixed in; cloning it is how one key serves many requests.
#[derive(Clone)]
pub(crate) enum KeyedMac {
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
    Sha1(Hmac<Sha1>),
}

impl KeyedMac {
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, InvalidLength> {
        Ok(match algorithm {
            Algorithm::Sha256 => Self::Sha256(Hmac::new_from_slice(key)?),
            Algorithm::Sha512 => Self::Sha512(Hmac::new_from_slice(key)?),
            Algorithm::Sha1 => Self::Sha1(Hmac::new_from_slice(key)?),
        })
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(mac) => mac.update(bytes),
            Self::Sha512(mac) => mac.update(bytes),
            Self::Sha1(mac) => mac.update(bytes),
        }
    }

    /// Compares in constant time.
    pub(crate) fn matches(self, expected: &[u8]) -> bool {
        match self {
            Self::Sha256(mac) => mac.verify_slice(expected),
            Self::Sha512(mac) => mac.verify_slice(expected),
            Self::Sha1(mac) => mac.verify_slice(expected),
        }
        .is_ok()
    }

    /// Returns the code itself. Only signing asks for it: verifying goes through [`Self::matches`].
    pub(crate) fn into_code(self) -> Vec<u8> {
        match self {
            Self::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
            Self::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}
