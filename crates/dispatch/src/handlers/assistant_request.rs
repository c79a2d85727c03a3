//! Which assistant takes an inbound call.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use phrases::{Language, Phrase};
use serde_json::{Map, Value, json};
use storage::repo::Contact;
use storage::{StorageError, TenantData};
use tenant::phone::{self, Region};
use tenant::{PhoneNumber, Profile, Route};
use vapi_types::reply::{AssistantRequestReply, PhoneDestination};
use vapi_types::{AssistantId, Head, IdentifierKind, Reply, SquadId};

use crate::outcome::Handled;
use crate::services::Handling;

/// Answers with the number's route within the deadline, else with the number's fallback assistant.
pub(crate) async fn assistant_request(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let Handling { services, org, incoming } = handling;
    let deadline = services.options.assistant_request_deadline;
    let error = match services.in_time(deadline, route(handling)).await {
        Ok(handled) => return Ok(handled),
        Err(error) => error,
    };
    let tenant = services.storage.last_tenant(org).await;
    let fallback = tenant.as_deref().and_then(|tenant| {
        let number = called_number(tenant, incoming.envelope.head()).ok().flatten()?;
        number.fallback_assistant.as_deref()
    });
    let reply = match fallback {
        Some(assistant) => AssistantRequestReply::assistant(AssistantId::new(assistant)),
        None => AssistantRequestReply::error(&nobody_answers(org.language())),
    };
    let handled = Handled::reply(Reply::AssistantRequest(reply), vec!["fallback"]);
    Ok(Handled { error: Some(error), ..handled })
}

async fn route(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let tenant = handling.tenant().await?;
    let profile = tenant.profile();
    let head = handling.incoming.envelope.head();
    let number = called_number(&tenant, head)?;
    let taken_by = match number.and_then(|number| number.route.as_ref()) {
        Some(Route::Assistant(id)) => AssistantRequestReply::assistant(AssistantId::new(id.as_str())),
        Some(Route::Squad(id)) => AssistantRequestReply::squad(SquadId::new(id.as_str())),
        other => {
            let effects = handling.record().await?;
            let reply = match (other, &profile.settings.unavailable_sentence) {
                (Some(Route::Destination(to)), _) => AssistantRequestReply::forward(destination(to)),
                (_, Some(sentence)) => AssistantRequestReply::error(sentence),
                (_, None) => AssistantRequestReply::error(&nobody_answers(&profile.primary_language)),
            };
            return Ok(Handled::reply(Reply::AssistantRequest(reply), effects));
        }
    };
    let caller = head.customer_number.as_deref();
    let caller = caller.and_then(|number| phone::normalise(number, Some(profile.region)));
    let (mut effects, contact) = handling.record_with_contact(caller.as_deref()).await?;
    effects.push("routed");
    let overrides = overrides(profile, contact, handling.incoming.received_at());
    Ok(Handled::reply(Reply::AssistantRequest(taken_by.with_overrides(overrides)), effects))
}

/// The organization's number that the message came in on.
fn called_number<'a>(
    tenant: &'a TenantData,
    head: &Head<'_>,
) -> Result<Option<&'a PhoneNumber>, StorageError> {
    let region = tenant.profile().region;
    Ok(tenant.phone_numbers()?.iter().find(|number| is_called(number, head, region)))
}

/// The caller's sentence when no assistant can take the call.
fn nobody_answers(language: &str) -> String {
    Language::of(language).say(&Phrase::NobodyAnswers)
}

fn destination(to: &str) -> PhoneDestination {
    if to.to_ascii_lowercase().starts_with("sip") {
        PhoneDestination::sip(to)
    } else {
        PhoneDestination::number(to)
    }
}

/// True when the message came in on this number.
fn is_called(number: &PhoneNumber, head: &Head<'_>, region: Region) -> bool {
    let same_id = |id: &str| head.of_kind(IdentifierKind::PhoneNumberId).any(|found| found == id);
    let normal = |raw: &str| phone::normalise(raw, Some(region));
    let same_number = |raw: &str| {
        normal(raw).is_some_and(|own| {
            head.of_kind(IdentifierKind::PhoneNumber).any(|found| normal(found).as_deref() == Some(&own))
        })
    };
    number.id.as_deref().is_some_and(same_id)
        || number.number.as_deref().is_some_and(same_number)
        || number.sip_uri.as_deref().is_some_and(same_number)
}

/// The variables about the organization and the caller.
fn overrides(profile: &Profile, contact: Option<Contact>, now: DateTime<Utc>) -> Map<String, Value> {
    let local = now.with_timezone::<Tz>(&profile.timezone);
    let language = contact.as_ref().and_then(|contact| contact.language.as_deref());
    let mut values = json!({
        "organizationName": profile.name,
        "timezone": profile.timezone.name(),
        "localTime": local.format("%Y-%m-%dT%H:%M").to_string(),
        "language": language.unwrap_or(&profile.primary_language),
    });
    if let (Some(contact), Some(values)) =
        (contact.filter(|contact| !contact.name.is_empty()), values.as_object_mut())
    {
        values.insert("contactName".to_owned(), contact.name.into());
    }
    Map::from_iter([("variableValues".to_owned(), values)])
}
