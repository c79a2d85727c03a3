//! The one entry: a verified message in, an answer out.

use org_resolver::{RefusalReason, RefusedOrg, Trace, VerifiedOrg};
use phrases::Language;
use serde_json::json;
use storage::repo::{EventVerdict, SecurityEntry};
use storage::{QuarantinedMessage, Storage};
use vapi_types::{Envelope, MessageKind, Reply, ToolCall};

use crate::context::{Context, DirectToolCall, ToolBudget};
use crate::handlers;
use crate::incoming::IncomingMessage;
use crate::outcome::{DispatchError, Handled, Outcome, RefusalCode};
use crate::services::{DispatchOptions, Handling, Services};
use crate::tools::ToolRegistry;

/// Does the work of verified messages. Cheap to share; holds no state of any organization.
pub struct Dispatcher {
    services: Services,
}

impl Dispatcher {
    /// A dispatcher with the built-in tools.
    pub fn new(storage: Storage, options: DispatchOptions) -> Self {
        Self { services: Services { storage, options, tools: ToolRegistry::built_in() } }
    }

    /// Acts on a verified message of any kind.
    ///
    /// A kind that the provider waits for always gives [`Outcome::Reply`], whatever fails.
    pub async fn handle(
        &self,
        org: &VerifiedOrg,
        envelope: &Envelope<'_>,
        context: &Context<'_>,
        budget: ToolBudget<'_>,
    ) -> Handled {
        if *envelope.kind() == MessageKind::VoiceRequest {
            return self.turn_away(org.language(), envelope, context, RefusalCode::NotSupported);
        }
        let (services, incoming) = (&self.services, &IncomingMessage::new(envelope, org.trace(), context));
        let handling = Handling { services, org, incoming };
        let work = async {
            match envelope.kind() {
                MessageKind::AssistantRequest => handlers::assistant_request(handling).await,
                MessageKind::ConversationUpdate => handlers::conversation_update(handling).await,
                MessageKind::KnowledgeBaseRequest => handlers::knowledge_base_request(handling).await,
                MessageKind::TransferDestinationRequest => handlers::transfer_destination(handling).await,
                MessageKind::HandoffDestinationRequest => handlers::handoff_destination(handling).await,
                MessageKind::EndpointingRequest => handlers::endpointing(handling).await,
                MessageKind::CampaignPredial => handlers::campaign_predial(handling).await,
                _ => handlers::event(handling).await,
            }
        };
        let done = match envelope.kind() {
            // Each tool has a deadline of its own, and so has the message.
            MessageKind::ToolCalls | MessageKind::FunctionCall => {
                handlers::tool_calls(handling, context, budget).await
            }
            _ => services.in_time(services.options.message_deadline, work).await,
        };
        done.unwrap_or_else(|error| {
            let (calls, code) = (incoming.tool_calls(), RefusalCode::Unavailable);
            let handled = turned_away(org.language(), envelope.kind(), calls, context, code);
            Handled { error: Some(error), ..handled }
        })
    }

    /// Runs a tool for a body that holds its arguments only.
    pub async fn run_tool(
        &self,
        org: &VerifiedOrg,
        call: DirectToolCall<'_>,
        context: &Context<'_>,
        budget: ToolBudget<'_>,
    ) -> Handled {
        handlers::direct_tool_call(&self.services, org, call, context, budget).await
    }

    /// Records a proven message that must not be acted upon, and refuses it.
    pub async fn refuse(&self, org: &RefusedOrg, envelope: &Envelope<'_>, context: &Context<'_>) -> Handled {
        let incoming = IncomingMessage::new(envelope, org.trace(), context);
        let (verdict, code, detail) = match org.reason() {
            RefusalReason::Conflict(found) => {
                // The organization learns where the contradiction stood, and not whom it named.
                let paths: Vec<&str> = found.iter().map(|conflict| conflict.path.as_str()).collect();
                (EventVerdict::Conflict, RefusalCode::ConflictingOrganizations, json!({ "paths": paths }))
            }
            RefusalReason::Inactive => (EventVerdict::Inactive, RefusalCode::OrganizationInactive, json!({})),
        };
        let entry = SecurityEntry {
            event: org.reason().as_str(),
            detail,
            vapi_call_id: incoming.call_id(),
            request_id: context.request_id,
        };
        let work =
            self.services.storage.record_refusal(org, incoming.in_inbox(verdict).without_pin(), &entry);
        let recorded = self.services.in_time(self.services.options.message_deadline, work).await;
        let mut handled = turned_away(org.language(), envelope.kind(), incoming.tool_calls(), context, code);
        if let Err(error) = recorded {
            // Only committed messages are acknowledged; a kind that the provider waits for is answered all the same.
            if matches!(handled.outcome, Outcome::Refused(_)) && error.is_transient() {
                handled.outcome = Outcome::Refused(RefusalCode::Unavailable);
            }
            handled.error = Some(error);
        }
        handled
    }

    /// Keeps a message that the deployment's secret proves and that no mapping claims, for the operator; false where the
    /// quarantine has no room for it.
    ///
    /// # Errors
    /// [`DispatchError`] when the database does not answer.
    pub async fn quarantine(
        &self,
        envelope: &Envelope<'_>,
        trace: &Trace,
        context: &Context<'_>,
    ) -> Result<bool, DispatchError> {
        let incoming = IncomingMessage::new(envelope, trace, context);
        let identifiers = trace
            .steps
            .iter()
            .map(|look| json!({"step": look.step, "value": look.value, "path": look.path}))
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
        let work = self.services.storage.quarantine(&message);
        self.services.in_time(self.services.options.message_deadline, work).await
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
        turned_away(language, envelope.kind(), &envelope.tool_calls(), context, code)
    }
}

fn turned_away(
    language: &str,
    kind: &MessageKind,
    tool_calls: &[ToolCall],
    context: &Context<'_>,
    code: RefusalCode,
) -> Handled {
    let sentence = Language::of(language).say(&code.phrase());
    if context.is_direct {
        return handlers::spoken(&sentence);
    }
    let reply = Reply::refusal(kind, tool_calls, &sentence);
    let outcome = reply.map_or(Outcome::Refused(code), Outcome::Reply);
    Handled { outcome, effects: Vec::new(), error: None }
}
