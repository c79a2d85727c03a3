//! A stored message's effects on the organization's data. Everything here can be done again without doing it twice.

use std::sync::Arc;

use dispatch::IncomingMessage;
use org_resolver::LookupStep;
use storage::repo::StoredMessage;
use storage::{OrgScope, StorageError};
use tenant::phone;
use vapi_types::{Envelope, MessageKind};

use super::Replayer;
use super::report::{ToolReport, ToolState};

/// The result of storing a message.
pub(super) enum Stored {
    /// It is new.
    New,
    /// It was there before.
    Known(StoredMessage),
    /// Another scope has stored it meanwhile, and this one has counted a delivery that was none: it has to be given up.
    Raced,
}

/// Stores a message and does what it does, unless it is there. The only place that writes into the inbox.
pub(super) async fn store(
    scope: &mut OrgScope,
    incoming: &IncomingMessage<'_>,
    via: LookupStep,
) -> Result<Stored, StorageError> {
    // Looked for first, because a record that meets its key counts a delivery.
    if let Some(known) = scope.inbox().find_by_key(incoming.dedupe_key()).await? {
        return Ok(Stored::Known(known));
    }
    if !scope.events().record(Arc::new(incoming.record(via))).await?.is_new {
        return Ok(Stored::Raced);
    }
    Ok(Stored::New)
}

/// Does what a message does that is stored already: the pin, the ledger, the contact, the erasure.
pub(super) async fn act(
    scope: &mut OrgScope,
    incoming: &IncomingMessage<'_>,
    via: LookupStep,
) -> Result<(), StorageError> {
    scope.events().record(Arc::new(incoming.record(via).without_delivery())).await.map(|_| ())
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
    let region = scope.declared().profile().await?.region;
    Ok(phone::normalise(number, Some(region)))
}

impl Replayer {
    /// The tool calls of a message, and whether each was answered. None is run.
    pub(super) async fn tools_of(
        &self,
        scope: &mut OrgScope,
        incoming: &IncomingMessage<'_>,
    ) -> Result<Vec<ToolReport>, StorageError> {
        if !matches!(incoming.envelope().kind(), MessageKind::ToolCalls | MessageKind::FunctionCall) {
            return Ok(Vec::new());
        }
        let mut reports = Vec::new();
        for call in incoming.tool_calls() {
            let key = self.tools.call_key(incoming.call_id().unwrap_or_default(), call);
            let is_answered = match key {
                Some(key) => scope.inbox().is_answered(key).await?,
                None => false,
            };
            let state = if is_answered { ToolState::Answered } else { ToolState::NotRun };
            reports.push(ToolReport { id: call.id.as_str().to_owned(), name: call.name.clone(), state });
        }
        Ok(reports)
    }
}
