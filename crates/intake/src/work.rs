//! The work of a proven message, within its organization's allowance.

use dispatch::{Handled, Outcome, RefusalCode, ToolBudget};
use org_resolver::{Limits, OrgId, RefusedOrg, VerifiedOrg};
use rate_limit::{Quota, RetryAfter};
use signature::SignedRequest;

use crate::error::error_chain;
use crate::intake::Intake;
use crate::received::Received;
use crate::record::{Record, Verified};
use crate::refusal::Refusal;

impl Intake {
    /// Does the work of an admitted message.
    pub(crate) async fn work(
        &self,
        org: VerifiedOrg,
        received: &Received<'_>,
        signed: &SignedRequest<'_>,
        record: &mut Record,
    ) -> Result<Vec<u8>, Refusal> {
        let envelope = &received.envelope;
        record.verified = Some(Verified::new(org.id(), envelope));
        let limits = org.access().limits;
        let unit = self.allowance(org.id(), received, limits);
        let allowance = unit().and_then(|()| self.take_bytes(org.id(), received, limits));
        let context = received.context(self.clock.now());
        let waited = self.clock.elapsed().saturating_sub(received.arrived);
        let budget = ToolBudget { waited, take_unit: &|| unit().is_ok() };
        let handled = match (allowance, received.direct_call(|| org.signed_digest(signed))) {
            (Err(_), _) => self.turn_away(org.language(), received, record),
            (Ok(()), Some(call)) => self.dispatcher.run_tool(&org, call, &context, budget).await,
            (Ok(()), None) => self.dispatcher.handle(&org, envelope, &context, budget).await,
        };
        self.note_use(org);
        answer(handled, allowance, received, record)
    }

    /// Records a proven message that must not be acted upon.
    pub(crate) async fn refuse(
        &self,
        org: RefusedOrg,
        received: &Received<'_>,
        record: &mut Record,
    ) -> Result<Vec<u8>, Refusal> {
        record.verified = Some(Verified::new(org.id(), &received.envelope));
        // Its own allowance stands behind the gate; the deployment's keeps a flood out of the security log.
        let (id, limits) = (org.id(), Limits::default());
        let allowance =
            self.allowance(id, received, limits)().and_then(|()| self.take_bytes(id, received, limits));
        let handled = match allowance {
            Ok(()) => {
                record.verdict = org.reason().as_str();
                let context = received.context(self.clock.now());
                self.dispatcher.refuse(&org, &received.envelope, &context).await
            }
            Err(_) => self.turn_away(org.language(), received, record),
        };
        answer(handled, allowance, received, record)
    }

    fn turn_away(&self, language: &str, received: &Received<'_>, record: &mut Record) -> Handled {
        let code = RefusalCode::RateLimited;
        record.verdict = code.as_str();
        let context = received.context(self.clock.now());
        self.dispatcher.turn_away(language, &received.envelope, &context, code)
    }

    /// Takes a unit from the organization's allowance for this class of messages, each time it is called.
    fn allowance<'a>(
        &'a self,
        org: OrgId,
        received: &Received<'_>,
        own: Limits,
    ) -> impl Fn() -> Result<(), RetryAfter> + Sync + use<'a> {
        let class = received.class();
        // A minute's allowance may come at once: the provider sends in bursts.
        let quota = Quota::per_minute(self.limits.of(class, own));
        move || self.allowances.check(&(org, class), quota, self.clock.elapsed())
    }

    /// Takes a message's body from the organization's allowance of bytes.
    fn take_bytes(&self, org: OrgId, received: &Received<'_>, own: Limits) -> Result<(), RetryAfter> {
        let bytes = u64::try_from(received.envelope.body().len()).unwrap_or(u64::MAX);
        let quota = Quota::per_minute(own.bytes.unwrap_or(self.limits.bytes));
        self.byte_allowances.take(&org, quota, bytes, self.clock.elapsed())
    }

    /// Notes that a credential was used, after the answer, which does not wait for it.
    fn note_use(&self, org: VerifiedOrg) {
        let (storage, now) = (self.storage.clone(), self.clock.now());
        if !storage.is_touch_due(&org, now) {
            return;
        }
        tokio::spawn(async move {
            if let Err(error) = storage.touch_credential(&org, now).await {
                let error = error_chain(&error);
                tracing::warn!(org_id = %org.id(), error, "last use of a credential not noted");
            }
        });
    }
}

/// Turns what was done into the answer, and into words for the log.
fn answer(
    handled: Handled,
    allowance: Result<(), RetryAfter>,
    received: &Received<'_>,
    record: &mut Record,
) -> Result<Vec<u8>, Refusal> {
    let request_id = received.request.request_id;
    if let Some(error) = &handled.error {
        tracing::error!(request_id, error = error_chain(error), "the work failed");
        record.refused("failed");
    }
    tracing::debug!(request_id, "did {}", handled.effects.join(", "));
    record.effects = handled.effects;
    match handled.outcome {
        Outcome::Reply(reply) => Ok(reply.to_json()),
        Outcome::Refused(RefusalCode::RateLimited) => Err(Refusal::RateLimited(allowance.err())),
        Outcome::Refused(code) => {
            record.refused(code.as_str());
            Err(code.into())
        }
    }
}
