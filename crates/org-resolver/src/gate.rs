//! The gate: only a claim and a valid credential of the claimed organization give a [`VerifiedOrg`].

use std::sync::Arc;

use chrono::{DateTime, Utc};
use signature::{CredentialId, KeyRing, Mismatch, SignedRequest};

use crate::chain::ClaimedOrg;
use crate::ids::OrgId;
use crate::lookup::{KeySource, LookupError, OrgAccess};
use crate::step::LookupStep;
use crate::trace::{Conflict, Trace};

/// An organization whose message was proven with its own credential, or with the deployment's where it has none.
///
/// The fields are private, and there is no `Clone`, no `Deserialize` and no constructor beside the [`Gate`]:
///
/// ```compile_fail
/// fn forge(id: org_resolver::OrgId) -> org_resolver::VerifiedOrg {
///     org_resolver::VerifiedOrg { id }
/// }
/// ```
/// ```compile_fail
/// fn copy(org: &org_resolver::VerifiedOrg) -> org_resolver::VerifiedOrg {
///     org.clone()
/// }
/// ```
/// ```
/// fn name(org: &org_resolver::VerifiedOrg) -> org_resolver::OrgId {
///     org.id()
/// }
/// ```
#[derive(Debug)]
#[must_use = "a verified organization does nothing until a scope is opened with it"]
pub struct VerifiedOrg {
    id: OrgId,
    via: LookupStep,
    credential: Option<CredentialId>,
    assistant_id: Option<Box<str>>,
    access: Arc<OrgAccess>,
    trace: Trace,
}

impl VerifiedOrg {
    /// The organization.
    pub fn id(&self) -> OrgId {
        self.id
    }

    /// The step that decided.
    pub fn via(&self) -> LookupStep {
        self.via
    }

    /// The organization's credential that matched; `None` for the deployment's shared secret.
    pub fn credential(&self) -> Option<CredentialId> {
        self.credential
    }

    /// SHA-256 of what the request has signed, where the organization's own credential signs what makes a request its own;
    /// see [`Credential::signed_digest`](signature::Credential::signed_digest).
    pub fn signed_digest(&self, request: &SignedRequest<'_>) -> Option<[u8; 32]> {
        let own = self.access.keys.iter().find(|credential| Some(credential.id()) == self.credential)?;
        own.signed_digest(request)
    }

    /// The assistant that the message names.
    pub fn assistant_id(&self) -> Option<&str> {
        self.assistant_id.as_deref()
    }

    /// The organization's state at the time of verification.
    pub fn access(&self) -> &OrgAccess {
        &self.access
    }

    /// The tag of the language that the organization's callers are spoken to in.
    pub fn language(&self) -> &str {
        &self.access.language
    }

    /// Every look that led here, without the names of other owners.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// A verified organization out of thin air, for tests of code behind the gate.
    #[cfg(feature = "test-support")]
    pub fn for_tests(id: OrgId) -> Self {
        Self {
            id,
            via: LookupStep::AssistantId,
            credential: None,
            assistant_id: None,
            access: Arc::new(OrgAccess {
                is_active: true,
                vapi_org_id: None,
                has_own_credentials: false,
                keys: KeyRing::new(Vec::new()),
                limits: tenant::Limits::default(),
                language: "en".into(),
            }),
            trace: Trace::default(),
        }
    }
}

/// A proven message that must not be acted upon. It opens the organization's security log and nothing else.
#[derive(Debug)]
#[must_use = "a refused message is recorded for its organization"]
pub struct RefusedOrg {
    id: OrgId,
    reason: RefusalReason,
    language: Box<str>,
    trace: Trace,
}

impl RefusedOrg {
    /// The organization whose credential proved the message.
    pub fn id(&self) -> OrgId {
        self.id
    }

    /// Why the message is refused.
    pub fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// The tag of the language that the organization's callers are spoken to in.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// Every look, with the conflicts, without the names of other owners.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// A refused organization out of thin air, for tests of code behind the gate.
    #[cfg(feature = "test-support")]
    pub fn for_tests(id: OrgId, reason: RefusalReason) -> Self {
        Self { id, reason, language: "en".into(), trace: Trace::default() }
    }
}

/// Why a proven message is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// Other identifiers of the message belong to somebody else.
    Conflict(Vec<Conflict>),
    /// The organization is switched off.
    Inactive,
}

impl RefusalReason {
    /// The reason's name in logs and in the security log.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "conflict",
            Self::Inactive => "inactive",
        }
    }
}

