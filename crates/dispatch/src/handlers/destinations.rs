//! Where a call goes next: the organization's transfer directory, and its other assistants.

use chrono::{DateTime, Utc};
use phrases::{Language, Phrase};
use serde_json::Value;
use storage::StorageError;
use tenant::{Assistant, Profile, Transfer as Department};
use vapi_types::reply::{HandoffReply, HandoffTarget, PhoneDestination, TransferDestination, TransferReply};
use vapi_types::{AssistantId, Reply, ServerMessage};

use crate::incoming::IncomingMessage;
use crate::outcome::Handled;
use crate::services::Handling;

/// Transfers to the department that the conversation names last, or to the only one there is.
pub(crate) async fn transfer_destination(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let effects = handling.record().await?;
    let tenant = handling.tenant().await?;
    let incoming = handling.incoming;
    let reply =
        transfer(tenant.transfers()?, &last_words(incoming), tenant.profile(), incoming.received_at());
    Ok(Handled::reply(Reply::Transfer(reply), effects))
}

fn transfer(
    departments: &[Department],
    words: &[String],
    profile: &Profile,
    now: DateTime<Utc>,
) -> TransferReply {
    let language = Language::of(&profile.primary_language);
    let sorry = |phrase: Phrase<'_>| TransferReply::error(&language.say(&phrase));
    let named = words.iter().find_map(|text| {
        departments.iter().find(|department| text.contains(&department.department.to_lowercase()))
    });
    let chosen = match (named, departments) {
        (Some(department), _) => department,
        (None, [only]) => only,
        (None, []) => return sorry(Phrase::NowhereToTransfer),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|department| department.department.as_str()).collect();
            return sorry(Phrase::WhichDepartment(&names));
        }
    };
    if !is_open(chosen, profile, now) {
        return sorry(Phrase::DepartmentClosed);
    }
    match (&chosen.number, &chosen.sip_uri) {
        (Some(number), _) => TransferReply::to(TransferDestination::Phone(PhoneDestination::number(number))),
        (None, Some(uri)) => TransferReply::to(TransferDestination::Phone(PhoneDestination::sip(uri))),
        (None, None) => sorry(Phrase::NowhereToTransfer),
    }
}

/// A department without hours of its own answers always.
fn is_open(department: &Department, profile: &Profile, now: DateTime<Utc>) -> bool {
    let local = now.with_timezone(&profile.timezone).naive_local();
    department.opening_hours.as_ref().is_none_or(|hours| hours.is_open_at(local))
}

/// The last few turns in lower case, latest first.
fn last_words(incoming: &IncomingMessage<'_>) -> Vec<String> {
    const TURNS: usize = 6;
    let Some(message) = incoming.message() else { return Vec::new() };
    let artifact = message.common().and_then(|common| common.artifact.as_deref());
    let turns = artifact.and_then(|artifact| artifact.messages.as_ref());
    let mut words: Vec<String> = turns
        .map(|turns| turns.latest(TURNS))
        .unwrap_or_default()
        .iter()
        .filter_map(|turn| turn.text().map(str::to_lowercase))
        .collect();
    words.reverse();
    words
}

/// Hands over to the organization's assistant whose name or role the model's arguments name.
pub(crate) async fn handoff_destination(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let effects = handling.record().await?;
    let tenant = handling.tenant().await?;
    let asked: Vec<String> = match handling.incoming.message() {
        Some(ServerMessage::HandoffDestinationRequest(request)) => {
            request.parameters.as_ref().map(texts).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let named = |agent: &&Assistant| {
        asked.iter().any(|text| {
            text.eq_ignore_ascii_case(&agent.name)
                || text.eq_ignore_ascii_case(&agent.role)
                || *text == agent.id
        })
    };
    let reply = match tenant.assistants().iter().find(named) {
        Some(agent) => HandoffReply::to(HandoffTarget::Id(AssistantId::new(agent.id.as_str()))),
        None => HandoffReply::error(&Language::of(handling.org.language()).say(&Phrase::NobodyToHandOver)),
    };
    Ok(Handled::reply(Reply::Handoff(reply), effects))
}

/// Every non-empty string of the model's arguments.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => vec![text.trim().to_owned()],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}
