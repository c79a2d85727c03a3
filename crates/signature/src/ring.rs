//! The credentials of one organization.

use chrono::{DateTime, Utc};

use crate::credential::Credential;
use crate::mismatch::Mismatch;
use crate::verifier::SignedRequest;

/// Most credentials that are tried on one request.
pub const MAX_ACTIVE: usize = 5;

/// The credentials of one organization, several of them so that a secret can be changed without a gap.
///
/// An empty ring refuses everything: there is no unsigned mode.
#[derive(Debug, Clone)]
pub struct KeyRing {
    credentials: Vec<Credential>,
}

impl KeyRing {
    /// Makes a ring. The order is kept except that a later `not_before` goes first.
    ///
    /// Of more than [`MAX_ACTIVE`] credentials that count at one time, the last to start are tried:
    /// the work that a stranger's request can cause has a bound, and a new secret always counts.
    #[must_use]
    pub fn new(mut credentials: Vec<Credential>) -> Self {
        credentials.sort_by_key(|credential| std::cmp::Reverse(credential.not_before()));
        Self { credentials }
    }

    /// Says whether the ring holds nothing at all, not even an expired credential.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.credentials.is_empty()
    }

    /// Returns how many credentials the ring holds, active or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.credentials.len()
    }

    /// Walks through all credentials, also those that do not count now.
    pub fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter()
    }

    /// Walks through the credentials that count now, at most [`MAX_ACTIVE`].
    pub fn active(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Credential> {
        self.credentials.iter().filter(move |credential| credential.is_active(now)).take(MAX_ACTIVE)
    }

    /// Returns the credential that the request proves.
    ///
    /// Every active credential is tried, also after a match, so that the time does not tell which.
    ///
    /// # Errors
    /// [`Mismatch`] if none matches, with the most telling of the reasons.
    pub fn verify(&self, request: &SignedRequest<'_>, now: DateTime<Utc>) -> Result<&Credential, Mismatch> {
        let mut matched = None;
        let mut refusal = Mismatch::NoCredential;
        for credential in self.active(now) {
            match credential.check.verify(request, now) {
                Ok(()) => matched = matched.or(Some(credential)),
                Err(reason) => refusal = refusal.max(reason),
            }
        }
        matched.ok_or(refusal)
    }
}
