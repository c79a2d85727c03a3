//! The kinds of messages, which of them the provider waits for, and the words that come with them.

use crate::open_enum::open_enum;

open_enum! {
    /// The kind of a message: the text of `message.type`.
    ///
    /// `Unknown("")` stands for a message without a usable `type`.
    MessageKind {
        /// An inbound call asks which assistant takes it.
        AssistantRequest = "assistant-request",
        /// The model calls one or more tools.
        ToolCalls = "tool-calls",
        /// The model calls one function; the form before `tool-calls`.
        FunctionCall = "function-call",
        /// The transfer tool asks where to transfer to.
        TransferDestinationRequest = "transfer-destination-request",
        /// The handoff tool asks which assistant takes over.
        HandoffDestinationRequest = "handoff-destination-request",
        /// The assistant asks for documents.
        KnowledgeBaseRequest = "knowledge-base-request",
        /// The assistant asks for audio.
        VoiceRequest = "voice-request",
        /// The assistant asks how long to wait before it speaks.
        EndpointingRequest = "call.endpointing.request",
        /// A campaign asks whether a contact may be called.
        CampaignPredial = "campaign.predial",
        /// The call has changed its state.
        StatusUpdate = "status-update",
        /// The call is over; everything about it.
        EndOfCallReport = "end-of-call-report",
        /// The conversation so far.
        ConversationUpdate = "conversation-update",
        /// Speech started or stopped.
        SpeechUpdate = "speech-update",
        /// A piece of transcript, partial or final.
        Transcript = "transcript" | "transcript[transcriptType=\"final\"]",
        /// The assistant is slow to respond. Not a hang-up.
        Hang = "hang",
        /// The caller interrupted the assistant.
        UserInterrupted = "user-interrupted",
        /// Output of the model, token by token.
        ModelOutput = "model-output",
        /// The call has been transferred.
        TransferUpdate = "transfer-update",
        /// The receiver must do the telephony itself.
        PhoneCallControl = "phone-call-control",
        /// The transcriber switched languages.
        LanguageChangeDetected = "language-change-detected",
        /// The older name of `language-change-detected`.
        LanguageChanged = "language-changed",
        /// Text given to the voice.
        VoiceInput = "voice-input",
        /// The assistant started to speak.
        AssistantSpeechStarted = "assistant.speechStarted",
        /// An assistant took over the call.
        AssistantStarted = "assistant.started",
        /// A chat was created.
        ChatCreated = "chat.created",
        /// A chat was deleted.
        ChatDeleted = "chat.deleted",
        /// A session was created.
        SessionCreated = "session.created",
        /// A session was changed.
        SessionUpdated = "session.updated",
        /// A session was deleted.
        SessionDeleted = "session.deleted",
        /// A call was deleted.
        CallDeleted = "call.deleted",
        /// A call could not be deleted.
        CallDeleteFailed = "call.delete.failed",
        /// Artifacts were uploaded to the customer's own storage.
        CallArtifactUpload = "call.artifact.upload",
        /// A call has begun; sent by relays, never by the provider itself.
        CallStarted = "call.started" | "call-started" | "call.start" | "call-start",
        /// A call is over; sent by relays, never by the provider itself.
        CallEnded = "call.ended" | "call-ended" | "call.end" | "call-end",
    }
}

/// The form of answer that the provider waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnswerShape {
    /// An assistant, a squad, a destination, or an error that is spoken.
    Assistant,
    /// One result or error for each tool call.
    ToolResults,
    /// The one result of the legacy function call.
    FunctionResult,
    /// Where the call is transferred to.
    Transfer,
    /// Which assistant takes over.
    Handoff,
    /// Documents of a knowledge base.
    Knowledge,
    /// A number of seconds.
    Endpointing,
    /// Whether a contact may be called.
    Eligibility,
    /// Raw PCM audio, the one answer that is not JSON.
    Audio,
}

/// How urgent a kind of message is, and so which budget it is counted against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrafficClass {
    /// The provider, and with it a person on the phone, waits for the answer.
    Waiting,
    /// Something has happened to a call, chat or session.
    CallEvent,
    /// One of very many small steps of a conversation.
    Stream,
}

impl MessageKind {
    /// The answer that the provider reads, if it reads one.
    #[must_use]
    pub fn answer(&self) -> Option<AnswerShape> {
        Some(match self {
            Self::AssistantRequest => AnswerShape::Assistant,
            Self::ToolCalls => AnswerShape::ToolResults,
            Self::FunctionCall => AnswerShape::FunctionResult,
            Self::TransferDestinationRequest => AnswerShape::Transfer,
            Self::HandoffDestinationRequest => AnswerShape::Handoff,
            Self::KnowledgeBaseRequest => AnswerShape::Knowledge,
            Self::EndpointingRequest => AnswerShape::Endpointing,
            Self::CampaignPredial => AnswerShape::Eligibility,
            Self::VoiceRequest => AnswerShape::Audio,
            _ => return None,
        })
    }

    /// The urgency of the kind; unknown kinds are events.
    #[must_use]
    pub fn class(&self) -> TrafficClass {
        match self {
            Self::ConversationUpdate | Self::Transcript | Self::SpeechUpdate => TrafficClass::Stream,
            kind if kind.answer().is_some() => TrafficClass::Waiting,
            _ => TrafficClass::CallEvent,
        }
    }
}

