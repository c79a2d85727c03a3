//! Asks the directory what it knows of a payload, the way the server does before it verifies.

use std::sync::Arc;

use org_resolver::{
    ChainConfig, ClaimedOrg, Conflict, KeySource, LookupError, OrgHints, Resolution, ResolverChain,
};
use server::{Clock, SystemClock};
use vapi_types::Envelope;

use super::finding::{Explanation, Outcome};
use crate::store::NoKey;
use crate::{environment, options, output, store};

/// The lookup chain with the directory behind it, if there is one.
pub(super) struct Question {
    chain: ResolverChain,
    keys: Option<Arc<dyn KeySource>>,
    clock: SystemClock,
    /// Whether a directory that should have answered did not.
    pub(super) has_failed: bool,
}

impl Question {
    /// Opens the directory, unless there is none or it is not wanted.
    ///
    /// # Errors
    /// When the configuration cannot be used.
    pub(super) async fn new(no_database: bool) -> anyhow::Result<Self> {
        let settings = environment::settings()?;
        let order = ChainConfig { order: settings.chain_order() };
        let nowhere =
            || ResolverChain::new(Arc::new(org_resolver::memory::MemoryDirectory::new()), order.clone());
        let mut question =
            Self { chain: nowhere(), keys: None, clock: SystemClock::new(), has_failed: false };
        if no_database {
            return Ok(question);
        }
        if let Some(path) = store::missing_file(&options::storage(&settings)?.url) {
            output::complain(format_args!(
                "there is no database at {}: nothing is looked up",
                path.display()
            ));
            return Ok(question);
        }
        match store::connect(&settings, NoKey::GoOn).await {
            Ok(storage) => {
                question.chain = ResolverChain::new(storage.directory(), order);
                question.keys = Some(storage.directory());
            }
            Err(error) => question.fail(&error),
        }
        Ok(question)
    }

    /// Whether anything is looked up.
    pub(super) fn has_database(&self) -> bool {
        self.keys.is_some()
    }

    /// Explains one payload.
    pub(super) async fn ask(&mut self, file: &str, payload: &[u8]) -> Explanation {
        let envelope = match Envelope::parse(payload) {
            Ok(envelope) => envelope,
            Err(error) => return Explanation::unreadable(file, &error),
        };
        let hints = OrgHints::from_envelope(&envelope);
        if let Some(keys) = self.keys.clone() {
            match self.look_up(&*keys, file, &envelope, &hints).await {
                Ok(explanation) => return explanation,
                Err(error) => self.fail(&error.into()),
            }
        }
        let trace = self.chain.trace_only(&hints);
        Explanation::of(file, &envelope, &hints, self.chain.order(), &trace)
    }

    async fn look_up(
        &self,
        keys: &dyn KeySource,
        file: &str,
        envelope: &Envelope<'_>,
        hints: &OrgHints,
    ) -> Result<Explanation, LookupError> {
        let explain = |trace| Explanation::of(file, envelope, hints, self.chain.order(), trace);
        match self.chain.resolve(hints, self.clock.now()).await? {
            Resolution::Unresolved(unresolved) => {
                let mut explanation = explain(&unresolved.trace);
                if unresolved.is_inactive {
                    explanation.outcome = Outcome::Inactive;
                }
                Ok(explanation)
            }
            Resolution::Claimed(claimed) => {
                let mut explanation = explain(claimed.trace());
                explanation.organization_id = Some(claimed.id());
                explanation.via = Some(claimed.via());
                (explanation.outcome, explanation.conflicts) = judge(keys, &claimed, hints).await?;
                Ok(explanation)
            }
        }
    }

    fn fail(&mut self, error: &anyhow::Error) {
        output::complain(format_args!(
            "{error:#}: looks are skipped (--no-database reads the payloads alone)"
        ));
        self.has_failed = true;
    }
}

/// The gate's decision on the claim if its signature is right: conflicts first, as at the gate.
async fn judge(
    keys: &dyn KeySource,
    claimed: &ClaimedOrg,
    hints: &OrgHints,
) -> Result<(Outcome, Vec<Conflict>), LookupError> {
    let access = keys.access(claimed.id()).await?;
    let mut conflicts = claimed.trace().conflicts.clone();
    if let Some(registered) = access.as_ref().and_then(|access| access.vapi_org_id.as_deref()) {
        let others = hints.accounts().iter().filter(|(value, _)| value != registered);
        conflicts.extend(others.map(|(value, path)| Conflict {
            step: claimed.via(),
            value: value.clone(),
            path: path.clone(),
            organization_id: None,
        }));
    }
    let outcome = if !conflicts.is_empty() {
        Outcome::Conflict
    } else if access.is_some_and(|access| access.is_active) {
        Outcome::Resolved
    } else {
        Outcome::Inactive
    };
    Ok((outcome, conflicts))
}
