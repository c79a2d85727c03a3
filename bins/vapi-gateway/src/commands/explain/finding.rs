//! The explanation of one payload, for programs and for people.

use std::fmt;

use org_resolver::{Conflict, LookupStep, OrgHints, OrgId, StepResult, Trace};
use serde::Serialize;
use vapi_types::{Envelope, ToolCall};

use crate::output::plain;

/// The explanation of one payload. Its JSON is a public form: see the help of the command.
#[derive(Debug, Default, Serialize)]
pub(super) struct Explanation {
    file: String,
    message_type: Option<String>,
    envelope: Option<&'static str>,
    identifiers: Vec<Identifier>,
    customer_number: Option<String>,
    tool_calls: Vec<ToolCall>,
    steps: Vec<Step>,
    pub(super) outcome: Outcome,
    pub(super) organization_id: Option<OrgId>,
    pub(super) via: Option<LookupStep>,
    /// For people: what contradicts the organization that decided.
    #[serde(skip)]
    pub(super) conflicts: Vec<Conflict>,
    /// For people: why the payload is unreadable.
    #[serde(skip)]
    reason: Option<String>,
}

#[derive(Debug, Serialize)]
struct Identifier {
    kind: LookupStep,
    value: String,
    path: String,
}

#[derive(Debug, Serialize)]
struct Step {
    step: LookupStep,
    value: String,
    result: StepResult,
    organization_id: Option<OrgId>,
    #[serde(skip)]
    path: String,
}

/// The decision on a payload's claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// An organization is claimed, and would act once the signature is right.
    Resolved,
    /// No identifier belongs to an organization, or none was looked up.
    #[default]
    Unresolved,
    /// Another identifier belongs to somebody else.
    Conflict,
    /// The mapping or the organization is switched off.
    Inactive,
    /// It is no message at all.
    Unreadable,
}

impl Explanation {
    /// A payload that is no message.
    pub(super) fn unreadable(file: &str, reason: &dyn fmt::Display) -> Self {
        Self {
            file: file.to_owned(),
            outcome: Outcome::Unreadable,
            reason: Some(reason.to_string()),
            ..Self::default()
        }
    }

    /// A message with its looks; the outcome is still to be said.
    pub(super) fn of(
        file: &str,
        envelope: &Envelope<'_>,
        hints: &OrgHints,
        order: &[LookupStep],
        trace: &Trace,
    ) -> Self {
        let head = envelope.head();
        let mut identifiers: Vec<Identifier> = hints
            .iter()
            .map(|hint| Identifier { kind: hint.step, value: hint.value.clone(), path: hint.path.clone() })
            .collect();
        // In chain order; the sort is stable, so the first of a kind stays the first.
        let place = |step: LookupStep| order.iter().position(|other| *other == step).unwrap_or(order.len());
        identifiers.sort_by_key(|found| place(found.kind));
        let text = if head.type_text.is_empty() { head.kind.as_str() } else { &*head.type_text };
        Self {
            file: file.to_owned(),
            message_type: Some(text.to_owned()),
            envelope: Some(head.shape.as_str()),
            identifiers,
            customer_number: head.customer_number.as_deref().map(str::to_owned),
            tool_calls: envelope.tool_calls(),
            steps: trace.steps.iter().map(Step::of).collect(),
            ..Self::default()
        }
    }
}

impl Step {
    fn of(step: &org_resolver::TraceStep) -> Self {
        Self {
            step: step.step,
            value: step.value.clone(),
            result: step.result,
            organization_id: step.organization_id,
            path: step.path.clone(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.file)?;
        self.outcome.serialize(&mut *f)?;
        if let Some(reason) = &self.reason {
            return write!(f, ", {}", plain(reason));
        }
        match (self.organization_id, self.via) {
            (Some(org), Some(via)) => write!(f, ", organization {org} by {via}")?,
            _ if self.outcome == Outcome::Inactive => f.write_str(", the mapping is switched off")?,
            _ if self.steps.is_empty() => f.write_str(", it holds no identifier of an organization")?,
            _ => {}
        }
        let kind = self.message_type.as_deref().filter(|kind| !kind.is_empty()).unwrap_or("of no kind");
        write!(f, "\n  message   {}, {}", plain(kind), self.envelope.unwrap_or_default())?;
        if let Some(number) = &self.customer_number {
            write!(f, ", from {}", plain(number))?;
        }
        for call in &self.tool_calls {
            let arguments = serde_json::to_string(&call.arguments).unwrap_or_default();
            let [name, id, arguments] = [call.name.as_str(), call.id.as_str(), arguments.as_str()].map(plain);
            write!(f, "\n  tool      {name} {id} {arguments}")?;
        }
        for step in &self.steps {
            let result = match step.result {
                StepResult::Hit => "hit",
                StepResult::Miss => "miss",
                StepResult::Inactive => "inactive",
                StepResult::Skipped => "skipped",
            };
            write!(f, "\n  {result:<8}  {} {} at {}", step.step, plain(&step.value), plain(&step.path))?;
            if let Some(org) = step.organization_id {
                write!(f, ": organization {org}")?;
            }
        }
        for conflict in &self.conflicts {
            write!(f, "\n  conflict  {} at {} belongs to ", plain(&conflict.value), plain(&conflict.path))?;
            match conflict.organization_id {
                Some(org) => write!(f, "organization {org}")?,
                None => f.write_str("another Vapi account than the organization has registered")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_cannot_steer_the_terminal_or_write_lines_of_its_own() {
        let odd = "x\u{1b}[2J\n  hit       organization\u{9b}";
        let explanation = Explanation {
            file: "a.json".to_owned(),
            message_type: Some(odd.to_owned()),
            customer_number: Some(odd.to_owned()),
            ..Explanation::default()
        };
        let text = explanation.to_string();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}