open_enum! {
    /// The state of a call.
    CallStatus {
        /// Will be placed later.
        Scheduled = "scheduled",
        /// Waits to be placed.
        Queued = "queued",
        /// Rings.
        Ringing = "ringing",
        /// People talk.
        InProgress = "in-progress",
        /// Is being transferred.
        Forwarding = "forwarding",
        /// Is over.
        Ended = "ended",
        /// Does not exist at the provider.
        NotFound = "not-found",
        /// Exists still, although it should have been deleted.
        DeletionFailed = "deletion-failed",
    }
}

impl CallStatus {
    /// Where the state stands in the life of a call: a call never moves to a lower rank.
    ///
    /// `None` for states that say nothing about progress (`deletion-failed`, unknown ones).
    #[must_use]
    pub fn rank(&self) -> Option<u8> {
        match self {
            Self::Scheduled => Some(0),
            Self::Queued => Some(1),
            Self::Ringing => Some(2),
            Self::InProgress => Some(3),
            Self::Forwarding => Some(4),
            Self::Ended | Self::NotFound => Some(5),
            Self::DeletionFailed | Self::Unknown(_) => None,
        }
    }

    /// Whether no further state follows.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Ended | Self::NotFound | Self::DeletionFailed)
    }
}

open_enum! {
    /// Why a call ended. The provider lists more than six hundred reasons; these are the ones with a meaning
    /// beyond a fault of some vendor.
    EndedReason {
        /// The caller hung up.
        CustomerEndedCall = "customer-ended-call",
        /// The assistant hung up.
        AssistantEndedCall = "assistant-ended-call",
        /// The call was transferred.
        AssistantForwardedCall = "assistant-forwarded-call",
        /// The silence lasted too long.
        SilenceTimedOut = "silence-timed-out",
        /// The call reached its longest duration.
        ExceededMaxDuration = "exceeded-max-duration",
        /// A mailbox answered.
        Voicemail = "voicemail",
        /// The line was busy.
        CustomerBusy = "customer-busy",
        /// The person did not answer.
        CustomerDidNotAnswer = "customer-did-not-answer",
        /// Cancelled by hand or by API.
        ManuallyCanceled = "manually-canceled",
        /// The provider restarted the worker.
        WorkerShutdown = "worker-shutdown",
        /// The assistant request was not answered.
        AssistantRequestFailed = "assistant-request-failed",
        /// The assistant request was answered with an error that was spoken.
        AssistantRequestReturnedError = "assistant-request-returned-error",
        /// The assistant request was answered with an error that could not be spoken.
        AssistantRequestReturnedUnspeakableError = "assistant-request-returned-unspeakable-error",
        /// The assistant request was answered with an assistant that does not work.
        AssistantRequestReturnedInvalidAssistant = "assistant-request-returned-invalid-assistant",
        /// The assistant request was answered with nothing usable.
        AssistantRequestReturnedNoAssistant = "assistant-request-returned-no-assistant",
        /// The assistant request was answered with a number to forward to.
        AssistantRequestReturnedForwardingPhoneNumber = "assistant-request-returned-forwarding-phone-number",
        /// Neither an assistant nor a server was configured.
        NeitherAssistantNorServerSet = "call-start-error-neither-assistant-nor-server-set",
    }
}

open_enum! {
    /// How a call came about.
    CallType {
        /// A person called a number.
        InboundPhone = "inboundPhoneCall",
        /// The assistant called a person.
        OutboundPhone = "outboundPhoneCall",
        /// A call from a browser or app.
        Web = "webCall",
        /// A call over a plain websocket.
        Websocket = "vapi.websocketCall",
    }
}

open_enum! {
    /// The speaker.
    Role {
        /// The person.
        User = "user",
        /// The assistant, in transcripts and model messages.
        Assistant = "assistant",
        /// The assistant, in conversation messages.
        Bot = "bot",
        /// Instructions to the model.
        System = "system",
        /// The model calls tools.
        ToolCalls = "tool_calls",
        /// A tool has answered.
        ToolCallResult = "tool_call_result",
        /// A tool has answered, in model messages.
        Tool = "tool",
        /// A function has answered, in old model messages.
        Function = "function",
    }
}

open_enum! {
    /// Whether a piece of transcript may still change.
    TranscriptType {
        /// May change.
        Partial = "partial",
        /// Will not change.
        Final = "final",
    }
}

open_enum! {
    /// Whether speech begins or ends.
    SpeechStatus {
        /// Begins.
        Started = "started",
        /// Ends.
        Stopped = "stopped",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_writes_back_what_it_reads() {
        for kind in MessageKind::ALL {
            assert_eq!(&MessageKind::parse(kind.as_str()), kind);
        }
        let unknown = MessageKind::parse("call.teleported");
        assert_eq!(unknown, MessageKind::Unknown("call.teleported".into()));
        assert_eq!(unknown.as_str(), "call.teleported");
    }

    #[test]
    fn nine_kinds_wait_and_three_stream() {
        let count = |class| MessageKind::ALL.iter().filter(|kind| kind.class() == class).count();
        assert_eq!((count(TrafficClass::Waiting), count(TrafficClass::Stream)), (9, 3));
        assert_eq!(MessageKind::parse("nonsense").class(), TrafficClass::CallEvent);
    }

    #[test]
    fn states_are_ordered() {
        let ranks: Vec<_> = ["scheduled", "queued", "ringing", "in-progress", "forwarding", "ended"]
            .into_iter()
            .map(|text| CallStatus::parse(text).rank())
            .collect();
        assert!(ranks.is_sorted() && ranks.iter().all(Option::is_some));
        assert_eq!(CallStatus::parse("levitating").rank(), None);
    }
}
