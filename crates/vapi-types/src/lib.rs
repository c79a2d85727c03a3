#![doc = include_str!("../README.md")]

mod envelope;
mod error;
mod head;
mod ids;
mod kind;
pub mod message;
mod open_enum;
mod payload;
mod redact;
pub mod reply;
#[cfg(feature = "sample")]
pub mod sample;
mod scan;
mod shown;
mod text;
mod tool_call;

pub use envelope::{DriftedBody, Envelope, tool_calls_from};
pub use error::EnvelopeError;
pub use head::{CallHead, EnvelopeShape, Head, Identifier, IdentifierKind, MetadataEntry, NamedAccount};
pub use ids::{
    AccountId, AssistantId, CallId, CampaignId, ChatId, PhoneNumberId, SessionId, SquadId, ToolCallId,
};
pub use kind::{
    AnswerShape, CallStatus, CallType, EndedReason, MessageKind, Role, SpeechStatus, TrafficClass,
    TranscriptType,
};
pub use message::ServerMessage;
pub use payload::Raw;
pub use redact::{REDACTED, redact};
pub use reply::Reply;
pub use shown::Shown;
pub use text::sanitise;
pub use tool_call::{MAX_TOOL_CALLS, ToolArguments, ToolCall};
