//! Questions that the provider waits for an answer to.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::common::Common;
use super::conversation::Turns;
use crate::ids::{AccountId, CampaignId};
use crate::kind::MessageKind;
use crate::payload::{Raw, payload};

payload! {
    /// An inbound call asks which assistant takes it. The number and the caller are in `common`.
    AssistantRequest in common: Common as MessageKind::AssistantRequest {}
}

payload! {
    /// The transfer tool asks where to transfer to.
    TransferDestinationRequest in common: Common as MessageKind::TransferDestinationRequest {}
}

payload! {
    /// The handoff tool asks which assistant takes over.
    HandoffDestinationRequest in common: Common as MessageKind::HandoffDestinationRequest {
        /// The model's arguments.
        new parameters: Value = "parameters",
    }
}

payload! {
    /// The assistant asks for documents that fit the conversation.
    KnowledgeBaseRequest in common: Common as MessageKind::KnowledgeBaseRequest {
        /// The turns.
        opt messages: Turns = "messages",
        /// The turns as the model sees them.
        new messages_openai: Turns = "messagesOpenAIFormatted",
    }
}

impl KnowledgeBaseRequest {
    /// The turns, wherever they stand.
    #[must_use]
    pub fn turns(&self) -> Option<&Turns> {
        self.messages.as_ref().or(self.messages_openai.as_ref())
    }
}

payload! {
    /// The assistant asks for audio of a text.
    VoiceRequest in common: Common as MessageKind::VoiceRequest {
        /// The text.
        new text: String = "text",
        /// The rate in samples per second.
        new sample_rate: f64 = "sampleRate",
    }
}

payload! {
    /// The assistant asks how long to wait before it speaks.
    EndpointingRequest in common: Common as MessageKind::EndpointingRequest {
        /// The turns.
        opt messages: Turns = "messages",
        /// The turns as the model sees them.
        new messages_openai: Turns = "messagesOpenAIFormatted",
    }
}

payload! {
    /// A campaign asks whether a contact may be called. There is no call yet.
    CampaignPredial in common: Common as MessageKind::CampaignPredial {
        /// The campaign.
        new campaign_id: CampaignId = "campaignId",
        /// The contact.
        new contact: Box<CampaignContact> = "contact",
    }
}

payload! {
    /// A contact of a campaign.
    CampaignContact {
        /// Its id at the provider.
        new id: String = "id",
        /// The campaign.
        new campaign_id: CampaignId = "campaignId",
        /// The Vapi account.
        new account_id: AccountId = "orgId",
        /// The person, by id at the provider.
        opt customer_id: String = "customerId",
        /// The number to be called.
        new number: String = "number",
        /// The name.
        opt name: String = "name",
        /// The campaign's changes to its assistant for this contact, kept as text.
        opt assistant_overrides: Raw = "assistantOverrides",
        /// When the contact was created.
        new created_at: DateTime<Utc> = "createdAt",
    }
}
