//! How messages are taken in.

use dispatch::DispatchOptions;
use org_resolver::{CacheConfig, GatePolicy, Limits, LookupStep};
use signature::KeyRing;
use vapi_types::TrafficClass;

/// How messages are taken in.
#[derive(Clone)]
pub struct IntakeOptions {
    /// The lookup chain, in its order.
    pub order: Vec<LookupStep>,
    /// Sizes of the caches over the directory.
    pub cache: CacheConfig,
    /// The gate's allowances beyond organizations' own credentials.
    pub policy: GatePolicy,
    /// The deployment's keys, for organizations that never had one of their own.
    pub shared: KeyRing,
    /// How much is let in.
    pub limits: IntakeLimits,
    /// Deadlines and bounds of the work.
    pub dispatch: DispatchOptions,
    /// The public URL without a path, as recipes sign it; without it, recipes that sign the URL match nothing.
    pub public_url: Option<String>,
    /// Refuses what did not come over TLS.
    pub requires_https: bool,
}

/// How much is let in, in messages a minute.
#[derive(Clone, Copy, Debug)]
pub struct IntakeLimits {
    /// Unverified messages of one address.
    pub unverified_per_address: u32,
    /// Unverified messages in all.
    pub unverified_total: u32,
    /// Messages that only the deployment's secret proves, of all senders, that are kept.
    pub quarantined: u32,
    /// Messages of one organization that the provider waits for.
    pub waiting: u32,
    /// Events of one organization's calls.
    pub call_events: u32,
    /// Transcripts, speech and conversation updates of one organization.
    pub streams: u32,
    /// Bytes of one organization's bodies.
    pub bytes: u32,
    /// Largest body of a message that is not the report of a call's end, in bytes, not by the minute.
    pub max_other_body_bytes: usize,
}

impl Default for IntakeOptions {
    fn default() -> Self {
        Self {
            order: LookupStep::DEFAULT_ORDER.to_vec(),
            cache: CacheConfig::default(),
            policy: GatePolicy::default(),
            shared: KeyRing::new(Vec::new()),
            limits: IntakeLimits::default(),
            dispatch: DispatchOptions::default(),
            public_url: None,
            requires_https: false,
        }
    }
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            unverified_per_address: 100,
            unverified_total: 6_000,
            quarantined: 60,
            waiting: 600,
            call_events: 6_000,
            streams: 12_000,
            bytes: 256 << 20,
            max_other_body_bytes: 2 << 20,
        }
    }
}

impl IntakeLimits {
    /// An organization's allowance for a class: its own limit, or the deployment's.
    pub(crate) fn of(&self, class: TrafficClass, own: Limits) -> u32 {
        match class {
            TrafficClass::Waiting => own.waiting.unwrap_or(self.waiting),
            TrafficClass::CallEvent => own.call_events.unwrap_or(self.call_events),
            TrafficClass::Stream => own.streams.unwrap_or(self.streams),
        }
    }
}