/// The gate's decision on a claim whose credential is valid.
#[derive(Debug)]
pub enum Admission {
    /// The message may be acted upon.
    Admitted(VerifiedOrg),
    /// The message is authentic and is refused.
    Refused(RefusedOrg),
}

/// Why a claim is not admitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdmitError {
    /// The organization's keys cannot be read now.
    #[error("the organization's keys cannot be read")]
    Keys(#[source] LookupError),
    /// No credential of the organization matches.
    #[error("no credential of the organization matches")]
    Rejected(#[source] Mismatch),
}

/// The gate's allowances beyond an organization's own credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GatePolicy {
    /// Lets the deployment's shared secret admit a message whose only identifier is metadata.
    /// For deployments with a single owner.
    pub metadata_with_shared_secret: bool,
}

/// Proves claims. The only mint of [`VerifiedOrg`].
pub struct Gate {
    keys: Arc<dyn KeySource>,
    shared: KeyRing,
    policy: GatePolicy,
}

impl Gate {
    /// A gate over organizations' keys. `shared` holds the deployment's own secret under each recipe that it is
    /// tried with; it serves organizations that never had a credential, and may be empty.
    pub fn new(keys: Arc<dyn KeySource>, shared: KeyRing, policy: GatePolicy) -> Self {
        Self { keys, shared, policy }
    }

    /// Admits the message if it carries a valid credential of the organization that it claims.
    ///
    /// Conflicts and inactivity are looked at after the credential, so that nobody else learns of them.
    /// Every rejection costs at least one pass of HMAC over the body, whatever its reason.
    ///
    /// # Errors
    /// [`AdmitError::Keys`] if keys cannot be read, [`AdmitError::Rejected`] if no key matches.
    pub async fn admit(
        &self,
        claimed: ClaimedOrg,
        request: &SignedRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<Admission, AdmitError> {
        // Keys are looked up by the claim itself, so a valid credential of one organization never admits another.
        let access = self.keys.access(claimed.id).await.map_err(AdmitError::Keys)?;
        let verdict = match &access {
            Some(access) if access.has_own_credentials => {
                access.keys.verify(request, now).map(|credential| Some(credential.id()))
            }
            Some(_) if self.shared_serves(&claimed) => self.shared.verify(request, now).map(|_| None),
            _ => Err(Mismatch::NoCredential),
        };
        let credential = verdict.map_err(|refusal| {
            equalise_time_unless_hashed(refusal, request);
            AdmitError::Rejected(refusal)
        })?;
        let Some(access) = access else { return Err(AdmitError::Rejected(Mismatch::NoCredential)) };
        Ok(admission(claimed, credential, access))
    }

    /// Spends on a message without a claim what a wrong signature costs, and says whether the deployment's
    /// shared secret proves it: such a message is kept for the operator.
    pub fn is_proven_by_shared(&self, request: &SignedRequest<'_>, now: DateTime<Utc>) -> bool {
        match self.shared.verify(request, now) {
            Ok(_) => true,
            Err(refusal) => {
                equalise_time_unless_hashed(refusal, request);
                false
            }
        }
    }

    fn shared_serves(&self, claimed: &ClaimedOrg) -> bool {
        let only_metadata = claimed.via == LookupStep::Metadata;
        !claimed.own_credential_only && (!only_metadata || self.policy.metadata_with_shared_secret)
    }
}

/// Hashes the body where the verifier refused before it came to that.
fn equalise_time_unless_hashed(refusal: Mismatch, request: &SignedRequest<'_>) {
    if refusal != Mismatch::InvalidSignature {
        signature::equalise_time(request.body);
    }
}

fn admission(claimed: ClaimedOrg, credential: Option<CredentialId>, access: Arc<OrgAccess>) -> Admission {
    let ClaimedOrg { id, via, assistant_id, accounts, mut trace, .. } = claimed;
    if let Some(registered) = &access.vapi_org_id {
        trace.conflicts.extend(
            accounts.into_iter().filter(|(value, _)| **value != **registered).map(|(value, path)| Conflict {
                step: via,
                value,
                path,
                organization_id: None,
            }),
        );
    }
    let reason = if !trace.conflicts.is_empty() {
        RefusalReason::Conflict(trace.conflicts.clone())
    } else if !access.is_active {
        RefusalReason::Inactive
    } else {
        let trace = trace.seen_by(id);
        return Admission::Admitted(VerifiedOrg { id, via, credential, assistant_id, access, trace });
    };
    let trace = trace.seen_by(id);
    Admission::Refused(RefusedOrg { id, reason, language: access.language.clone(), trace })
}
