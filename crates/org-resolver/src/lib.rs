#![doc = include_str!("../README.md")]

mod cache;
mod chain;
mod gate;
mod hints;
mod ids;
mod lookup;
pub mod memory;
mod step;
mod trace;

pub use cache::{CacheConfig, CachedKeys, CachedLookup};
pub use chain::{ChainConfig, ClaimedOrg, Resolution, ResolverChain, Unresolved};
pub use gate::{Admission, AdmitError, Gate, GatePolicy, RefusalReason, RefusedOrg, VerifiedOrg};
pub use hints::{Hint, OrgHints};
pub use ids::OrgId;
pub use lookup::{KeySource, Lookup, LookupError, LookupKey, OrgAccess, Owners, Ownership};
pub use step::{LookupStep, UnknownStep};
pub use tenant::{IdentifierKind, Limits};
pub use trace::{Conflict, StepResult, Trace, TraceStep};
