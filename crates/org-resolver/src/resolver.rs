//! Chain and gate in one: a request in, a proven organization out.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use signature::{KeyRing, Mismatch, SignedRequest};
use vapi_types::{Envelope, EnvelopeError};

#[cfg(feature = "cache")]
use crate::cache::{CacheConfig, CachedKeys, CachedLookup};
use crate::chain::{ChainConfig, Resolution, ResolverChain, Unresolved};
use crate::gate::{Admission, AdmitError, Gate, GatePolicy, RefusalReason, RefusedOrg, VerifiedOrg};
use crate::hints::OrgHints;
use crate::lookup::{KeySource, Lookup, LookupError};
use crate::step::LookupStep;

/// Finds the organization of a message and proves the claim.
pub struct Resolver {
    chain: ResolverChain,
    gate: Gate,
}

/// How a [`Resolver`] works; the defaults are the server's.
pub struct ResolverBuilder {
    lookup: Arc<dyn Lookup>,
    keys: Arc<dyn KeySource>,
    chain: ChainConfig,
    shared: KeyRing,
    policy: GatePolicy,
}

/// Why a request is not acted upon.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The body is no message.
    #[error("the body is no message")]
    Unreadable(#[source] EnvelopeError),
    /// No identifier of the message points at an organization.
    #[error("{}", .0.detail())]
    Unresolved(Unresolved),
    /// No credential of the claimed organization matches.
    #[error("no credential of the organization matches")]
    Unauthorized(#[source] Mismatch),
    /// The message is authentic and is refused.
    #[error("the message is authentic and is refused: {}", .0.reason().as_str())]
    Refused(RefusedOrg),
    /// The directory cannot answer now; the same request may be admitted later.
    #[error("the directory cannot answer")]
    Unavailable(#[source] LookupError),
}

impl Rejection {
    /// The stable name of the reason, as the server's answers have it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable_payload",
            Self::Unresolved(_) => "unresolved_organization",
            Self::Unauthorized(_) => "unauthorized",
            Self::Refused(org) => match org.reason() {
                RefusalReason::Conflict(_) => "conflicting_organizations",
                RefusalReason::Inactive => "organization_inactive",
            },
            Self::Unavailable(_) => "unavailable",
        }
    }
}

impl Resolver {
    /// Over a directory that knows identifiers and keys, as it is.
    pub fn builder<D: Lookup + KeySource + 'static>(directory: Arc<D>) -> ResolverBuilder {
        let lookup: Arc<dyn Lookup> = Arc::<D>::clone(&directory);
        Self::over(lookup, directory)
    }

    /// Over two halves of a directory.
    pub fn over(lookup: Arc<dyn Lookup>, keys: Arc<dyn KeySource>) -> ResolverBuilder {
        ResolverBuilder {
            lookup,
            keys,
            chain: ChainConfig::default(),
            shared: KeyRing::new(Vec::new()),
            policy: GatePolicy::default(),
        }
    }

    /// Reads a message, finds its organization and proves the claim.
    ///
    /// # Errors
    /// [`Rejection`] says why the message must not be acted upon.
    pub async fn verify(
        &self,
        request: &SignedRequest<'_>,
        now: DateTime<Utc>,
    ) -> Result<VerifiedOrg, Rejection> {
        let envelope = Envelope::parse(request.body).map_err(Rejection::Unreadable)?;
        let hints = OrgHints::from_envelope(&envelope);
        let claimed = match self.chain.resolve(&hints, now).await.map_err(Rejection::Unavailable)? {
            Resolution::Claimed(claimed) => *claimed,
            Resolution::Unresolved(unresolved) => {
                // An unknown organization costs what a wrong signature does.
                let _ = self.gate.is_proven_by_shared(request, now);
                return Err(Rejection::Unresolved(unresolved));
            }
        };
        match self.gate.admit(claimed, request, now).await {
            Ok(Admission::Admitted(org)) => Ok(org),
            Ok(Admission::Refused(org)) => Err(Rejection::Refused(org)),
            Err(AdmitError::Rejected(refusal)) => Err(Rejection::Unauthorized(refusal)),
            Err(AdmitError::Keys(error)) => Err(Rejection::Unavailable(error)),
        }
    }

    /// The first half: whose a message claims to be.
    pub fn chain(&self) -> &ResolverChain {
        &self.chain
    }

    /// The second half: whether the claim is proven.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl ResolverBuilder {
    /// Looks up these steps, in this order.
    #[must_use]
    pub fn steps(mut self, order: Vec<LookupStep>) -> Self {
        self.chain.order = order;
        self
    }

    /// Serves organizations that never had a credential of their own by the deployment's.
    #[must_use]
    pub fn shared_secret(mut self, shared: KeyRing) -> Self {
        self.shared = shared;
        self
    }

    /// Allows more than organizations' own credentials do.
    #[must_use]
    pub fn policy(mut self, policy: GatePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Remembers the directory's answers until the time to live is over. To hear of changes in between, keep a
    /// [`CachedLookup`] and [`CachedKeys`], invalidate them, and build with [`Resolver::over`].
    #[cfg(feature = "cache")]
    #[must_use]
    pub fn cached(mut self, config: CacheConfig) -> Self {
        self.lookup = Arc::new(CachedLookup::new(Arc::new(self.lookup), config));
        self.keys = Arc::new(CachedKeys::new(Arc::new(self.keys), config));
        self
    }

    /// The resolver.
    pub fn build(self) -> Resolver {
        Resolver {
            chain: ResolverChain::new(self.lookup, self.chain),
            gate: Gate::new(self.keys, self.shared, self.policy),
        }
    }
}
