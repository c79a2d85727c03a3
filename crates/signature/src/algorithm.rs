//! The names in a recipe: its hash function, and how signature bytes are written.

use crate::names::named;

named! {
    /// The hash function of a recipe.
    Algorithm, "algorithm" {
        /// 32 bytes.
        Sha256 = "sha256",
        /// 64 bytes.
        Sha512 = "sha512",
        /// 20 bytes. Still sound inside an HMAC; offered because the provider offers it.
        Sha1 = "sha1",
    }
}

impl Algorithm {
    /// Length of a signature in bytes, before encoding.
    pub(crate) const fn code_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
            Self::Sha1 => 20,
        }
    }
}

named! {
    /// How signature bytes are written.
    Encoding, "encoding" {
        /// Hexadecimal; sent in lower case, read in either.
        Hex = "hex",
        /// Standard base64; sent with padding, read with or without.
        Base64 = "base64",
    }
}
