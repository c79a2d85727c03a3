//! The way of one message: bytes, envelope, hints, claim, proof, work, answer.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use dispatch::{Context, DirectToolCall, Handled, Outcome, RefusalCode};
use org_resolver::{
    Admission, AdmitError, ClaimedOrg, Limits, LookupStep, OrgHints, OrgId, RefusedOrg, Resolution, Resolver,
    Unresolved, VerifiedOrg,
};
use rate_limit::{Quota, RetryAfter};
use signature::{Found, Headers, SignedRequest};
use tokio::time::timeout;
use vapi_types::{Envelope, EnvelopeShape, TrafficClass};

use crate::address::Origin;
use crate::error::{Problem, encoded};
use crate::record::{ACCEPTED, Record, Verified, chain};
use crate::state::AppState;

/// How long a look at the directory may take; what is cached takes no time.
const DIRECTORY_PATIENCE: Duration = Duration::from_secs(4);
/// Declares the organization of a request whose body names none.
const ORGANIZATION_HEADER: &str = "x-organization-id";
/// Makes a repeated request the same call.
const IDEMPOTENCY_HEADER: &str = "x-idempotency-key";
/// A message that only the deployment's secret proves, kept until somebody owns it.
const QUARANTINED: &str = "quarantined";

/// Makes short keys of assistants for the warning below; a clash costs a warning.
static ASSISTANT_HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Takes one message to its answer, and writes its line in the log.
pub(crate) async fn answer(
    state: &AppState,
    request: &HttpRequest,
    payload: web::Payload,
    tool: Option<&str>,
    request_id: &str,
) -> HttpResponse {
    let mut record = Record::new(request_id, state.clock.elapsed());
    let pipeline = Pipeline { state, request, tool, request_id };
    let response = match pipeline.run(payload, &mut record).await {
        Ok(body) => encoded(StatusCode::OK, body, request_id),
        Err(refusal) => refusal.respond(request_id),
    };
    record.write(response.status().as_u16(), state.clock.elapsed());
    response
}

/// One message on its way.
struct Pipeline<'a> {
    state: &'a AppState,
    request: &'a HttpRequest,
    /// The tool that the route names.
    tool: Option<&'a str>,
    request_id: &'a str,
}

/// A message read as far as it takes to find its organization.
struct Received<'a> {
    envelope: Envelope<'a>,
    hints: OrgHints,
    /// The tool to run, when the body is its arguments and nothing else.
    direct: Option<&'a str>,
}

