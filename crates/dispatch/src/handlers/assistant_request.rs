//! Which assistant takes an inbound call.

use chrono_tz::Tz;
use phrases::{Language, Phrase};
use serde_json::{Map, Value, json};
use storage::{OrgScope, StorageError};
use tenant::phone::{self, Region};
use tenant::{PhoneNumber, Profile, Route};
use vapi_types::reply::{AssistantRequestReply, PhoneDestination};
use vapi_types::{AssistantId, Head, IdentifierKind, Reply, SquadId};

use crate::incoming::IncomingMessage;
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
    let reply = match services.fallbacks.find(org.id(), incoming.envelope.head()) {
        Some(assistant) => AssistantRequestReply::assistant(AssistantId::new(&*assistant)),
        None => AssistantRequestReply::error(&nobody_answers(org.language())),
    };
    let handled = Handled::reply(Reply::AssistantRequest(reply), vec!["fallback"]);
    Ok(Handled { error: Some(error), ..handled })
}

async fn route(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let Handling { services, org, incoming } = handling;
    let (mut scope, mut effects) = handling.receive().await?;
    let profile = scope.declared().profile().await?;
    let numbers = scope.declared().phone_numbers(profile.region).await?;
    services.fallbacks.remember(org.id(), &numbers);
    let head = incoming.envelope.head();
    let number = numbers.iter().find(|number| is_called(number, head, profile.region));
    let reply = match number.and_then(|number| number.route.as_ref()) {
        None => match &profile.settings.unavailable_sentence {
            Some(sentence) => AssistantRequestReply::error(sentence),
            None => AssistantRequestReply::error(&nobody_answers(&profile.primary_language)),
        },
        Some(Route::Destination(to)) => AssistantRequestReply::forward(destination(to)),
        Some(route) => {
            effects.push("routed");
            let overrides = overrides(&mut scope, &profile, incoming).await?;
            match route {
                Route::Squad(id) => AssistantRequestReply::squad(SquadId::new(id.as_str())),
                Route::Assistant(id) | Route::Destination(id) => {
                    AssistantRequestReply::assistant(AssistantId::new(id.as_str()))
                }
            }
            .with_overrides(overrides)
        }
    };
    scope.commit().await?;
    Ok(Handled::reply(Reply::AssistantRequest(reply), effects))
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
async fn overrides(
    scope: &mut OrgScope,
    profile: &Profile,
    incoming: &IncomingMessage<'_>,
) -> Result<Map<String, Value>, StorageError> {
    let caller = incoming.envelope.head().customer_number.as_deref();
    let caller = caller.and_then(|number| phone::normalise(number, Some(profile.region)));
    let contact = match &caller {
        Some(number) => scope.contacts().find_by_phone(number).await?,
        None => None,
    };
    let local = incoming.received_at().with_timezone::<Tz>(&profile.timezone);
    let mut values = json!({
        "organizationName": profile.name,
        "timezone": profile.timezone.name(),
        "localTime": local.format("%Y-%m-%dT%H:%M").to_string(),
        "language": contact.as_ref().and_then(|contact| contact.language.as_deref()).unwrap_or(&profile.primary_language),
    });
    if let (Some(contact), Some(values)) =
        (contact.filter(|contact| !contact.name.is_empty()), values.as_object_mut())
    {
        values.insert("contactName".to_owned(), contact.name.into());
    }
    Ok(Map::from_iter([("variableValues".to_owned(), values)]))
}
