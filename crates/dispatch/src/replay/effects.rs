//! What a stored message does to the organization's data. Everything here can be done again without doing it twice.

use chrono::{DateTime, Utc};
use org_resolver::phone;
use storage::repo::{Call, Inserted, NewEvent, Pin, StoredMessage};
use storage::{OrgScope, StorageError};
use vapi_types::{Envelope, MessageKind, ServerMessage, ToolArguments};

use super::Replayer;
use super::report::{ToolReport, ToolState};
use crate::arrival::Arrival;
use crate::tools::keys::RunKeys;
use crate::{handlers, ledger};

/// What storing a message found.
pub(super) enum Stored {
    /// It is new.
    New,
    /// It was there before.
    Known(StoredMessage),
    /// Another scope has stored it meanwhile, and this one has counted a delivery that was none: it has to be given up.
    Raced,
}

/// Stores a message under its key, unless it is there. The only place that writes into the inbox.
pub(super) async fn store(scope: &mut OrgScope, event: &NewEvent<'_>) -> Result<Stored, StorageError> {
    // Looked for first, because an insert that meets its key counts a delivery.
    if let Some(known) = scope.inbox().find_by_key(event.dedupe_key).await? {
        return Ok(Stored::Known(known));
    }
    Ok(match scope.events().insert(event).await? {
        Inserted::New(_) => Stored::New,
        Inserted::Again { .. } => Stored::Raced,
    })
}

/// Does what the message does beside being stored: the pin, the ledger, the contact, the erasure.
pub(super) async fn act(
    scope: &mut OrgScope,
    arrival: &Arrival<'_>,
    now: DateTime<Utc>,
) -> Result<Option<Pin>, StorageError> {
    let mut pin = None;
    if let Some(call_id) = arrival.call_id() {
        pin = Some(scope.call_pins().pin(call_id, arrival.received_at()).await?);
        fold(scope, arrival, call_id, now).await?;
    }
    if let Ok(ServerMessage::EndOfCallReport(report)) = &arrival.message {
        handlers::keep_contact(scope, arrival, report).await?;
    }
    if let (MessageKind::CallDeleted, Some(call_id)) = (arrival.envelope.kind(), arrival.call_id()) {
        scope.calls().erase_content(call_id, now).await?;
    }
    Ok(pin)
}

/// Takes what the message says of its call into the ledger, by the ledger's own rules.
async fn fold(
    scope: &mut OrgScope,
    arrival: &Arrival<'_>,
    call_id: &str,
    now: DateTime<Utc>,
) -> Result<(), StorageError> {
    let Ok(message) = &arrival.message else { return Ok(()) };
    if !handlers::belongs_in_ledger(arrival.envelope.kind()) {
        return Ok(());
    }
    let mut row = scope.calls().lock(call_id, arrival.received_at()).await?;
    let before = row.clone();
    ledger::apply(&mut row, arrival.envelope.head(), message);
    forget_redacted(&before, &mut row);
    if row != before {
        scope.calls().update(&row, now).await?;
    }
    Ok(())
}

/// A stored body has no control URL any more, only what stands in its place.
fn forget_redacted(before: &Call, row: &mut Call) {
    if row.control_url.is_some() {
        row.control_url.clone_from(&before.control_url);
    }
}

/// The caller's number in the organization's form, for kinds that keep a contact.
pub(super) async fn phone_of(
    scope: &mut OrgScope,
    envelope: &Envelope<'_>,
) -> Result<Option<String>, StorageError> {
    let (MessageKind::EndOfCallReport, Some(number)) =
        (envelope.kind(), envelope.head().customer_number.as_deref())
    else {
        return Ok(None);
    };
    if let Some(number) = phone::normalise(number, None) {
        return Ok(Some(number));
    }
    let region = scope.profile().profile().await?.region;
    Ok(phone::normalise(number, Some(region)))
}

impl Replayer {
    /// The tool calls of a message, and whether each was answered. None is run.
    pub(super) async fn tools_of(
        &self,
        scope: &mut OrgScope,
        arrival: &Arrival<'_>,
    ) -> Result<Vec<ToolReport>, StorageError> {
        if !matches!(arrival.envelope.kind(), MessageKind::ToolCalls | MessageKind::FunctionCall) {
            return Ok(Vec::new());
        }
        let mut reports = Vec::new();
        for call in arrival.envelope.tool_calls() {
            let known = self.tools.definitions().find(|tool| {
                let is_named = |name: &str| name.eq_ignore_ascii_case(&call.name);
                is_named(tool.name) || tool.aliases.iter().any(|alias| is_named(alias))
            });
            let key = match (known, &call.arguments) {
                (Some(tool), ToolArguments::Object(arguments)) => {
                    let call_id = arrival.call_id().unwrap_or_default();
                    RunKeys::of_call(call_id, &call.id, tool.name, arguments).call
                }
                _ => None,
            };
            let is_answered = match key {
                Some(key) => scope.inbox().is_answered(key).await?,
                None => false,
            };
            let state = if is_answered { ToolState::Answered } else { ToolState::NotRun };
            reports.push(ToolReport { id: call.id.as_str().to_owned(), name: call.name, state });
        }
        Ok(reports)
    }
}
