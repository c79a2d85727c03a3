//! The provider's reply forms, per kind.
//!
//! The types cannot hold, and so the encoder cannot write, an answer that the provider would ignore: results
//! and errors are single-line strings, exactly one of both is there, and nothing is wrapped.

mod destination;
mod knowledge;
mod line;
mod tool_result;

pub use destination::{HandoffTarget, PhoneDestination, TransferDestination};
pub use knowledge::{ConversationUpdateReply, Document, KnowledgeReply};
pub use tool_result::{FunctionCallReply, Outcome, ToolCallsReply, ToolResult};

use serde::Serialize;
use serde_json::{Map, Value, json};

use self::line::single_line;
use crate::ids::{AssistantId, SquadId};
use crate::kind::{AnswerShape, MessageKind};
use crate::tool_call::ToolCall;

/// An answer to a message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// `{}`: to everything that the provider does not wait for.
    Empty,
    /// To `assistant-request`.
    AssistantRequest(AssistantRequestReply),
    /// To `tool-calls`.
    ToolCalls(ToolCallsReply),
    /// To `function-call`.
    FunctionCall(FunctionCallReply),
    /// To `transfer-destination-request`.
    Transfer(TransferReply),
    /// To `handoff-destination-request`.
    Handoff(HandoffReply),
    /// To `knowledge-base-request`.
    Knowledge(KnowledgeReply),
    /// To `call.endpointing.request`.
    Endpointing(EndpointingReply),
    /// To `campaign.predial`.
    Predial(PredialReply),
    /// To `conversation-update`. The provider ignores it; others read it.
    ConversationUpdate(ConversationUpdateReply),
}

impl Reply {
    /// The body of the answer.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.to_value().to_string().into_bytes()
    }

    /// The body of the answer as a tree; always an object.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Empty => json!({}),
            Self::AssistantRequest(reply) => json!(reply.body),
            Self::ToolCalls(reply) => json!(reply),
            Self::FunctionCall(reply) => json!(reply),
            Self::Transfer(TransferReply(answer)) | Self::Handoff(HandoffReply(answer)) => match answer {
                Ok(members) => json!(members),
                Err(sentence) => json!({ "error": sentence }),
            },
            Self::Knowledge(reply) => json!(reply),
            Self::Endpointing(reply) => json!({ "timeoutSeconds": reply.timeout_seconds }),
            Self::Predial(reply) => json!({ "eligible": reply.eligible }),
            Self::ConversationUpdate(reply) => {
                json!({ "success": true, "context": reply.context, "chunks": reply.chunks })
            }
        }
    }

    /// The answer that refuses without silencing the call: `sentence` can be spoken to the person.
    ///
    /// `None` for kinds that the provider does not wait for, and for `voice-request`, whose answer is audio.
    #[must_use]
    pub fn refusal(kind: &MessageKind, tool_calls: &[ToolCall], sentence: &str) -> Option<Self> {
        Some(match kind.answer()? {
            AnswerShape::Assistant => Self::AssistantRequest(AssistantRequestReply::error(sentence)),
            AnswerShape::ToolResults => {
                Self::ToolCalls(tool_calls.iter().map(|call| ToolResult::error(call, sentence)).collect())
            }
            AnswerShape::FunctionResult => Self::FunctionCall(FunctionCallReply::new(sentence)),
            AnswerShape::Transfer => Self::Transfer(TransferReply::error(sentence)),
            AnswerShape::Handoff => Self::Handoff(HandoffReply::error(sentence)),
            AnswerShape::Knowledge => Self::Knowledge(KnowledgeReply::default()),
            AnswerShape::Endpointing => Self::Endpointing(EndpointingReply::default()),
            AnswerShape::Eligibility => Self::Predial(PredialReply::new(false)),
            AnswerShape::Audio => return None,
        })
    }
}

/// An object of one member.
fn object(name: &str, value: impl Serialize) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), json!(value))])
}

/// The members of an answer, or the sentence that refuses one.
type Answer = Result<Map<String, Value>, String>;

/// Which assistant takes an inbound call.
#[derive(Debug, Clone, PartialEq)]
pub struct AssistantRequestReply {
    body: Map<String, Value>,
    /// The member for changes of what takes the call; `None` when no assistant does.
    overrides: Option<&'static str>,
}

impl AssistantRequestReply {
    /// A saved assistant.
    #[must_use]
    pub fn assistant(id: AssistantId) -> Self {
        Self { body: object("assistantId", id), overrides: Some("assistantOverrides") }
    }

    /// A saved squad.
    #[must_use]
    pub fn squad(id: SquadId) -> Self {
        Self { body: object("squadId", id), overrides: Some("squadOverrides") }
    }

