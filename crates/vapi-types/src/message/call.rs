//! Calls, and who takes part in them.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::artifact::{Analysis, Artifact};
use crate::ids::{AccountId, AssistantId, CallId, CampaignId, PhoneNumberId, SquadId};
use crate::kind::{CallStatus, CallType, EndedReason};
use crate::payload::{Raw, payload, text};

payload! {
    /// A call, as the provider's API describes it.
    Call {
        /// Its id.
        new id: CallId = "id",
        /// The Vapi account.
        new account_id: AccountId = "orgId",
        /// How it came about.
        opt call_type: CallType = "type",
        /// Its state. May be stale; the message's own state counts.
        opt status: CallStatus = "status",
        /// Why it ended.
        opt ended_reason: EndedReason = "endedReason",
        /// When it was created.
        new created_at: DateTime<Utc> = "createdAt",
        /// When it was last changed.
        new updated_at: DateTime<Utc> = "updatedAt",
        /// When people began to talk.
        opt started_at: DateTime<Utc> = "startedAt",
        /// When it ended.
        opt ended_at: DateTime<Utc> = "endedAt",
        /// Its cost so far, in US dollars.
        opt cost: f64 = "cost",
        /// The saved assistant; absent for transient ones.
        opt assistant_id: AssistantId = "assistantId",
        /// The inline assistant: a large object, kept as text.
        opt assistant: Raw = "assistant",
        /// The call's changes to its assistant, kept as text.
        opt assistant_overrides: Raw = "assistantOverrides",
        /// The squad.
        opt squad_id: SquadId = "squadId",
        /// The campaign.
        opt campaign_id: CampaignId = "campaignId",
        /// The organization's number, by id.
        opt phone_number_id: PhoneNumberId = "phoneNumberId",
        /// The organization's number, when it is transient.
        opt phone_number: Box<PhoneNumber> = "phoneNumber",
        /// The person, by id at the provider.
        opt customer_id: String = "customerId",
        /// The person.
        opt customer: Box<Customer> = "customer",
        /// Where to listen in and send commands.
        opt monitor: Box<Monitor> = "monitor",
        /// The products of the call.
        opt artifact: Box<Artifact> = "artifact",
        /// The provider's analysis of it afterwards.
        opt analysis: Box<Analysis> = "analysis",
        /// Its creator's own data. Not part of the published description, but sent.
        opt metadata: Value = "metadata",
        /// Its display name.
        opt name: String = "name",
    }
}

payload! {
    /// The person on the other end of a call. Never identifies an organization.
    Customer {
        /// The number, usually E.164.
        opt number: String = "number",
        /// The SIP address, instead of a number.
        opt sip_uri: String = "sipUri",
        /// The extension to dial after the number.
        opt extension: String = "extension",
        /// The name.
        opt name: String = "name",
        /// The e-mail address.
        opt email: String = "email",
        /// The id in the system of whoever created the call.
        opt external_id: String = "externalId",
        /// The call's creator's own data.
        opt metadata: Value = "metadata",
    }
}

payload! {
    /// Where to listen in on a live call and send commands to it. Both addresses are capabilities.
    Monitor {
        /// Takes commands for the live call.
        opt control_url: String = "controlUrl",
        /// Streams the audio.
        opt listen_url: String = "listenUrl",
    }
}

payload! {
    /// One of the organization's numbers.
    PhoneNumber or bare_number {
        /// Its id at the provider. Not part of the published description, but sent.
        opt id: PhoneNumberId = "id",
        /// The Vapi account.
        opt account_id: AccountId = "orgId",
        /// The number.
        opt number: String = "number",
        /// The number of a transient Twilio number.
        opt twilio_phone_number: String = "twilioPhoneNumber",
        /// The SIP address.
        opt sip_uri: String = "sipUri",
        /// The carrier.
        opt provider: String = "provider",
        /// Its display name.
        opt name: String = "name",
        /// The fallback when nobody answers an assistant request.
        opt fallback_destination: Value = "fallbackDestination",
    }
}

impl PhoneNumber {
    /// The number or SIP address that can be dialled.
    #[must_use]
    pub fn dialled(&self) -> Option<&str> {
        self.number.as_deref().or(self.twilio_phone_number.as_deref()).or(self.sip_uri.as_deref())
    }
}

/// Relays send the bare number where the provider sends an object.
fn bare_number(raw: &str) -> Option<PhoneNumber> {
    text(raw).map(|number| PhoneNumber { number: Some(number.into_owned()), ..PhoneNumber::default() })
}
