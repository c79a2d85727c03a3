//! The way of one message: bytes, envelope, hints, claim, proof, work, answer.

use org_resolver::Admission;
use signature::SignedRequest;

use crate::intake::Intake;
use crate::received::Received;
use crate::record::{QUARANTINED, Record};
use crate::refusal::Refusal;
use crate::request::Request;

/// The answer to a message.
#[derive(Debug)]
pub struct Answer {
    /// The JSON that the provider reads, or why there is none.
    pub body: Result<Vec<u8>, Refusal>,
    /// The message's account for the log.
    pub record: Record,
}

impl Intake {
    /// Takes one message to its answer.
    ///
    /// The body is awaited only when the request may be taken at all, and what fails in reading it is charged to its
    /// sender like every other refusal.
    pub async fn receive<B: AsRef<[u8]>>(
        &self,
        request: &Request<'_>,
        body: impl Future<Output = Result<B, Refusal>>,
    ) -> Answer {
        let mut record = Record::new(request.origin.address);
        let body = match self.answer(request, body, &mut record).await {
            Err(refusal) if record.verified.is_none() => {
                record.refused(refusal.code());
                if refusal.is_senders_fault() {
                    self.refusals.note(&record, self.clock.now());
                }
                Err(self.charged(refusal, &record))
            }
            answered => answered,
        };
        Answer { body, record }
    }

    async fn answer<B: AsRef<[u8]>>(
        &self,
        request: &Request<'_>,
        body: impl Future<Output = Result<B, Refusal>>,
        record: &mut Record,
    ) -> Result<Vec<u8>, Refusal> {
        if self.requires_https && !request.origin.is_https {
            return Err(Refusal::HttpsRequired);
        }
        let body = body.await?;
        let arrived = self.clock.elapsed();
        let received = Received::read(request, body.as_ref(), arrived).map_err(|error| {
            tracing::debug!(request_id = request.request_id, %error, "unreadable body");
            Refusal::Unreadable
        })?;
        if body.as_ref().len() > self.limits.max_other_body_bytes && !received.is_report() {
            return Err(Refusal::PayloadTooLarge);
        }
        received.trace();

        let url = self.public_url.as_deref().map(|base| format!("{base}{}", request.path));
        let signed = SignedRequest {
            method: request.method,
            url: url.as_deref(),
            headers: request.headers,
            body: body.as_ref(),
        };
        match self.prove(&received, &signed, record).await? {
            Admission::Admitted(org) => self.work(org, &received, &signed, record).await,
            Admission::Refused(org) => self.refuse(org, &received, record).await,
        }
    }

    /// Charges a refusal to the budget of its address. Beyond the budget it is not said what was looked up in vain.
    fn charged(&self, refusal: Refusal, record: &Record) -> Refusal {
        if !refusal.is_senders_fault() || record.verdict == QUARANTINED {
            return refusal;
        }
        match self.guard.charge(record.address, self.clock.elapsed()) {
            Err(wait) if matches!(refusal, Refusal::Unresolved { .. }) => Refusal::RateLimited(Some(wait)),
            _ => refusal,
        }
    }
}
