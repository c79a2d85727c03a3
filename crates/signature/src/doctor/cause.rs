//! The causes that a request's proof fails for.

use crate::algorithm::{Algorithm, Encoding};
use crate::payload::PayloadFormat;

/// One finding about a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The request verifies.
    Matches,
    /// The body was read and written again between signing and receiving; the rewriting that matches
    /// is named.
    BodyReserialised,
    /// A line break at the end of the body was added or lost.
    TrailingNewline,
    /// The credential expects another header than the one that carries the proof.
    WrongHeader {
        /// The header that carries it.
        found: String,
    },
    /// The request proves the secret in another way than the credential expects.
    WrongScheme {
        /// The scheme that matches: `hmac`, `bearer` or `secret_header`.
        found: &'static str,
    },
    /// The timestamp is outside the tolerance.
    ClockSkew {
        /// How far the timestamp is ahead of our clock, in seconds; negative: behind.
        seconds: i64,
    },
    /// Whether the secret is decoded from base64 is set wrongly.
    SecretIsBase64 {
        /// Whether it should be decoded.
        should_decode: bool,
    },
    /// The stored secret has white space around it that the sender does not have.
    SecretWhitespace,
    /// The signature is written in another encoding.
    WrongEncoding {
        /// The encoding that matches.
        found: Encoding,
    },
    /// The prefix differs.
    WrongPrefix {
        /// The prefix that the request has; `None`: it has none.
        found: Option<String>,
    },
    /// The signature is made with another algorithm.
    WrongAlgorithm {
        /// The algorithm that matches.
        found: Algorithm,
    },
    /// Something else is signed than the credential expects.
    WrongPayloadFormat {
        /// The format that matches.
        found: PayloadFormat,
    },
    /// The signature is made for another spelling of the public URL.
    WrongUrl {
        /// The spelling that matches.
        found: String,
    },
    /// The header that should carry the proof is absent.
    MissingSignatureHeader {
        /// The header.
        header: String,
    },
    /// The header that should carry the timestamp is absent.
    MissingTimestampHeader {
        /// The header.
        header: String,
    },
    /// The header that should carry the message id is absent.
    MissingMessageIdHeader {
        /// The header.
        header: String,
    },
    /// The timestamp is neither seconds, milliseconds, microseconds nor ISO 8601 with an offset.
    UnreadableTimestamp {
        /// The header.
        header: String,
    },
    /// A header that must be there once is there several times.
    RepeatedHeader {
        /// The header.
        header: String,
    },
    /// A header is there and cannot be read.
    MalformedHeader {
        /// The header.
        header: String,
    },
    /// The recipe signs the public URL, and none is configured.
    MissingUrl,
    /// The credential is expired, not yet valid, or one too many.
    InactiveCredential,
    /// The ring is empty.
    NoCredential,
    /// No trial matches: the secret is another one, or the body was changed.
    NoMatch,
}

impl Cause {
    /// Returns the stable name for programs, without the details.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Matches => "matches",
            Self::BodyReserialised => "body_reserialised",
            Self::TrailingNewline => "trailing_newline",
            Self::WrongHeader { .. } => "wrong_header",
            Self::WrongScheme { .. } => "wrong_scheme",
            Self::ClockSkew { .. } => "clock_skew",
            Self::SecretIsBase64 { .. } => "secret_is_base64",
            Self::SecretWhitespace => "secret_whitespace",
            Self::WrongEncoding { .. } => "wrong_encoding",
            Self::WrongPrefix { .. } => "wrong_prefix",
            Self::WrongAlgorithm { .. } => "wrong_algorithm",
            Self::WrongPayloadFormat { .. } => "wrong_payload_format",
            Self::WrongUrl { .. } => "wrong_url",
            Self::MissingSignatureHeader { .. } => "missing_signature_header",
            Self::MissingTimestampHeader { .. } => "missing_timestamp_header",
            Self::MissingMessageIdHeader { .. } => "missing_message_id_header",
            Self::UnreadableTimestamp { .. } => "unreadable_timestamp",
            Self::RepeatedHeader { .. } => "repeated_header",
            Self::MalformedHeader { .. } => "malformed_header",
            Self::MissingUrl => "missing_url",
            Self::InactiveCredential => "inactive_credential",
            Self::NoCredential => "no_credential",
            Self::NoMatch => "no_match",
        }
    }
}
