//! Whether a campaign may call a contact now.

use chrono::{DateTime, Timelike, Utc};
use storage::StorageError;
use tenant::{Profile, phone};
use vapi_types::reply::PredialReply;
use vapi_types::{Reply, ServerMessage};

use crate::outcome::Handled;
use crate::services::Handling;

/// The hours, local to the organization, in which people may be called unless it says otherwise.
const CALLING_HOURS: (u32, u32) = (8, 21);

/// Eligible means: a readable number, no do-not-call flag, and inside the calling hours.
pub(crate) async fn campaign_predial(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let tenant = handling.tenant().await?;
    let profile = tenant.profile();
    let number = match handling.incoming.message() {
        Some(ServerMessage::CampaignPredial(request)) => {
            request.contact.as_ref().and_then(|contact| contact.number.as_deref())
        }
        _ => None,
    };
    let number = number.and_then(|raw| phone::normalise(raw, Some(profile.region)));
    let (mut effects, contact) = handling.record_with_contact(number.as_deref()).await?;
    let is_allowed = number.is_some() && !contact.is_some_and(|contact| contact.do_not_call);
    let eligible = is_allowed && is_calling_time(profile, handling.incoming.received_at());
    effects.push(if eligible { "eligible" } else { "not_eligible" });
    Ok(Handled::reply(Reply::Predial(PredialReply::new(eligible)), effects))
}

fn is_calling_time(profile: &Profile, now: DateTime<Utc>) -> bool {
    let local = now.with_timezone(&profile.timezone).time();
    match profile.settings.calling_hours {
        Some(hours) => hours.from <= local && local < hours.to,
        None => (CALLING_HOURS.0..CALLING_HOURS.1).contains(&local.hour()),
    }
}
