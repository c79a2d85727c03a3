//! The whole message, typed: one variant for each kind, and the one dispatch from kind to type.

mod artifact;
mod assistant;
mod call;
mod chat;
mod chat_event;
mod common;
mod conversation;
mod end_of_call_report;
mod request;
mod status;
mod stream;
mod tool;

pub use artifact::{ActivatedAssistant, Analysis, Artifact, MonoRecording, Recording};
pub use assistant::{
    AssistantSpeechStarted, AssistantStarted, LanguageChange, ModelOutput, PhoneCallControl, TransferUpdate,
    UserInterrupted, VoiceInput,
};
pub use call::{Call, Customer, Monitor, PhoneNumber};
pub use chat::{Chat, Session};
pub use chat_event::{ChatEvent, SessionEvent};
pub use common::Common;
pub use conversation::{Turn, Turns};
pub use end_of_call_report::EndOfCallReport;
pub use request::{
    AssistantRequest, CampaignContact, CampaignPredial, EndpointingRequest, HandoffDestinationRequest,
    KnowledgeBaseRequest, TransferDestinationRequest, VoiceRequest,
};
pub use status::{
    ArtifactUpload, CallDeleteFailed, CallDeleted, CallLifecycle, Hang, StatusUpdate, UploadedArtifact,
};
pub use stream::{ConversationUpdate, SpeechUpdate, Transcript};
pub use tool::{FunctionCallMessage, ToolCallsMessage};

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::kind::MessageKind;
use crate::payload::keep;
use crate::scan::members;
use crate::tool_call::ToolCall;

/// Declares [`ServerMessage`] and its dispatch.
macro_rules! server_messages {
    ($($(#[$meta:meta])* $kind:ident($ty:ident),)+) => {
        /// A message of any kind.
        ///
        /// It is written as the message object; members that were read from beside it stand in it then.
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum ServerMessage {
            $($(#[$meta])* $kind(Box<$ty>),)+
            /// A kind that is not known here; the provider adds some every year.
            Unknown {
                /// The kind as sent.
                kind: MessageKind,
                /// The message object.
                body: Value,
            },
        }

        impl ServerMessage {
            /// Reads a message object; members that only `root`, the object around it, has are taken from there.
            ///
            /// The error is the name of the member that the kind cannot do without.
            pub(crate) fn read(
                kind: &MessageKind,
                message: &str,
                root: Option<&str>,
            ) -> Result<Self, &'static str> {
                let around = root.map_or_else(Common::default, Common::around);
                let read = match kind {
                    $(MessageKind::$kind => Self::$kind(Box::new($ty::read(message, around)?)),)+
                    MessageKind::Unknown(_) => {
                        // Member by member, so that a body at the limit of nesting does not exceed the parser's.
                        let mut body = Map::new();
                        members(message, |key, raw| keep(&mut body, key, raw));
                        Self::Unknown { kind: kind.clone(), body: Value::Object(body) }
                    }
                };
                match &read {
                    Self::ToolCalls(message) if !message.has_list() => Err("toolCallList"),
                    _ => Ok(read),
                }
            }

            /// The message's kind.
            #[must_use]
            pub fn kind(&self) -> MessageKind {
                match self {
                    $(Self::$kind(_) => MessageKind::$kind,)+
                    Self::Unknown { kind, .. } => kind.clone(),
                }
            }

            /// The members common to known kinds.
            #[must_use]
            pub fn common(&self) -> Option<&Common> {
                match self {
                    $(Self::$kind(message) => Some(&message.common),)+
                    Self::Unknown { .. } => None,
                }
            }

            /// Members without a field; of an unknown kind the whole message object.
            #[must_use]
            pub fn extra(&self) -> Option<&Map<String, Value>> {
                match self {
                    $(Self::$kind(message) => Some(&message.extra),)+
                    Self::Unknown { body, .. } => body.as_object(),
                }
            }
        }

        impl Serialize for ServerMessage {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(Self::$kind(message) => message.serialize(serializer),)+
                    Self::Unknown { body, .. } => body.serialize(serializer),
                }
            }
        }
    };
}

server_messages! {
    /// An inbound call asks which assistant takes it.
    AssistantRequest(AssistantRequest),
    /// The model calls tools.
    ToolCalls(ToolCallsMessage),
    /// The model calls one function, in the old form.
    FunctionCall(FunctionCallMessage),
    /// The transfer tool asks where to transfer to.
    TransferDestinationRequest(TransferDestinationRequest),
    /// The handoff tool asks which assistant takes over.
    HandoffDestinationRequest(HandoffDestinationRequest),
    /// The assistant asks for documents.
    KnowledgeBaseRequest(KnowledgeBaseRequest),
    /// The assistant asks for audio.
    VoiceRequest(VoiceRequest),
    /// The assistant asks how long to wait before it speaks.
    EndpointingRequest(EndpointingRequest),
    /// A campaign asks whether a contact may be called.
    CampaignPredial(CampaignPredial),
    /// The call has changed its state.
    StatusUpdate(StatusUpdate),
    /// The call is over; everything about it.
    EndOfCallReport(EndOfCallReport),
    /// The conversation so far.
    ConversationUpdate(ConversationUpdate),
    /// Speech started or stopped.
    SpeechUpdate(SpeechUpdate),
    /// A piece of transcript.
    Transcript(Transcript),
    /// The assistant is slow to respond.
    Hang(Hang),
    /// The caller interrupted the assistant.
    UserInterrupted(UserInterrupted),
    /// Output of the model.
    ModelOutput(ModelOutput),
    /// The call has been transferred.
    TransferUpdate(TransferUpdate),
    /// The receiver must do the telephony itself.
    PhoneCallControl(PhoneCallControl),
    /// The transcriber switched languages.
    LanguageChangeDetected(LanguageChange),
    /// The same under its older name.
    LanguageChanged(LanguageChange),
    /// Text given to the voice.
    VoiceInput(VoiceInput),
    /// The assistant started to speak.
    AssistantSpeechStarted(AssistantSpeechStarted),
    /// An assistant took over the call.
    AssistantStarted(AssistantStarted),
    /// A chat was created.
    ChatCreated(ChatEvent),
    /// A chat was deleted.
    ChatDeleted(ChatEvent),
    /// A session was created.
    SessionCreated(SessionEvent),
    /// A session was changed.
    SessionUpdated(SessionEvent),
    /// A session was deleted.
    SessionDeleted(SessionEvent),
    /// A call was deleted.
    CallDeleted(CallDeleted),
    /// A call could not be deleted.
    CallDeleteFailed(CallDeleteFailed),
    /// Artifacts were uploaded to the customer's own storage.
    CallArtifactUpload(ArtifactUpload),
    /// A call has begun, says a relay.
    CallStarted(CallLifecycle),
    /// A call is over, says a relay.
    CallEnded(CallLifecycle),
}

impl ServerMessage {
    /// The call that the message is about.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        self.common()?.call.as_deref()
    }

    /// The tool calls in the message, in order; empty for kinds that have none.
    #[must_use]
    pub fn tool_calls(&self) -> Vec<ToolCall> {
        match self {
            Self::ToolCalls(message) => message.calls(),
            Self::FunctionCall(message) => message.calls(),
            _ => Vec::new(),
        }
    }
}
