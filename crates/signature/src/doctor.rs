//! Explains why a request does not verify.

mod body;
mod cause;
mod report;
mod search;

use chrono::{DateTime, Utc};

pub use self::cause::Cause;

use crate::credential::{Credential, CredentialId};
use crate::ring::{KeyRing, MAX_ACTIVE};
use crate::verifier::SignedRequest;

/// The doctor's report.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The credential that verifies the request now; `None` if it would be refused.
    pub matched: Option<CredentialId>,
    /// The causes, the likeliest first; never empty.
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
                let reason = credential.check.verify(request, now).err();
                let notes = report::unexplained(credential, request, now);
                unexplained.push((std::cmp::Reverse(reason), findings(credential, notes)));
            }
            _ => inactive.extend(findings(credential, vec![inactive_note(credential, now)])),
        }
    }
    explained.sort_by_key(|(cost, _)| *cost);
    unexplained.sort_by_key(|(reason, _)| *reason);
    let explained: Vec<Finding> = explained.into_iter().flat_map(|(_, findings)| findings).collect();
    let unexplained = unexplained.into_iter().flat_map(|(_, findings)| findings).collect();
    let findings = [explained, unexplained, inactive].into_iter().find(|findings| !findings.is_empty());
    Diagnosis { matched: None, findings: findings.unwrap_or_default() }
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
