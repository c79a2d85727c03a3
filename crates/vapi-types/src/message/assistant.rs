//! Events on the assistant's side of a call.

use serde_json::Value;

use super::common::Common;
use crate::kind::MessageKind;
use crate::payload::{Raw, payload};

payload! {
    /// The caller interrupted the assistant.
    UserInterrupted in common: Common as MessageKind::UserInterrupted {
        /// The turn that was interrupted.
        opt turn_id: String = "turnId",
    }
}

payload! {
    /// Output of the model: a token, a tool call, or anything else.
    ModelOutput in common: Common as MessageKind::ModelOutput {
        /// The output.
        new output: Value = "output",
        /// The turn that it belongs to.
        opt turn_id: String = "turnId",
    }
}

payload! {
    /// The call has been transferred.
    TransferUpdate in common: Common as MessageKind::TransferUpdate {
        /// Where to.
        opt destination: Raw = "destination",
        /// The assistant that took over.
        opt to_assistant: Raw = "toAssistant",
        /// The assistant that gave the call away.
        opt from_assistant: Raw = "fromAssistant",
        /// The workflow step that took over.
        opt to_step: Raw = "toStepRecord",
        /// The workflow step that gave the call away.
        opt from_step: Raw = "fromStepRecord",
    }
}

payload! {
    /// The receiver must do the telephony itself.
    PhoneCallControl in common: Common as MessageKind::PhoneCallControl {
        /// The request: `forward` or `hang-up`.
        new request: String = "request",
        /// Where to forward to.
        opt destination: Raw = "destination",
    }
}

payload! {
    /// The transcriber switched languages.
    LanguageChange in common: Common as MessageKind {
        /// The new language.
        new language: String = "language",
    }
}

payload! {
    /// Text given to the voice.
    VoiceInput in common: Common as MessageKind::VoiceInput {
        /// The text.
        new input: String = "input",
    }
}

payload! {
    /// The assistant started to speak.
    AssistantSpeechStarted in common: Common as MessageKind::AssistantSpeechStarted {
        /// Its text.
        new text: String = "text",
        /// The number of the turn.
        opt turn: i64 = "turn",
        /// Where the text comes from, as in `model`.
        opt source: String = "source",
        /// When each word is spoken.
        opt timing: Raw = "timing",
    }
}

payload! {
    /// An assistant took over the call.
    AssistantStarted in common: Common as MessageKind::AssistantStarted {
        /// The assistant: a large object, kept as text.
        new new_assistant: Raw = "newAssistant",
    }
}