    /// An assistant that exists for this call only, in the form of the provider's API.
    #[must_use]
    pub fn transient(assistant: Map<String, Value>) -> Self {
        Self { body: object("assistant", assistant), overrides: Some("assistantOverrides") }
    }

    /// No assistant: the call is forwarded at once.
    #[must_use]
    pub fn forward(destination: PhoneDestination) -> Self {
        Self { body: object("destination", destination), overrides: None }
    }

    /// No assistant: the sentence is spoken to the caller and the call ends.
    #[must_use]
    pub fn error(sentence: &str) -> Self {
        Self { body: object("error", single_line(sentence)), overrides: None }
    }

    /// Changes the assistant for this call: `variableValues`, `metadata` and the like. Without effect when
    /// no assistant takes the call.
    #[must_use]
    pub fn with_overrides(mut self, changes: Map<String, Value>) -> Self {
        if let Some(name) = self.overrides {
            self.body.insert(name.to_owned(), Value::Object(changes));
        }
        self
    }
}

/// Where a call is transferred to.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferReply(Answer);

impl TransferReply {
    /// To this destination.
    #[must_use]
    pub fn to(destination: TransferDestination) -> Self {
        Self(Ok(object("destination", destination.into_value())))
    }

    /// Nowhere, and why.
    #[must_use]
    pub fn error(sentence: &str) -> Self {
        Self(Err(single_line(sentence)))
    }

    /// The assistant's words before the transfer. Before a refusal only its own sentence is said.
    #[must_use]
    pub fn with_message(mut self, sentence: &str) -> Self {
        if let Ok(members) = &mut self.0 {
            let message = json!({ "type": "request-start", "content": single_line(sentence) });
            members.insert("message".to_owned(), message);
        }
        self
    }
}

/// Which assistant takes over.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffReply(Answer);

impl HandoffReply {
    /// This assistant.
    #[must_use]
    pub fn to(target: HandoffTarget) -> Self {
        Self(Ok(object("destination", target.into_value())))
    }

    /// None, and why.
    #[must_use]
    pub fn error(sentence: &str) -> Self {
        Self(Err(single_line(sentence)))
    }

    /// Changes the assistant for this call. A refusal has no assistant to change.
    #[must_use]
    pub fn with_overrides(mut self, changes: Map<String, Value>) -> Self {
        let destination = self.0.as_mut().ok().and_then(|members| members.get_mut("destination"));
        if let Some(destination) = destination.and_then(Value::as_object_mut) {
            destination.insert("assistantOverrides".to_owned(), Value::Object(changes));
        }
        self
    }

    /// The model's text about the handoff. A refusal tells its sentence.
    #[must_use]
    pub fn with_result(mut self, sentence: &str) -> Self {
        if let Ok(members) = &mut self.0 {
            members.insert("result".to_owned(), json!(single_line(sentence)));
        }
        self
    }
}

/// How long the assistant waits before it speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EndpointingReply {
    timeout_seconds: f64,
}

impl EndpointingReply {
    /// The longest wait that the provider accepts, in seconds.
    pub const MAX_SECONDS: f64 = 15.0;

    /// The provider's own default wait, in seconds.
    pub const DEFAULT_SECONDS: f64 = 0.4;

    /// Waits so many seconds, from 0 to 15: more or less is brought to the nearest of both.
    #[must_use]
    pub fn new(seconds: f64) -> Self {
        let seconds = if seconds.is_nan() { Self::DEFAULT_SECONDS } else { seconds };
        Self { timeout_seconds: seconds.clamp(0.0, Self::MAX_SECONDS) }
    }

    /// The wait in seconds.
    #[must_use]
    pub fn timeout_seconds(self) -> f64 {
        self.timeout_seconds
    }
}

impl Default for EndpointingReply {
    fn default() -> Self {
        Self::new(Self::DEFAULT_SECONDS)
    }
}

/// Whether a contact of a campaign may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PredialReply {
    eligible: bool,
}

impl PredialReply {
    /// Says so.
    #[must_use]
    pub fn new(eligible: bool) -> Self {
        Self { eligible }
    }

    /// Whether the contact may be called.
    #[must_use]
    pub fn eligible(self) -> bool {
        self.eligible
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpointing_stays_in_range() {
        for (seconds, expected) in
            [(3.5, 3.5), (-1.0, 0.0), (99.0, 15.0), (f64::NAN, 0.4), (f64::INFINITY, 15.0)]
        {
            assert_eq!(EndpointingReply::new(seconds).timeout_seconds(), expected);
        }
    }
}
