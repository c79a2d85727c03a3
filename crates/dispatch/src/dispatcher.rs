//! The one entry: a verified message in, an answer out.

use std::sync::Arc;
use std::time::Duration;

use org_resolver::{RefusalReason, RefusedOrg, Trace, VerifiedOrg};
use phrases::Language;
use storage::repo::{EventVerdict, SecurityEntry};
use storage::{OrgScope, QuarantineBounds, QuarantinedMessage, Recorded, Storage, StorageError};
use vapi_types::{Envelope, MessageKind, Reply};

use crate::context::{Context, DirectToolCall};
use crate::handlers::{self, FallbackAssistants};
use crate::incoming::IncomingMessage;
use crate::outcome::{DispatchError, Handled, Outcome, RefusalCode};
use crate::tools;
use crate::tools::ToolRegistry;

/// Deadlines and bounds of the work.
#[derive(Clone, Copy, Debug)]
pub struct DispatchOptions {
    /// When an assistant request is answered with the fallback.
    pub assistant_request_deadline: Duration,
    /// When any other message is told that the store does not answer.
    pub message_deadline: Duration,
    /// When a tool call is answered with an apology. Below the provider's own 20 seconds.
    pub tool_deadline: Duration,
    /// How much is kept of messages that nobody owns.
    pub quarantine: QuarantineBounds,
}

impl Default for DispatchOptions {
    fn default() -> Self {
        Self {
            assistant_request_deadline: Duration::from_secs(3),
            message_deadline: Duration::from_secs(12),
            tool_deadline: Duration::from_secs(12),
            quarantine: QuarantineBounds {
                max_messages: 10_000,
                max_bytes: 256 << 20,
                max_age: Duration::from_secs(7 * 24 * 3600),
            },
        }
    }
}

/// Does the work of verified messages. Cheap to share; holds no state of any organization but short-lived caches.
pub struct Dispatcher {
    pub(crate) storage: Storage,
    pub(crate) options: DispatchOptions,
    pub(crate) tools: ToolRegistry,
    pub(crate) fallbacks: FallbackAssistants,
}

impl Dispatcher {
    /// A dispatcher with the built-in tools.
    pub fn new(storage: Storage, options: DispatchOptions) -> Self {
        Self { storage, options, tools: ToolRegistry::built_in(), fallbacks: FallbackAssistants::default() }
    }

    /// The tools that messages can call.
    pub fn tools(&self) -> &ToolRegistry {
        &self.tools
    }

    /// Acts on a verified message of any kind.
    ///
    /// A kind that the provider waits for always gives [`Outcome::Reply`], whatever fails.
    pub async fn handle(&self, org: &VerifiedOrg, envelope: &Envelope<'_>, context: &Context<'_>) -> Handled {
        if *envelope.kind() == MessageKind::VoiceRequest {
            return self.turn_away(org.language(), envelope, context, RefusalCode::NotSupported);
        }
        let incoming = IncomingMessage::new(envelope, org.trace(), context);
        if matches!(envelope.kind(), MessageKind::ToolCalls | MessageKind::FunctionCall) {
            return tools::answer(self, org, &incoming, context).await;
        }
        let work = async {
            match envelope.kind() {
                MessageKind::AssistantRequest => handlers::assistant_request(self, org, &incoming).await,
                MessageKind::ConversationUpdate => handlers::conversation_update(self, org, &incoming).await,
                MessageKind::KnowledgeBaseRequest => {
                    handlers::knowledge_base_request(self, org, &incoming).await
                }
                MessageKind::TransferDestinationRequest => {
                    handlers::transfer_destination(self, org, &incoming).await
                }
                MessageKind::HandoffDestinationRequest => {
                    handlers::handoff_destination(self, org, &incoming).await
                }
                MessageKind::EndpointingRequest => handlers::endpointing(self, org, &incoming).await,
                MessageKind::CampaignPredial => handlers::campaign_predial(self, org, &incoming).await,
                MessageKind::CallDeleted => handlers::call_deleted(self, org, &incoming).await,
                _ => handlers::event(self, org, &incoming).await,
            }
        };
        self.in_time(self.options.message_deadline, work)
            .await
            .unwrap_or_else(|error| self.failed(org, envelope, context, error))
    }

    /// Runs a tool for a body that holds its arguments only.
    pub async fn run_tool(
        &self,
        org: &VerifiedOrg,
        call: DirectToolCall<'_>,
        context: &Context<'_>,
    ) -> Handled {
        tools::answer_direct(self, org, call, context).await
    }

