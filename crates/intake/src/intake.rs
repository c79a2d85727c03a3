//! Shared by every message: built once.

use std::sync::Arc;
use std::time::Duration;

use dispatch::Dispatcher;
use org_resolver::{LookupStep, OrgId, Resolver, ResolverBuilder};
use rate_limit::{Bucket, KeyedLimiter};
use storage::Storage;
use vapi_types::TrafficClass;

use crate::clock::Clock;
use crate::directory::DirectoryCache;
use crate::error::error_chain;
use crate::guard::UnverifiedGuard;
use crate::known_calls::KnownCalls;
use crate::options::{IntakeLimits, IntakeOptions};
use crate::refusals::Refusals;

/// How often refusals are written.
const WRITE_REFUSALS_EVERY: Duration = Duration::from_secs(5);
/// Organizations times classes whose allowance is remembered.
const MAX_ALLOWANCES: usize = 262_144;
/// Assistants remembered for the warning of missing metadata.
const MAX_WARNED: usize = 16_384;

/// Takes messages of all organizations, each to its answer. See [`receive`](Self::receive).
pub struct Intake {
    pub(crate) clock: Arc<dyn Clock>,
    /// Claims and proofs, over the caches and the store behind them.
    pub(crate) resolver: Resolver,
    /// The same for an address over its budget: it looks for nothing that a stranger could have made up.
    pub(crate) guarded_resolver: Resolver,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) storage: Storage,
    pub(crate) guard: UnverifiedGuard,
    pub(crate) known_calls: Arc<KnownCalls>,
    pub(crate) refusals: Refusals,
    pub(crate) limits: IntakeLimits,
    /// The rate of messages that are kept for nobody.
    pub(crate) quarantined: Bucket,
    /// The rest of each organization's allowance, by class.
    pub(crate) allowances: KeyedLimiter<(OrgId, TrafficClass)>,
    /// The same in bytes of bodies.
    pub(crate) byte_allowances: KeyedLimiter<OrgId>,
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
        let cache = DirectoryCache::new(storage.directory(), cache);
        let known_calls = Arc::new(KnownCalls::new());
        let resolver = |builder: ResolverBuilder| {
            builder.steps(order.clone()).shared_secret(shared.clone()).policy(policy).build()
        };
        Self {
            clock,
            resolver: resolver(cache.resolver()),
            guarded_resolver: resolver(cache.guarded_resolver(Arc::clone(&known_calls))),
            dispatcher: Dispatcher::new(storage.clone(), dispatch),
            storage,
            guard: UnverifiedGuard::new(limits.unverified_per_address, limits.unverified_total),
            known_calls,
            refusals: Refusals::default(),
            limits,
            quarantined: Bucket::new(),
            allowances: KeyedLimiter::new(MAX_ALLOWANCES),
            byte_allowances: KeyedLimiter::new(MAX_ALLOWANCES),
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

    /// Hears of changes to the directory, so that the caches forget what is no longer so, reads which identifiers there are,
    /// and writes what was refused, for as long as the future is polled. Without it, a change takes effect when the cached answer's time to live is
    /// over, and an address over its budget costs the directory what any other does.
    pub async fn watch(&self) {
        let writing = async {
            loop {
                tokio::time::sleep(WRITE_REFUSALS_EVERY).await;
                self.write_refusals().await;
            }
        };
        tokio::join!(self.storage.watch(&self.cache), self.cache.keep_complete(), writing);
    }

    /// Writes the refusals that were counted since the last time; [`watch`](Self::watch) does it every few seconds.
    pub async fn write_refusals(&self) {
        let counted = self.refusals.take();
        if counted.is_empty() {
            return;
        }
        if let Err(error) = self.storage.count_refusals(&counted).await {
            tracing::warn!(error = error_chain(&error), "refusals cannot be written yet");
            self.refusals.put_back(counted);
        }
    }

    /// Waits until [`watch`](Self::watch) hears of every change.
    pub async fn watched(&self) {
        self.cache.watched().await;
    }
}