impl Pipeline<'_> {
    async fn run(&self, payload: web::Payload, record: &mut Record<'_>) -> Result<Vec<u8>, Problem> {
        let origin = self.origin(record);
        let result = match origin {
            Ok(origin) => self.receive(origin, payload, record).await,
            Err(refusal) => Err(refusal),
        };
        let Err(refusal) = result else { return result };
        if record.verified.is_some() {
            return Err(refusal);
        }
        if record.verdict == ACCEPTED {
            record.verdict = refusal.code();
        }
        Err(self.charged(refusal, record))
    }

    /// Charges a refusal to the budget of its address. What was looked up in vain is not answered beyond the budget.
    fn charged(&self, refusal: Problem, record: &mut Record<'_>) -> Problem {
        let Some(address) = record.address.filter(|_| refusal.is_senders_fault()) else { return refusal };
        if record.verdict == QUARANTINED {
            return refusal;
        }
        match self.state.guard.charge(address, self.state.clock.elapsed()) {
            Err(wait) if matches!(refusal, Problem::Unresolved { .. }) => Problem::RateLimited(Some(wait)),
            _ => refusal,
        }
    }

    /// Who sent the request, unless it came in a way that production does not allow.
    fn origin(&self, record: &mut Record<'_>) -> Result<Origin, Problem> {
        let Some(peer) = self.request.peer_addr() else {
            // Only a listener that is no TCP socket has no peer, and there is none.
            return Err(Problem::Internal);
        };
        let origin = Origin::of(peer.ip(), self.request.headers(), &self.state.trusted_proxies);
        record.address = Some(origin.address);
        if self.state.requires_https && !origin.is_https {
            return Err(Problem::HttpsRequired);
        }
        Ok(origin)
    }

    async fn receive(
        &self,
        origin: Origin,
        payload: web::Payload,
        record: &mut Record<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let headers = self.request.headers();
        let body = self.state.bodies.read(headers, payload).await?;
        let envelope = Envelope::parse(body.bytes()).map_err(|error| {
            tracing::debug!(request_id = self.request_id, %error, "unreadable body");
            Problem::Unreadable
        })?;
        // What is neither wrapped nor about a call can be nothing but a tool's arguments.
        let is_message = envelope.head().shape == EnvelopeShape::Nested || envelope.head().call.is_some();
        let direct = self.tool.filter(|_| !is_message);
        let hints = match direct {
            Some(_) => declared(headers),
            None => OrgHints::from_envelope(&envelope),
        };
        let received = Received { envelope, hints, direct };
        self.trace_received(&received);

        let url = self.public_url();
        let signed = SignedRequest {
            method: self.request.method().as_str(),
            url: url.as_deref(),
            headers: &RequestHeaders(headers),
            body: body.bytes(),
        };
        match self.prove(origin, &received, &signed, record).await? {
            Admission::Admitted(org) => self.work(org, &received, record).await,
            Admission::Refused(org) => self.refuse(org, &received, record).await,
        }
    }

    /// Resolves the claim and proves it. An address over its budget is answered from the caches alone.
    async fn prove(
        &self,
        origin: Origin,
        received: &Received<'_>,
        signed: &SignedRequest<'_>,
        record: &mut Record<'_>,
    ) -> Result<Admission, Problem> {
        let state = self.state;
        let now = state.clock.now();
        let over = state.guard.look(origin.address, state.clock.elapsed()).err();
        let resolver = if over.is_some() { &state.cached_resolver } else { &state.resolver };
        let no_answer = |error: &dyn std::error::Error| match over {
            Some(wait) => Problem::RateLimited(Some(wait)),
            None => {
                tracing::error!(request_id = self.request_id, error = chain(error), "the directory failed");
                Problem::Unavailable
            }
        };
        let resolving = timeout(DIRECTORY_PATIENCE, resolver.chain().resolve(&received.hints, now));
        let resolution = match resolving.await {
            Ok(resolution) => resolution.map_err(|error| no_answer(&error))?,
            Err(elapsed) => return Err(no_answer(&elapsed)),
        };
        let claimed = match resolution {
            Resolution::Claimed(claimed) => *claimed,
            Resolution::Unresolved(unresolved) => {
                return Err(self.unresolved(&unresolved, received, signed, record).await);
            }
        };
        record.step = Some(claimed.via());
        // An organization that only metadata names was named by the body, and stays out of the log.
        record.claimed = Some(claimed.id()).filter(|_| claimed.via() != LookupStep::Metadata);
        let missing_metadata = claimed.is_metadata_missing();
        tracing::debug!(
            request_id = self.request_id,
            org_id = %claimed.id(),
            "found organization by {}",
            claimed.via()
        );
        let admission = self.admit(resolver, claimed, signed, record, &no_answer).await?;
        if missing_metadata {
            self.warn_of_missing_metadata(&admission, received);
        }
        Ok(admission)
    }

    async fn admit(
        &self,
        resolver: &Resolver,
        claimed: ClaimedOrg,
        signed: &SignedRequest<'_>,
        record: &mut Record<'_>,
        no_answer: &dyn Fn(&dyn std::error::Error) -> Problem,
    ) -> Result<Admission, Problem> {
        let admitting = resolver.gate().admit(claimed, signed, self.state.clock.now());
        match timeout(DIRECTORY_PATIENCE, admitting).await {
            Ok(Ok(admission)) => Ok(admission),
            Ok(Err(AdmitError::Rejected(reason))) => {
                record.verdict = reason.as_str();
                Err(Problem::Unauthorized)
            }
            Ok(Err(error)) => Err(no_answer(&error)),
            Err(elapsed) => Err(no_answer(&elapsed)),
        }
    }

    /// Keeps what the deployment's secret proves, and refuses it like everything else that has no organization.
    async fn unresolved(
        &self,
        unresolved: &Unresolved,
        received: &Received<'_>,
        signed: &SignedRequest<'_>,
        record: &mut Record<'_>,
    ) -> Problem {
        let now = self.state.clock.now();
        record.verdict = if unresolved.is_inactive { "unresolved_inactive" } else { "unresolved" };
        // Asked for every message, because the answer to it takes as long as a wrong signature does.
        let is_proven = self.state.resolver.gate().is_proven_by_shared(signed, now);
        if is_proven && received.direct.is_none() {
            let context = self.context(received);
            let kept =
                self.state.dispatcher.quarantine(&received.envelope, &unresolved.trace, &context).await;
            if let Err(error) = kept {
                tracing::error!(request_id = self.request_id, error = chain(&error), "quarantine failed");
                record.verdict = Problem::Unavailable.code();
                return Problem::Unavailable;
            }
            record.verdict = QUARANTINED;
        }
        Problem::Unresolved { detail: unresolved.detail() }
    }

    /// Does the work of an admitted message within its organization's allowance.
    async fn work(
        &self,
        org: VerifiedOrg,
        received: &Received<'_>,
        record: &mut Record<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let Received { envelope, direct, .. } = received;
        record.verified = Some(Verified::new(org.id(), envelope));
        let allowance = self.allowance(org.id(), received, org.access().limits);
        let dispatcher = &self.state.dispatcher;
        let handled = match (allowance, *direct) {
            (Err(_), _) => self.turn_away(org.language(), received, record),
            (Ok(()), Some(tool)) => {
                let idempotency_key = text_of(&RequestHeaders(self.request.headers()), IDEMPOTENCY_HEADER);
                let call = DirectToolCall { tool, arguments: envelope.body(), idempotency_key };
                dispatcher.run_tool(&org, call, &self.context(received)).await
            }
            (Ok(()), None) => dispatcher.handle(&org, envelope, &self.context(received)).await,
        };
        self.note_use(org);
        self.answer(handled, allowance, record)
    }

    /// Records a proven message that must not be acted upon.
    async fn refuse(
        &self,
        org: RefusedOrg,
        received: &Received<'_>,
        record: &mut Record<'_>,
    ) -> Result<Vec<u8>, Problem> {
        let envelope = &received.envelope;
        record.verified = Some(Verified::new(org.id(), envelope));
        // Its own allowance stands behind the gate; the deployment's keeps a flood out of the security log.
        let allowance = self.allowance(org.id(), received, Limits::default());
        let handled = match allowance {
            Ok(()) => {
                record.verdict = org.reason().as_str();
                self.state.dispatcher.refuse(&org, envelope, &self.context(received)).await
            }
            Err(_) => self.turn_away(org.language(), received, record),
        };
        self.answer(handled, allowance, record)
    }

    fn turn_away(&self, language: &str, received: &Received<'_>, record: &mut Record<'_>) -> Handled {
        let code = RefusalCode::RateLimited;
        record.verdict = code.as_str();
        self.state.dispatcher.turn_away(language, &received.envelope, &self.context(received), code)
    }

    /// Takes one from the organization's allowance for this class of messages.
    fn allowance(&self, org: OrgId, received: &Received<'_>, own: Limits) -> Result<(), RetryAfter> {
        let limits = &self.state.limits;
        // Whoever sends a tool's arguments waits for its result.
        let class =
            received.direct.map_or_else(|| received.envelope.kind().class(), |_| TrafficClass::Waiting);
        let per_minute = match class {
            TrafficClass::Waiting => own.waiting.unwrap_or(limits.waiting),
            TrafficClass::CallEvent => own.call_events.unwrap_or(limits.call_events),
            TrafficClass::Stream => own.streams.unwrap_or(limits.streams),
        };
        // What a minute allows may come at once: the provider sends in bursts.
        self.state.allowances.check(&(org, class), Quota::per_minute(per_minute), self.state.clock.elapsed())
    }

    /// Turns what was done into the answer, and into words for the log.
    fn answer(
        &self,
        handled: Handled,
        allowance: Result<(), RetryAfter>,
        record: &mut Record<'_>,
    ) -> Result<Vec<u8>, Problem> {
        if let Some(error) = &handled.error {
            tracing::error!(request_id = self.request_id, error = chain(error), "the work failed");
            if record.verdict == ACCEPTED {
                record.verdict = "failed";
            }
        }
        tracing::debug!(request_id = self.request_id, "did {}", handled.effects.join(", "));
        record.effects = handled.effects;
        match handled.outcome {
            Outcome::Reply(reply) => Ok(reply.to_json()),
            Outcome::Refused(RefusalCode::RateLimited) => {
                Err(Problem::RateLimited(allowance.err().map(RetryAfter::wait)))
            }
            Outcome::Refused(code) => {
                if record.verdict == ACCEPTED {
                    record.verdict = code.as_str();
                }
                Err(code.into())
            }
        }
    }

    /// Notes that a credential was used, after the answer: nobody waits for it.
    fn note_use(&self, org: VerifiedOrg) {
        let (storage, now) = (self.state.storage.clone(), self.state.clock.now());
        if !storage.is_touch_due(&org, now) {
            return;
        }
        actix_web::rt::spawn(async move {
            if let Err(error) = storage.touch_credential(&org, now).await {
                tracing::warn!(org_id = %org.id(), error = chain(&error), "last use of a credential not noted");
            }
        });
    }

    /// Warns that an assistant's metadata names no organization, at most once an hour for each assistant.
    fn warn_of_missing_metadata(&self, admission: &Admission, received: &Received<'_>) {
        let Admission::Admitted(org) = admission else { return };
        let Some(assistant) = received.hints.assistant_id() else { return };
        let key = ASSISTANT_HASHER.hash_one((org.id(), assistant));
        if self.state.warned.check(&key, Quota::per_hour(1), self.state.clock.elapsed()).is_ok() {
            tracing::warn!(org_id = %org.id(), assistant_id = assistant, "org_id missing in metadata");
        }
    }

    /// What an operator follows a call by, at `debug`.
    fn trace_received(&self, received: &Received<'_>) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let (request_id, head) = (self.request_id, received.envelope.head());
        let call_id = head.call_id().unwrap_or("none");
        tracing::debug!(request_id, call_id, kind = head.kind.as_str(), "received webhook for call");
        for hint in received.hints.iter() {
            tracing::debug!(request_id, path = hint.path, "looking up {} {:?}", hint.step, hint.value);
        }
        tracing::debug!(request_id, "extracted {} tool calls", head.tool_call_ids.len());
    }

    fn context(&self, received: &Received<'_>) -> Context<'_> {
        Context {
            request_id: self.request_id,
            now: self.state.clock.now(),
            tool: self.tool,
            is_direct: received.direct.is_some(),
        }
    }

    /// The URL as recipes sign it: the configured one, with the path of the request.
    fn public_url(&self) -> Option<String> {
        let base = self.state.backend_url.as_deref()?;
        let path = self.request.uri().path_and_query().map_or("/", |path| path.as_str());
        Some(format!("{base}{path}"))
    }
}

/// The hints of a request whose body names nobody: what its header declares.
fn declared(headers: &HeaderMap) -> OrgHints {
    match text_of(&RequestHeaders(headers), ORGANIZATION_HEADER) {
        Some(value) => OrgHints::declared(value, ORGANIZATION_HEADER),
        None => OrgHints::default(),
    }
}

/// A header that is there once, as text. Repeated or unreadable it says nothing.
fn text_of<'a>(headers: &RequestHeaders<'a>, name: &'static str) -> Option<&'a str> {
    let Found::One(value) = headers.only(name) else { return None };
    std::str::from_utf8(value).ok().map(str::trim).filter(|text| !text.is_empty())
}

/// The request's headers as the verifier reads them.
struct RequestHeaders<'a>(&'a HeaderMap);

impl<'a> RequestHeaders<'a> {
    fn only(&self, name: &str) -> Found<'a> {
        Found::from_values(self.0.get_all(name).map(|value| value.as_bytes()))
    }
}

impl Headers for RequestHeaders<'_> {
    fn find(&self, name: &str) -> Found<'_> {
        self.only(name)
    }
}
