//! Whose message it is, and the proof of it.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use dispatch::Context;
use org_resolver::{Admission, AdmitError, LookupStep, Resolution, Unresolved};
use rate_limit::Quota;
use signature::SignedRequest;
use storage::RefusalCount;
use vapi_types::Shown;

use crate::error::error_chain;
use crate::intake::Intake;
use crate::received::Received;
use crate::record::{QUARANTINED, Record};
use crate::refusal::Refusal;

/// Makes short keys of assistants for the warning below; a clash costs a warning.
static ASSISTANT_HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl Intake {
    /// Resolves the claim and proves it. For an address over its budget nothing is looked up that a stranger could have made
    /// up; identifiers that there are, and what they lead to, are looked up and verified as ever.
    pub(crate) async fn prove(
        &self,
        received: &Received<'_>,
        signed: &SignedRequest<'_>,
        record: &mut Record,
    ) -> Result<Admission, Refusal> {
        let (now, request_id) = (self.clock.now(), received.request.request_id);
        let is_over = self.guard.look(record.address, self.clock.elapsed()).is_err();
        let resolver = if is_over { &self.guarded_resolver } else { &self.resolver };

        let resolution = resolver.chain().resolve(&received.hints, now).await;
        let claimed = match resolution.map_err(|error| no_answer(&error, request_id))? {
            Resolution::Claimed(claimed) => *claimed,
            Resolution::Unresolved(unresolved) => {
                return Err(self.unresolved(&unresolved, received, signed, record).await);
            }
        };
        record.step = Some(claimed.via());
        // An organization that only metadata names was named by the body, and stays out of the log.
        record.claimed = Some(claimed.id()).filter(|_| claimed.via() != LookupStep::Metadata);
        let is_metadata_missing = claimed.is_metadata_missing();
        let value: Option<Box<str>> = claimed.value().map(Into::into);
        tracing::debug!(request_id, org_id = %claimed.id(), "found organization by {}", claimed.via());

        let admission = match resolver.gate().admit(claimed, signed, self.clock.now()).await {
            Ok(admission) => admission,
            Err(error) => {
                // Shown of what is not proven, and of nothing else.
                record.identifier = value.as_deref().map(shown);
                let AdmitError::Rejected(reason) = error else { return Err(no_answer(&error, request_id)) };
                record.verdict = reason.as_str();
                return Err(Refusal::Unauthorized);
            }
        };
        if let Some(call_id) = received.envelope.head().call_id() {
            self.known_calls.insert(call_id);
        }
        if is_metadata_missing {
            self.warn_of_missing_metadata(&admission, received);
        }
        Ok(admission)
    }

    /// Keeps what the deployment's secret proves, and refuses it like everything else that has no organization.
    async fn unresolved(
        &self,
        unresolved: &Unresolved,
        received: &Received<'_>,
        signed: &SignedRequest<'_>,
        record: &mut Record,
    ) -> Refusal {
        let now = self.clock.now();
        record.step = unresolved.tried;
        record.identifier = unresolved.trace.steps.first().map(|look| shown(&look.value));
        record.verdict = if unresolved.is_inactive { "unresolved_inactive" } else { "unresolved" };
        // Asked for every message, because the answer to it takes as long as a wrong signature does.
        let is_proven = self.resolver.gate().is_proven_by_shared(signed, now);
        let context = received.context(now);
        if is_proven && !context.is_direct {
            if let Err(refusal) = self.quarantine(unresolved, received, &context).await {
                record.verdict = refusal.code();
                return refusal;
            }
            record.verdict = QUARANTINED;
        }
        Refusal::Unresolved { detail: unresolved.detail() }
    }

    /// Keeps a message for the operator, at the quarantine's own rate: who holds the deployment's secret writes no faster.
    async fn quarantine(
        &self,
        unresolved: &Unresolved,
        received: &Received<'_>,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let rate = Quota::per_minute(self.limits.quarantined);
        self.quarantined
            .check(rate, self.clock.elapsed())
            .map_err(|wait| Refusal::RateLimited(Some(wait)))?;
        match self.dispatcher.quarantine(&received.envelope, &unresolved.trace, context).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::RateLimited(None)),
            Err(error) => {
                let error = error_chain(&error);
                tracing::error!(request_id = context.request_id, error, "quarantine failed");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// Warns that an assistant's metadata names no organization, at most once an hour for each assistant.
    fn warn_of_missing_metadata(&self, admission: &Admission, received: &Received<'_>) {
        let Admission::Admitted(org) = admission else { return };
        let Some(assistant) = received.hints.assistant_id() else { return };
        let key = ASSISTANT_HASHER.hash_one((org.id(), assistant));
        if self.warned.check(&key, Quota::per_hour(1), self.clock.elapsed()).is_ok() {
            tracing::warn!(org_id = %org.id(), assistant_id = %Shown(assistant), "org_id missing in metadata");
        }
    }
}

/// An identifier as it may be shown while nothing is proven.
fn shown(value: &str) -> Box<str> {
    RefusalCount::identifier_of(value).into()
}

fn no_answer(error: &dyn Error, request_id: &str) -> Refusal {
    tracing::error!(request_id, error = error_chain(error), "the directory failed");
    Refusal::Unavailable
}
