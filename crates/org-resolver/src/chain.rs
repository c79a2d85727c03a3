//! The ordered chain: hints in, one claim out, every look on record.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::hints::{Hint, OrgHints};
use crate::ids::OrgId;
use crate::lookup::{Lookup, LookupError, LookupKey, Owners, Ownership};
use crate::step::LookupStep;
use crate::trace::{Conflict, StepResult, Trace, TraceStep};

/// Which steps run, and in which order.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// The steps, first decides. A step left out is not looked up.
    pub order: Vec<LookupStep>,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self { order: LookupStep::DEFAULT_ORDER.to_vec() }
    }
}

/// The claim that an organization's identifiers make, and no proof. It can pick keys and nothing else.
#[derive(Debug)]
#[must_use = "a claim has to be proven by the gate"]
pub struct ClaimedOrg {
    pub(crate) id: OrgId,
    pub(crate) via: LookupStep,
    pub(crate) own_credential_only: bool,
    pub(crate) assistant_id: Option<Box<str>>,
    pub(crate) accounts: Vec<(String, String)>,
    pub(crate) metadata_missing: bool,
    pub(crate) trace: Trace,
}

impl ClaimedOrg {
    /// The organization that the identifiers point at.
    pub fn id(&self) -> OrgId {
        self.id
    }

    /// The step that decided.
    pub fn via(&self) -> LookupStep {
        self.via
    }

    /// The value that decided, as it was looked up.
    pub fn value(&self) -> Option<&str> {
        let decides = |look: &&TraceStep| look.step == self.via && look.organization_id == Some(self.id);
        self.trace.steps.iter().find(decides).map(|look| &*look.value)
    }

    /// Every look that led here.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// True when something else decided and `metadata` named no organization at all.
    pub fn is_metadata_missing(&self) -> bool {
        self.metadata_missing
    }
}

/// The chain's answer to a message's hints.
#[derive(Debug)]
pub enum Resolution {
    /// An organization is claimed.
    Claimed(Box<ClaimedOrg>),
    /// No identifier of the message points at an organization.
    Unresolved(Unresolved),
}

/// Why no organization was found.
#[derive(Debug)]
pub struct Unresolved {
    /// The first step of the chain that had a value to look up.
    pub tried: Option<LookupStep>,
    /// True when a mapping exists and is switched off.
    pub is_inactive: bool,
    /// True when an identifier belonged to an organization then that has been removed since: the message stays nobody's.
    pub was_owned: bool,
    /// Every look.
    pub trace: Trace,
}

impl Unresolved {
    /// The sentence for whoever sent the message.
    pub fn detail(&self) -> String {
        match self.tried {
            Some(step) => format!("Organization not found for this {}", step.noun()),
            None => "The message holds no identifier of an organization".to_owned(),
        }
    }
}

/// Resolves hints to a claim, step by step.
#[derive(Clone)]
pub struct ResolverChain {
    lookup: Arc<dyn Lookup>,
    config: ChainConfig,
}

impl ResolverChain {
    /// A chain over a directory.
    pub fn new(lookup: Arc<dyn Lookup>, config: ChainConfig) -> Self {
        Self { lookup, config }
    }

    /// The steps in force, first decides.
    pub fn order(&self) -> &[LookupStep] {
        &self.config.order
    }

    /// Looks up every value of every step in one round trip, and takes the first hit in chain order.
    ///
    /// Mappings decide before pins, and pins before metadata, whatever the order says of them: a forged
    /// metadata value never outranks what an operator declared.
    ///
    /// # Errors
    /// [`LookupError`] when the directory cannot answer.
    pub async fn resolve(&self, hints: &OrgHints, now: DateTime<Utc>) -> Result<Resolution, LookupError> {
        let started = Instant::now();
        let looks = self.looks(hints);
        let owners = self.lookup.owners(&looks.keys).await?;
        // A call that began before now is looked up at its beginning; a clock ahead of ours is not believed.
        let at = hints.created_at().map_or(now, |created| created.min(now));
        let mut verdicts: Vec<Verdict> = looks.each.iter().map(|look| look.verdict(&owners, at)).collect();
        let has_mapping = looks
            .each
            .iter()
            .zip(&verdicts)
            .any(|(look, verdict)| look.hint.step != LookupStep::Metadata && verdict.hit().is_some());
        let call_id = hints.call_id().filter(|id| {
            id.len() <= LookupKey::MAX_VALUE_BYTES && self.config.order.contains(&LookupStep::CallId)
        });
        let pins = match call_id {
            Some(call_id) if !has_mapping => Some(self.lookup.pins(call_id).await?),
            _ => None,
        };
        settle_pins(&looks.each, &mut verdicts, pins.as_deref());
        Ok(self.decide(hints, &looks, &verdicts, has_mapping, started))
    }

    /// The trace of a message when there is no directory to ask: every look is skipped.
    pub fn trace_only(&self, hints: &OrgHints) -> Trace {
        let looks = self.looks(hints);
        let steps = looks.each.iter().map(|look| looks.trace(look, &Verdict::skipped())).collect();
        Trace { steps, ..Trace::default() }
    }

