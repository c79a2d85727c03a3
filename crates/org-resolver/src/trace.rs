//! The record of how a claim came about, stored with the message and shown to operators.

use serde::Serialize;

use crate::ids::OrgId;
use crate::step::LookupStep;

/// The result of one look at one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepResult {
    /// The value belongs to an organization.
    Hit,
    /// The value has no owner.
    Miss,
    /// The mapping exists and is switched off; it counts as a miss.
    Inactive,
    /// The value was not looked up.
    Skipped,
}

/// One value of the message and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceStep {
    /// Which step looked.
    pub step: LookupStep,
    /// The value as looked up: numbers normalised.
    pub value: String,
    /// Where in the document it stood.
    pub path: String,
    /// The result of the look.
    pub result: StepResult,
    /// The owner, for a hit or an inactive mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrgId>,
    /// True when no database was asked.
    pub cached: bool,
}

/// A value that points at another organization than the one that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Which step found it.
    pub step: LookupStep,
    /// The value as looked up.
    pub value: String,
    /// Where in the document it stood.
    pub path: String,
    /// The other organization; `None` where the value is the provider's account id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<OrgId>,
}

/// Every look of one resolution, in chain order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The looks.
    pub steps: Vec<TraceStep>,
    /// Values that contradict the decision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// How long the resolution took, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_us: Option<u64>,
}

impl Trace {
    /// The trace as an organization may have it: that a value of its message belongs to somebody else, and not to whom.
    #[must_use]
    pub fn seen_by(mut self, org: OrgId) -> Self {
        let owners = self.steps.iter_mut().map(|step| &mut step.organization_id);
        let others = self.conflicts.iter_mut().map(|conflict| &mut conflict.organization_id);
        for owner in owners.chain(others) {
            *owner = owner.filter(|owner| *owner == org);
        }
        self
    }
}
