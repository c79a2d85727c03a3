//! What happens on the assistant's side of a call.

use serde_json::Value;

use crate::payload::{Raw, payload};

payload! {
    /// The caller interrupted the assistant.
    UserInterrupted in common {
        /// The turn that was interrupted.
        opt turn_id: String = "turnId",
    }
}

payload! {
    /// Output of the model: a token, a tool call, or anything else.
    ModelOutput in common {
        /// The output.
        opt output: Value = "output",
        /// The turn that it belongs to.
        opt turn_id: String = "turnId",
    }
}

payload! {
    /// The call has been transferred.
    TransferUpdate in common {
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
    PhoneCallControl in common {
        /// What to do: `forward` or `hang-up`.
        opt request: String = "request",
        /// Where to forward to.
        opt destination: Raw = "destination",
    }
}

payload! {
    /// The transcriber switched languages.
    LanguageChange in common {
        /// The new language.
        opt language: String = "language",
    }
}

payload! {
    /// Text given to the voice.
    VoiceInput in common {
        /// The text.
        opt input: String = "input",
    }
}

payload! {
    /// The assistant started to speak.
    AssistantSpeechStarted in common {
        /// What it says.
        opt text: String = "text",
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
    AssistantStarted in common {
        /// The assistant: a large object, kept as text.
        opt new_assistant: Raw = "newAssistant",
    }
}