    fn looks<'a>(&self, hints: &'a OrgHints) -> Looks<'a> {
        let count = hints.iter().count();
        let mut looks = Looks { each: Vec::with_capacity(count), keys: Vec::with_capacity(count) };
        for step in &self.config.order {
            for hint in hints.iter().filter(|hint| hint.step == *step) {
                let key = hint.mapping().and_then(|kind| LookupKey::new(kind, &hint.value));
                let key = key.map(|key| looks.position(key));
                looks.each.push(Look { hint, key });
            }
        }
        looks
    }

    fn decide(
        &self,
        hints: &OrgHints,
        looks: &Looks<'_>,
        verdicts: &[Verdict],
        has_mapping: bool,
        started: Instant,
    ) -> Resolution {
        let mut trace = Trace {
            steps: looks.zip(verdicts).map(|(look, verdict)| looks.trace(look, verdict)).collect(),
            conflicts: Vec::new(),
            duration_us: u64::try_from(started.elapsed().as_micros()).ok(),
        };
        let first = |wanted: &dyn Fn(LookupStep) -> bool| {
            looks.zip(verdicts).find_map(|(look, verdict)| {
                verdict.hit().filter(|_| wanted(look.hint.step)).map(|org| (look.hint, org))
            })
        };
        let decided = if has_mapping {
            first(&|step| step != LookupStep::Metadata && step != LookupStep::CallId)
        } else {
            first(&|step| step == LookupStep::CallId).or_else(|| first(&|step| step == LookupStep::Metadata))
        };
        let Some((hint, org)) = decided else {
            let is_inactive = verdicts.iter().any(|verdict| verdict.result == StepResult::Inactive);
            return Resolution::Unresolved(Unresolved {
                tried: looks.each.first().map(|look| look.hint.step),
                is_inactive,
                was_owned: verdicts.iter().any(|verdict| verdict.was_owned),
                trace,
            });
        };
        trace.conflicts = looks
            .zip(verdicts)
            .filter_map(|(look, verdict)| {
                verdict.hit().filter(|other| *other != org).map(|other| (look, other))
            })
            .map(|(look, other)| Conflict {
                step: look.hint.step,
                value: looks.shown(look).to_owned(),
                path: look.hint.path.clone(),
                organization_id: Some(other),
            })
            .collect();
        let metadata_named = looks.each.iter().any(|look| look.hint.step == LookupStep::Metadata);
        Resolution::Claimed(Box::new(ClaimedOrg {
            id: org,
            via: hint.step,
            own_credential_only: hint.is_declared,
            assistant_id: hints.assistant_id().map(Into::into),
            accounts: hints.accounts().to_vec(),
            metadata_missing: hint.step != LookupStep::Metadata && !metadata_named,
            trace,
        }))
    }
}

/// Every value of a message to look up, and the keys that are asked for: each one once, however often it stands there.
struct Looks<'a> {
    each: Vec<Look<'a>>,
    keys: Vec<LookupKey>,
}

impl<'a> Looks<'a> {
    /// The place of a key among those that are asked for.
    fn position(&mut self, key: LookupKey) -> usize {
        self.keys.iter().position(|other| *other == key).unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        })
    }

    fn zip<'b>(&'b self, verdicts: &'b [Verdict]) -> impl Iterator<Item = (&'b Look<'a>, &'b Verdict)> {
        self.each.iter().zip(verdicts)
    }

    fn shown(&self, look: &Look<'a>) -> &str {
        let key = look.key.and_then(|position| self.keys.get(position));
        key.map_or(&look.hint.value, |key| &key.value)
    }

    fn trace(&self, look: &Look<'a>, verdict: &Verdict) -> TraceStep {
        TraceStep {
            step: look.hint.step,
            value: self.shown(look).to_owned(),
            path: look.hint.path.clone(),
            result: verdict.result,
            organization_id: verdict.org,
            cached: verdict.cached,
        }
    }
}

/// One value to look up, and the place of its key where it can match at all.
struct Look<'a> {
    hint: &'a Hint,
    key: Option<usize>,
}

impl Look<'_> {
    fn verdict(&self, owners: &Owners, at: DateTime<Utc>) -> Verdict {
        let Some(position) = self.key else {
            return Verdict { result: StepResult::Miss, org: None, cached: true, was_owned: false };
        };
        let cached = owners.cached.get(position).copied().unwrap_or(false);
        let owner = owners.histories.get(position).and_then(|rows| owner_at(rows, at));
        match owner {
            Some(Ownership { org: Some(org), is_active, .. }) => {
                let result = if *is_active { StepResult::Hit } else { StepResult::Inactive };
                Verdict { result, org: Some(*org), cached, was_owned: false }
            }
            former => Verdict { result: StepResult::Miss, org: None, cached, was_owned: former.is_some() },
        }
    }
}

/// The owner at an instant. An ownership that covers no instant of the message's is no owner.
fn owner_at(rows: &[Ownership], at: DateTime<Utc>) -> Option<&Ownership> {
    rows.iter().find(|row| row.covers(at))
}

struct Verdict {
    result: StepResult,
    org: Option<OrgId>,
    cached: bool,
    /// The owner at the message's time has been removed.
    was_owned: bool,
}

impl Verdict {
    const fn skipped() -> Self {
        Self { result: StepResult::Skipped, org: None, cached: false, was_owned: false }
    }

    fn hit(&self) -> Option<OrgId> {
        self.org.filter(|_| self.result == StepResult::Hit)
    }
}

/// Pins count only where no mapping hit, and only when one organization alone pinned the call.
fn settle_pins(looks: &[Look<'_>], verdicts: &mut [Verdict], pins: Option<&[OrgId]>) {
    for (_, verdict) in
        looks.iter().zip(verdicts.iter_mut()).filter(|(look, _)| look.hint.step == LookupStep::CallId)
    {
        *verdict = match pins {
            None => Verdict::skipped(),
            Some([only]) => {
                Verdict { result: StepResult::Hit, org: Some(*only), cached: false, was_owned: false }
            }
            Some(_) => Verdict { result: StepResult::Miss, org: None, cached: false, was_owned: false },
        };
    }
}
