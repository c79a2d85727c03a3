//! Explains why a request does not verify.

mod body;
mod report;
mod search;

use chrono::{DateTime, Utc};

use crate::credential::{Credential, CredentialId};
use crate::mismatch::Mismatch;
use crate::payload::PayloadFormat;
use crate::recipe::{Algorithm, Encoding};
use crate::ring::{KeyRing, MAX_ACTIVE};
use crate::verifier::SignedRequest;

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The credential that verifies the request now; `None` if it would be refused.
    pub matched: Option<CredentialId>,
    /// What is wrong or right, the likeliest first; never empty.
    pub findings: Vec<Finding>,
}

/// One thing that the doctor found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The cause, for programs.
    pub cause: Cause,
    /// The cause, for people: one or two sentences that say what to change.
    pub sentence: String,
    /// The label of the credential that the finding is about; `None`: it is about the request or the ring.
    pub credential: Option<String>,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Nothing: the request verifies.
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
    /// Nothing that was tried matches: the secret is another one, or the body was changed.
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

/// Tries what usually goes wrong and says what fits, the likeliest first.
///
/// For operators, never for the request path: it looks beyond the window and hashes the body many
/// times (up to 512 MiB a credential). No sentence holds a secret.
///
/// ```
/// use chrono::DateTime;
/// use signature::doctor::{Cause, diagnose};
/// use signature::{Credential, CredentialId, KeyRing, Preset, SecretKey, SignedRequest};
///
/// let id = CredentialId::new(uuid::Uuid::from_u128(1));
/// let scheme = Preset::XVapiSecret.scheme();
/// let ring = KeyRing::new(vec![Credential::new(id, "2026", scheme, SecretKey::new("s3cret")?, None, None)?]);
/// let headers = [("authorization", "Bearer s3cret")];
/// let request = SignedRequest { method: "POST", url: None, headers: &headers, body: b"{}" };
/// let diagnosis = diagnose(&ring, &request, DateTime::UNIX_EPOCH);
/// assert_eq!(diagnosis.matched, None);
/// assert_eq!(diagnosis.findings[0].cause, Cause::WrongHeader { found: "authorization".to_owned() });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn diagnose(ring: &KeyRing, request: &SignedRequest<'_>, now: DateTime<Utc>) -> Diagnosis {
    if ring.is_empty() {
        let sentence =
            "There is no credential to check against, so every request is refused. Add one.".to_owned();
        return Diagnosis {
            matched: None,
            findings: vec![Finding { cause: Cause::NoCredential, sentence, credential: None }],
        };
    }
    if let Ok(credential) = ring.verify(request, now) {
        let sentence = format!("The request verifies, with the scheme {}.", credential.scheme().as_str());
        return Diagnosis {
            matched: Some(credential.id()),
            findings: findings(credential, vec![(Cause::Matches, sentence)]),
        };
    }

    let mut explained = Vec::new();
    let mut unexplained = Vec::new();
    let mut inactive = Vec::new();
    for credential in ring.iter() {
        let is_active = ring.active(now).any(|active| std::ptr::eq(active, credential));
        match report::explain(credential, request, now) {
            Some(explanation) if !is_active => {
                let notes = [vec![inactive_note(credential, now)], explanation.notes].concat();
                explained.push((explanation.cost.saturating_add(1), findings(credential, notes)));
            }
            Some(explanation) if !explanation.notes.is_empty() => {
                explained.push((explanation.cost, findings(credential, explanation.notes)));
            }
            _ if is_active => {
                // A signature that was compared tells more than a header that is not there.
                let verdict = credential.check.verify(request, now);
                let rank = verdict.err().map_or(0, Mismatch::rank);
                let notes = report::unexplained(credential, request, now);
                unexplained.push((std::cmp::Reverse(rank), findings(credential, notes)));
            }
            _ => inactive.extend(findings(credential, vec![inactive_note(credential, now)])),
        }
    }
    explained.sort_by_key(|(cost, _)| *cost);
    unexplained.sort_by_key(|(rank, _)| *rank);
    let findings: Vec<Finding> = if !explained.is_empty() {
        explained.into_iter().flat_map(|(_, findings)| findings).collect()
    } else if !unexplained.is_empty() {
        unexplained.into_iter().flat_map(|(_, findings)| findings).collect()
    } else {
        inactive
    };
    Diagnosis { matched: None, findings }
}

fn findings(credential: &Credential, notes: Vec<report::Note>) -> Vec<Finding> {
    let finding =
        |(cause, sentence)| Finding { cause, sentence, credential: Some(credential.label().to_owned()) };
    notes.into_iter().map(finding).collect()
}

fn inactive_note(credential: &Credential, now: DateTime<Utc>) -> report::Note {
    let sentence = match (credential.not_before(), credential.not_after()) {
        (Some(from), _) if now < from => format!("The credential is not valid before {from}."),
        (_, Some(until)) if until <= now => format!("The credential has expired at {until}."),
        _ => format!(
            "More than {MAX_ACTIVE} credentials are valid now, and this one is not among those tried."
        ),
    };
    (Cause::InactiveCredential, sentence)
}
