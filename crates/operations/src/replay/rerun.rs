//! Messages of the inbox, taken again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use dispatch::{Context, DIRECT_KIND, IncomingMessage};
use org_resolver::{LookupStep, Trace};
use storage::repo::{EventId, EventVerdict, StoredMessage};
use storage::{AuditedOrg, OrgScope, StorageError};
use vapi_types::{Envelope, MessageKind};

use super::report::{ReplayOutcome, ReplayRefusal, ReplayReport, ReplayedMessage};
use super::snapshot::{Scene, messages_of};
use super::{Mode, ReplayError, Replayer, Selection, difference, effects};

/// The judgement on messages that were refused once: why they are refused still, or that they are not.
type Judgements = HashMap<EventId, Option<ReplayRefusal>>;

impl Replayer {
    /// Replays stored messages of an organization in one transaction, and says what that changed. `None` when none of
    /// the selected messages is stored.
    ///
    /// # Errors
    /// [`ReplayError`] when the store or the directory fails; nothing is kept then.
    pub async fn replay(
        &self,
        org: &AuditedOrg,
        selection: Selection<'_>,
        mode: Mode,
        now: DateTime<Utc>,
    ) -> Result<Option<ReplayReport>, ReplayError> {
        // The directory is asked before the transaction begins: no scope is held across a wait for something else.
        let judgements = self.judge(org, selection, now).await?;
        let mut scope = self.storage.entered_scope(org).await?;
        let selected = select(&mut scope, selection).await?;
        if selected.is_empty() {
            scope.rollback().await?;
            return Ok(None);
        }
        let scene = scene(&mut scope, &selected).await?;
        let before = scene.look(&mut scope).await?;
        if let Selection::Call(call_id) = selection {
            // All of its messages are there to say again what was damaged.
            scope.calls().undecide(call_id).await?;
        }
        let mut messages = Vec::with_capacity(selected.len());
        for message in selected {
            messages.push(self.take_again(&mut scope, message, &judgements).await?);
        }
        let after = scene.look(&mut scope).await?;
        let changes = difference::between(&before, &after);
        finish(scope, mode).await?;
        Ok(Some(ReplayReport { messages, changes }))
    }

    /// Looks again at what was refused.
    async fn judge(
        &self,
        org: &AuditedOrg,
        selection: Selection<'_>,
        now: DateTime<Utc>,
    ) -> Result<Judgements, ReplayError> {
        let mut scope = self.storage.entered_scope(org).await?;
        let standing = scope.inbox().standing().await?;
        let mut bodies = Vec::new();
        for message in select(&mut scope, selection).await? {
            let is_refused = matches!(message.verdict, EventVerdict::Conflict | EventVerdict::Inactive);
            if is_refused
                && !message.is_erased()
                && let Some(body) = scope.events().body(message.id).await?
            {
                bodies.push((message, body));
            }
        }
        scope.rollback().await?;
        let mut judgements = Judgements::new();
        for (message, body) in bodies {
            let refusal = match Envelope::parse(&body) {
                Ok(envelope) => {
                    self.still_refused(org.id(), &standing, &envelope, message.received_at, now).await?
                }
                Err(_) => Some(ReplayRefusal::Unreadable),
            };
            judgements.insert(message.id, refusal);
        }
        Ok(judgements)
    }

    async fn take_again(
        &self,
        scope: &mut OrgScope,
        stored: StoredMessage,
        judgements: &Judgements,
    ) -> Result<ReplayedMessage, StorageError> {
        let mut tools = Vec::new();
        let outcome = if stored.is_erased() {
            ReplayOutcome::Erased
        } else if stored.kind == DIRECT_KIND {
            ReplayOutcome::Refused(ReplayRefusal::BareArguments)
        } else {
            let body = scope.events().body(stored.id).await?.unwrap_or_default();
            match Envelope::parse(&body) {
                Ok(envelope) => {
                    let context = context_of(&stored);
                    let trace = Trace::default();
                    let incoming = IncomingMessage::new(&envelope, &trace, &context);
                    tools = self.tools_of(scope, &incoming).await?;
                    apply(scope, &stored, &incoming, judgements).await?
                }
                Err(_) => ReplayOutcome::Refused(ReplayRefusal::Unreadable),
            }
        };
        Ok(ReplayedMessage {
            id: stored.id.0,
            kind: stored.kind,
            call_id: stored.vapi_call_id,
            received_at: stored.received_at,
            verdict: stored.verdict,
            outcome,
            tools,
        })
    }
}

/// Acts upon one message, unless something stands against it.
async fn apply(
    scope: &mut OrgScope,
    stored: &StoredMessage,
    incoming: &IncomingMessage<'_>,
    judgements: &Judgements,
) -> Result<ReplayOutcome, StorageError> {
    if let Some(drifted) = incoming.drifted() {
        return Ok(ReplayOutcome::Refused(ReplayRefusal::Drifted(drifted.path.clone())));
    }
    let refusal = match (stored.verdict, judgements.get(&stored.id)) {
        (EventVerdict::Accepted | EventVerdict::Drifted, _) => None,
        (_, Some(judged)) => judged.clone(),
        // Refused since the directory was asked.
        (EventVerdict::Conflict, None) => Some(ReplayRefusal::Conflict),
        (EventVerdict::Inactive, None) => Some(ReplayRefusal::OrganizationInactive),
    };
    if let Some(refusal) = refusal {
        return Ok(ReplayOutcome::Refused(refusal));
    }
    effects::act(scope, incoming, LookupStep::CallId).await?;
    if stored.verdict == EventVerdict::Accepted {
        return Ok(ReplayOutcome::Applied);
    }
    scope.inbox().set_verdict(stored.id, EventVerdict::Accepted).await?;
    Ok(ReplayOutcome::Accepted)
}

/// Commits what was done, or gives it up.
pub(super) async fn finish(scope: OrgScope, mode: Mode) -> Result<(), StorageError> {
    match mode {
        Mode::Apply => scope.commit().await,
        Mode::DryRun => scope.rollback().await,
    }
}

/// The request that brought a message, as far as its traces go.
pub(super) fn context_of(stored: &StoredMessage) -> Context<'_> {
    Context { request_id: &stored.request_id, now: stored.received_at, tool: None, is_direct: false }
}

async fn select(scope: &mut OrgScope, selection: Selection<'_>) -> Result<Vec<StoredMessage>, StorageError> {
    match selection {
        Selection::Message(id) => Ok(scope.inbox().get(EventId(id)).await?.into_iter().collect()),
        Selection::Call(call_id) => messages_of(scope, call_id).await,
    }
}

/// The rows that the messages can touch.
async fn scene(scope: &mut OrgScope, messages: &[StoredMessage]) -> Result<Scene, StorageError> {
    let mut scene = Scene::default();
    for message in messages {
        let kind = MessageKind::parse(&message.kind);
        scene.calls.extend(message.vapi_call_id.clone());
        scene.messages.push(message.id);
        scene.is_whole |= kind == MessageKind::CallDeleted && !message.is_erased();
        if kind == MessageKind::EndOfCallReport
            && let Some(body) = scope.events().body(message.id).await?
            && let Ok(envelope) = Envelope::parse(&body)
        {
            scene.phones.extend(effects::phone_of(scope, &envelope).await?);
        }
    }
    Ok(scene)
}
