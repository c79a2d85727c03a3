//! Stored messages, taken again by an operator: messages of the inbox are replayed, messages of the quarantine claimed.
//!
//! A dry run does all the work and rolls it back, so that it shows what the real run will do. A replay is no
//! delivery, and no tool ever runs: the caller has hung up.

mod claim;
mod difference;
mod effects;
mod judge;
mod report;
mod rerun;
mod snapshot;

use dispatch::ToolRegistry;
use org_resolver::{ChainConfig, GatePolicy, LookupError, ResolverChain};
use storage::{Storage, StorageError};
use uuid::Uuid;

pub use difference::{ChangeKind, FieldChange, RowChange};
pub use report::{
    ClaimOutcome, ClaimRefusal, ClaimReport, ReplayOutcome, ReplayRefusal, ReplayReport, ReplayedMessage,
    ToolReport, ToolState,
};

/// Takes stored messages again.
pub struct Replayer {
    storage: Storage,
    chain: ResolverChain,
    policy: GatePolicy,
    tools: ToolRegistry,
}

/// Whether what is done is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything is done and rolled back.
    DryRun,
    /// Everything is done and committed.
    Apply,
}

/// Which messages of the inbox are replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection<'a> {
    /// One message, by our id.
    Message(Uuid),
    /// Every message of a call, by the provider's id, in the order of their arrival.
    Call(&'a str),
}

/// Actor and reason, for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Operator<'a> {
    /// A person or a program.
    pub actor: &'a str,
    /// The reason.
    pub reason: &'a str,
}

/// Why nothing could be said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The store failed; what was not committed is not kept.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// The directory cannot say whose a message is.
    #[error("the directory cannot say whose the message is")]
    Directory(#[from] LookupError),
}

impl Replayer {
    /// A replayer that finds organizations by the same chain as the server, without its caches, and allows the
    /// deployment's shared secret no more than the server's gate does.
    pub fn new(storage: Storage, chain: ChainConfig, policy: GatePolicy) -> Self {
        let chain = ResolverChain::new(storage.directory(), chain);
        Self { storage, chain, policy, tools: ToolRegistry::built_in() }
    }
}
