//! How organizations are found.

use org_resolver::{CacheConfig, LookupStep};
use serde::Deserialize;

use crate::section::section;
use crate::words;

section! {
    /// How organizations are found.
    ResolverSettings {
        /// The lookup chain; the first step that finds an organization decides.
        #[serde(deserialize_with = "words::list")]
        order: Vec<LookupStep> = LookupStep::DEFAULT_ORDER.to_vec();
        /// `off` takes metadata out of the chain.
        metadata: Switch = Switch::On;
        /// Lets the shared secret admit a message whose only identifier is metadata: for deployments with one owner.
        metadata_with_shared_secret: bool = false;
        /// How long an answer of the directory is good when no notice of a change arrives, in milliseconds. Then it is asked
        /// for again; where the directory cannot answer, it serves on.
        cache_ttl_ms: u64 = 60_000;
        /// Known identifiers kept.
        cache_hits: u64 = CacheConfig::default().hits;
        /// Unknown identifiers kept.
        cache_misses: u64 = CacheConfig::default().misses;
        /// Organizations whose keys are kept.
        cache_organizations: u64 = CacheConfig::default().organizations;
    }
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// In use.
    On,
    /// Not in use.
    Off,
}
