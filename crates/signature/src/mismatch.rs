//! Why a request is refused.

use thiserror::Error;

/// The reason for the log; the sender is told the same sentence for all of them.
///
/// When several credentials refuse for different reasons, the one that came furthest is reported:
/// `invalid_signature`, then `stale_timestamp`, `missing_url`, `repeated_header`,
/// `malformed_header`, `missing_header`. That one is the greatest in the order of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The ring is empty, or none of its credentials is valid now.
    #[error("no credential is valid now")]
    NoCredential,
    /// A header that the recipe needs is absent.
    #[error("a required header is missing")]
    MissingHeader,
    /// A header that the recipe needs is empty, too long, unreadable, or has the wrong prefix.
    #[error("a required header cannot be read")]
    MalformedHeader,
    /// A header that the recipe needs is there more than once.
    #[error("a required header is repeated")]
    RepeatedHeader,
    /// The recipe signs the public URL, and none is configured.
    #[error("the recipe signs a public url, and none is configured")]
    MissingUrl,
    /// The timestamp is further than [`TOLERANCE`](crate::TOLERANCE) from now, in either direction.
    #[error("the timestamp is too far from now")]
    StaleTimestamp,
    /// The signature or the secret does not match.
    #[error("the signature does not match")]
    InvalidSignature,
}

impl Mismatch {
    /// Returns the stable name for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoCredential => "no_credential",
            Self::MissingHeader => "missing_header",
            Self::MalformedHeader => "malformed_header",
            Self::RepeatedHeader => "repeated_header",
            Self::MissingUrl => "missing_url",
            Self::StaleTimestamp => "stale_timestamp",
            Self::InvalidSignature => "invalid_signature",
        }
    }
}