    /// Records a proven message that must not be acted upon, and refuses it.
    pub async fn refuse(&self, org: &RefusedOrg, envelope: &Envelope<'_>, context: &Context<'_>) -> Handled {
        let incoming = IncomingMessage::new(envelope, org.trace(), context);
        let (verdict, code) = match org.reason() {
            RefusalReason::Conflict(_) => (EventVerdict::Conflict, RefusalCode::ConflictingOrganizations),
            RefusalReason::Inactive => (EventVerdict::Inactive, RefusalCode::OrganizationInactive),
        };
        // The organization learns where the contradiction stood, and not whom it named.
        let detail = match org.reason() {
            RefusalReason::Conflict(found) => serde_json::json!({
                "paths": found.iter().map(|conflict| conflict.path.as_str()).collect::<Vec<_>>(),
            }),
            RefusalReason::Inactive => serde_json::json!({}),
        };
        let entry = SecurityEntry {
            event: org.reason().as_str(),
            detail,
            vapi_call_id: incoming.call_id(),
            request_id: context.request_id,
        };
        let work = self.storage.record_refusal(org, incoming.in_inbox(verdict).without_pin(), &entry);
        let recorded = self.in_time(self.options.message_deadline, work).await;
        let mut handled = self.turn_away(org.language(), envelope, context, code);
        if let Err(error) = recorded {
            // Nothing is acknowledged that is not committed; what the provider waits for is answered all the same.
            if matches!(handled.outcome, Outcome::Refused(_)) && error.is_transient() {
                handled.outcome = Outcome::Refused(RefusalCode::Unavailable);
            }
            handled.error = Some(error);
        }
        handled
    }

    /// Keeps a message that the deployment's secret proves and that no mapping claims, for the operator.
    ///
    /// # Errors
    /// [`DispatchError`] when the database does not answer.
    pub async fn quarantine(
        &self,
        envelope: &Envelope<'_>,
        trace: &Trace,
        context: &Context<'_>,
    ) -> Result<(), DispatchError> {
        let incoming = IncomingMessage::new(envelope, trace, context);
        let identifiers = trace
            .steps
            .iter()
            .map(|look| serde_json::json!({"step": look.step, "value": look.value, "path": look.path}))
            .collect();
        let message = QuarantinedMessage {
            kind: envelope.head().kind_text(),
            vapi_call_id: incoming.call_id(),
            dedupe_key: incoming.dedupe_key(),
            identifiers,
            body: incoming.body(),
            request_id: context.request_id,
            received_at: context.now,
        };
        let work = self.storage.quarantine(&message, self.options.quarantine);
        self.in_time(self.options.message_deadline, work).await
    }

    /// Refuses a message without doing anything: in the provider's shape where it waits for an answer, and in the
    /// organization's language where a caller hears it.
    pub fn turn_away(
        &self,
        language: &str,
        envelope: &Envelope<'_>,
        context: &Context<'_>,
        code: RefusalCode,
    ) -> Handled {
        let sentence = Language::of(language).say(&code.phrase());
        if context.is_direct {
            return tools::spoken(&sentence);
        }
        let reply = Reply::refusal(envelope.kind(), &envelope.tool_calls(), &sentence);
        let outcome = reply.map_or(Outcome::Refused(code), Outcome::Reply);
        Handled { outcome, effects: Vec::new(), error: None }
    }

    fn failed(
        &self,
        org: &VerifiedOrg,
        envelope: &Envelope<'_>,
        context: &Context<'_>,
        error: DispatchError,
    ) -> Handled {
        let mut handled = self.turn_away(org.language(), envelope, context, RefusalCode::Unavailable);
        handled.error = Some(error);
        handled
    }

    /// Nobody waits for ever: past the deadline the work is dropped, and nothing of it is kept that was not committed.
    pub(crate) async fn in_time<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, StorageError>>,
    ) -> Result<T, DispatchError> {
        match tokio::time::timeout(deadline, work).await {
            Ok(done) => Ok(done?),
            Err(_elapsed) => Err(DispatchError::Deadline(deadline)),
        }
    }

    /// Records a message whose answer needs nothing of the store.
    pub(crate) async fn record(
        &self,
        org: &VerifiedOrg,
        incoming: &IncomingMessage<'_>,
    ) -> Result<Vec<&'static str>, StorageError> {
        self.storage.record(org, incoming.record(org.via())).await.map(|recorded| effects(&recorded))
    }

    /// Opens a scope and records the message in it, for a handler that goes on there.
    pub(crate) async fn receive(
        &self,
        org: &VerifiedOrg,
        incoming: &IncomingMessage<'_>,
    ) -> Result<(OrgScope, Vec<&'static str>), StorageError> {
        let mut scope = self.storage.scope(org).await?;
        let recorded = scope.events().record(Arc::new(incoming.record(org.via()))).await?;
        Ok((scope, effects(&recorded)))
    }
}

/// What was done, as short words for the log.
fn effects(recorded: &Recorded) -> Vec<&'static str> {
    let mut effects = vec![if recorded.is_new { "stored" } else { "repeated" }];
    let others = [
        (recorded.is_contested, "pin_contested"),
        (recorded.ledger_changed, "ledger"),
        (recorded.has_contact, "contact"),
    ];
    effects.extend(others.into_iter().filter(|(is_done, _)| *is_done).map(|(_, effect)| effect));
    effects
}
