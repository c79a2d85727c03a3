//! Events of a call.

use serde_json::Value;

use super::common::Common;
use super::conversation::Turns;
use crate::ids::{AssistantId, PhoneNumberId};
use crate::kind::{CallStatus, EndedReason, MessageKind};
use crate::payload::{Raw, payload};

payload! {
    /// The call has changed its state. States come late, twice and out of order.
    StatusUpdate in common: Common as MessageKind::StatusUpdate {
        /// The new state.
        req status: CallStatus = "status",
        /// Why the call ended.
        opt ended_reason: EndedReason = "endedReason",
        /// The conversation so far, when the call is being transferred.
        opt messages: Turns = "messages",
        /// The same as the model sees it.
        opt messages_openai: Turns = "messagesOpenAIFormatted",
        /// Where the call is transferred to.
        opt destination: Raw = "destination",
        /// The conversation as one text.
        opt transcript: String = "transcript",
        /// The summary of the call.
        opt summary: String = "summary",
        /// Why an inbound call could not be accepted.
        opt inbound_debugging: Value = "inboundPhoneCallDebuggingArtifacts",
    }
}

payload! {
    /// A relay says that a call has begun or is over.
    CallLifecycle in common: Common as MessageKind {
        /// The saved assistant, if the relay does not put it into the call.
        opt assistant_id: AssistantId = "assistantId",
        /// The organization's number by id, if the relay does not put it into the call.
        opt phone_number_id: PhoneNumberId = "phoneNumberId",
        /// The state, if the relay says one.
        opt status: CallStatus = "status",
        /// Why the call ended.
        opt ended_reason: EndedReason = "endedReason",
    }
}

payload! {
    /// The assistant is slow to respond. Not a hang-up.
    Hang in common: Common as MessageKind::Hang {}
}

payload! {
    /// The call was deleted at the provider.
    CallDeleted in common: Common as MessageKind::CallDeleted {}
}

payload! {
    /// The call could not be deleted at the provider.
    CallDeleteFailed in common: Common as MessageKind::CallDeleteFailed {}
}

payload! {
    /// Artifacts were uploaded to the customer's own storage.
    ArtifactUpload in common: Common as MessageKind::CallArtifactUpload {
        /// Which, and whether it worked.
        new artifacts: Vec<UploadedArtifact> = "artifacts",
    }
}

payload! {
    /// One upload.
    UploadedArtifact {
        /// The artifact, as in `recording-mono`.
        opt artifact_type: String = "type",
        /// Whether it worked.
        opt success: bool = "success",
    }
}
