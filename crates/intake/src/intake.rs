//! Shared by every message: built once.

use std::sync::Arc;

use dispatch::Dispatcher;
use org_resolver::{LookupStep, OrgId, Resolver, ResolverBuilder};
use rate_limit::KeyedLimiter;
use storage::Storage;
use vapi_types::TrafficClass;

use crate::clock::Clock;
use crate::directory::DirectoryCache;
use crate::guard::UnverifiedGuard;
use crate::options::{IntakeLimits, IntakeOptions};

/// Organizations times classes whose allowance is remembered.
const MAX_ALLOWANCES: usize = 262_144;
/// Assistants remembered for the warning of missing metadata.
const MAX_WARNED: usize = 16_384;

/// Takes messages of all organizations, each to its answer. See [`receive`](Self::receive).
pub struct Intake {
    pub(crate) clock: Arc<dyn Clock>,
    /// Claims and proofs, over the caches and the store behind them.
    pub(crate) resolver: Resolver,
    /// The same over the caches alone.
    pub(crate) cached_resolver: Resolver,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) storage: Storage,
    pub(crate) guard: UnverifiedGuard,
    pub(crate) limits: IntakeLimits,
    /// The rest of each organization's allowance, by class.
    pub(crate) allowances: KeyedLimiter<(OrgId, TrafficClass)>,
    /// Assistants whose missing metadata was warned of lately, by hash.
    pub(crate) warned: KeyedLimiter<u64>,
    /// The public URL without a slash at its end.
    pub(crate) public_url: Option<String>,
    pub(crate) requires_https: bool,
    cache: DirectoryCache,
}

impl Intake {
    /// Over a store that is connected and migrated.
    pub fn new(storage: Storage, options: IntakeOptions, clock: Arc<dyn Clock>) -> Self {
        let IntakeOptions { order, cache, policy, shared, limits, dispatch, public_url, requires_https } =
            options;
        let cache = DirectoryCache::new(&storage.directory(), cache);
        let resolver = |builder: ResolverBuilder| {
            builder.steps(order.clone()).shared_secret(shared.clone()).policy(policy).build()
        };
        Self {
            clock,
            resolver: resolver(cache.resolver()),
            cached_resolver: resolver(cache.cached_resolver()),
            dispatcher: Dispatcher::new(storage.clone(), dispatch),
            storage,
            guard: UnverifiedGuard::new(limits.unverified_per_address, limits.unverified_total),
            limits,
            allowances: KeyedLimiter::new(MAX_ALLOWANCES),
            warned: KeyedLimiter::new(MAX_WARNED),
            public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
            requires_https,
            cache,
        }
    }

    /// The lookup chain in force, first step first.
    pub fn order(&self) -> &[LookupStep] {
        self.resolver.chain().order()
    }

    /// Hears of changes to the directory, so that the caches forget them, for as long as the future is polled.
    /// Without it, a change takes effect when the cached entry's time to live is over.
    pub async fn watch(&self) {
        self.storage.watch(&self.cache).await;
    }

    /// Waits until [`watch`](Self::watch) hears of every change.
    pub async fn watched(&self) {
        self.cache.watched().await;
    }
}
