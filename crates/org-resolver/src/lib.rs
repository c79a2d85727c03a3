#![doc = include_str!("../README.md")]

#[cfg(feature = "cache")]
mod cache;
mod chain;
mod gate;
mod hints;
mod ids;
mod known;
mod lookup;
pub mod memory;
mod resolver;
mod step;
mod trace;

#[cfg(feature = "cache")]
pub use cache::{CacheConfig, CachedKeys, CachedLookup};
pub use chain::{ChainConfig, ClaimedOrg, Resolution, ResolverChain, Unresolved};
pub use gate::{Admission, AdmitError, Gate, GatePolicy, RefusalReason, RefusedOrg, VerifiedOrg};
pub use hints::{Hint, OrgHints};
pub use ids::OrgId;
pub use known::{KnownIdentifiers, Listing};
pub use lookup::{KeySource, Lookup, LookupError, LookupKey, OrgAccess, Owners, Ownership};
pub use resolver::{Rejection, Resolver, ResolverBuilder};
pub use step::{LookupStep, UnknownStep};
pub use tenant::{IdentifierKind, Limits};
pub use trace::{Conflict, StepResult, Trace, TraceStep};
