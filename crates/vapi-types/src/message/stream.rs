//! The small steps of a conversation.

use super::common::Common;
use super::conversation::Turns;
use crate::ids::AssistantId;
use crate::kind::{MessageKind, Role, SpeechStatus, TranscriptType};
use crate::payload::{Raw, payload};

payload! {
    /// The conversation so far, after each turn.
    ConversationUpdate in common: Common as MessageKind::ConversationUpdate {
        /// The turns.
        opt messages: Turns = "messages",
        /// The turns as the model sees them.
        new messages_openai: Turns = "messagesOpenAIFormatted",
        /// The turns under the name that older messages use.
        opt conversation: Turns = "conversation",
    }
}

impl ConversationUpdate {
    /// The turns, wherever they stand.
    #[must_use]
    pub fn turns(&self) -> Option<&Turns> {
        self.messages.as_ref().or(self.messages_openai.as_ref()).or(self.conversation.as_ref())
    }
}

payload! {
    /// Speech started or stopped.
    SpeechUpdate in common: Common as MessageKind::SpeechUpdate {
        /// Which of both.
        new status: SpeechStatus = "status",
        /// The speaker.
        new role: Role = "role",
        /// The number of the turn.
        opt turn: i64 = "turn",
    }
}

payload! {
    /// A piece of transcript.
    Transcript in common: Common as MessageKind::Transcript {
        /// The speaker.
        new role: Role = "role",
        /// Whether it may still change.
        new transcript_type: TranscriptType = "transcriptType",
        /// The text.
        new transcript: String = "transcript",
        /// The assistant that speaks.
        opt assistant_id: AssistantId = "assistantId",
        /// Its name.
        opt assistant_name: String = "assistantName",
        /// Whether something was cut out.
        opt is_filtered: bool = "isFiltered",
        /// The threats found.
        opt detected_threats: Raw = "detectedThreats",
        /// The text before the cut.
        opt original_transcript: String = "originalTranscript",
    }
}
