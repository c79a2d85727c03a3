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
            Self::AssistantRequest(reply) => reply.to_value(),
            Self::ToolCalls(reply) => reply.to_value(),
            Self::FunctionCall(reply) => reply.to_value(),
            Self::Transfer(reply) => reply.to_value(),
            Self::Handoff(reply) => reply.to_value(),
            Self::Knowledge(reply) => reply.to_value(),
            Self::Endpointing(reply) => json!({ "timeoutSeconds": reply.timeout_seconds }),
            Self::Predial(reply) => json!({ "eligible": reply.eligible }),
            Self::ConversationUpdate(reply) => reply.to_value(),
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

/// Which assistant takes an inbound call.
#[derive(Debug, Clone, PartialEq)]
pub struct AssistantRequestReply(Choice);

#[derive(Debug, Clone, PartialEq)]
enum Choice {
    Assistant { id: AssistantId, overrides: Option<Map<String, Value>> },
    Squad { id: SquadId, overrides: Option<Map<String, Value>> },
    Transient { assistant: Map<String, Value>, overrides: Option<Map<String, Value>> },
    Forward(PhoneDestination),
    Error(String),
}

impl AssistantRequestReply {
    /// A saved assistant.
    #[must_use]
    pub fn assistant(id: AssistantId) -> Self {
        Self(Choice::Assistant { id, overrides: None })
    }

    /// A saved squad.
    #[must_use]
    pub fn squad(id: SquadId) -> Self {
        Self(Choice::Squad { id, overrides: None })
    }

    /// An assistant that exists for this call only, in the form of the provider's API.
    #[must_use]
    pub fn transient(assistant: Map<String, Value>) -> Self {
        Self(Choice::Transient { assistant, overrides: None })
    }

    /// No assistant: the call is forwarded at once.
    #[must_use]
    pub fn forward(destination: PhoneDestination) -> Self {
        Self(Choice::Forward(destination))
    }

    /// No assistant: the sentence is spoken to the caller and the call ends.
    #[must_use]
    pub fn error(sentence: &str) -> Self {
        Self(Choice::Error(single_line(sentence)))
    }

    /// Changes the assistant for this call: `variableValues`, `metadata` and the like. Without effect when
    /// no assistant takes the call.
    #[must_use]
    pub fn with_overrides(mut self, changes: Map<String, Value>) -> Self {
        match &mut self.0 {
            Choice::Assistant { overrides, .. }
            | Choice::Squad { overrides, .. }
            | Choice::Transient { overrides, .. } => *overrides = Some(changes),
            Choice::Forward(_) | Choice::Error(_) => {}
        }
        self
    }

    fn to_value(&self) -> Value {
        let (mut reply, name, overrides) = match &self.0 {
            Choice::Assistant { id, overrides } => {
                (json!({ "assistantId": id }), "assistantOverrides", overrides)
            }
            Choice::Squad { id, overrides } => (json!({ "squadId": id }), "squadOverrides", overrides),
            Choice::Transient { assistant, overrides } => {
                (json!({ "assistant": assistant }), "assistantOverrides", overrides)
            }
            Choice::Forward(destination) => return json!({ "destination": destination.to_value() }),
            Choice::Error(sentence) => return json!({ "error": sentence }),
        };
        if let (Some(reply), Some(overrides)) = (reply.as_object_mut(), overrides) {
            reply.insert(name.to_owned(), Value::Object(overrides.clone()));
        }
        reply
    }
}

/// Where a call is transferred to.
#[derive(Debug, Clone, PartialEq)]
pub struct TransferReply(Result<(TransferDestination, Option<String>), String>);

impl TransferReply {
    /// To this destination.
    #[must_use]
    pub fn to(destination: TransferDestination) -> Self {
        Self(Ok((destination, None)))
    }

    /// Nowhere, and why.
    #[must_use]
    pub fn error(sentence: &str) -> Self {
        Self(Err(single_line(sentence)))
    }

    /// The assistant's words before the transfer. Before a refusal only its own sentence is said.
    #[must_use]
    pub fn with_message(mut self, sentence: &str) -> Self {
        if let Ok((_, message)) = &mut self.0 {
            *message = Some(single_line(sentence));
        }
        self
    }

    fn to_value(&self) -> Value {
        match &self.0 {
            Ok((destination, None)) => json!({ "destination": destination.to_value() }),
            Ok((destination, Some(message))) => json!({
                "destination": destination.to_value(),
                "message": { "type": "request-start", "content": message },
            }),
            Err(sentence) => json!({ "error": sentence }),
        }
    }
}

/// Which assistant takes over.
#[derive(Debug, Clone, PartialEq)]
pub struct HandoffReply(Result<Handoff, String>);

#[derive(Debug, Clone, PartialEq)]
struct Handoff {
    target: HandoffTarget,
    overrides: Option<Map<String, Value>>,
    result: Option<String>,
}

impl HandoffReply {
    /// This assistant.
    #[must_use]
    pub fn to(target: HandoffTarget) -> Self {
        Self(Ok(Handoff { target, overrides: None, result: None }))
    }

    /// None, and why.
    #[must_use]
    pub fn error(sentence: &str) -> Self {
        Self(Err(single_line(sentence)))
    }

    /// Changes the assistant for this call. A refusal has no assistant to change.
    #[must_use]
    pub fn with_overrides(mut self, changes: Map<String, Value>) -> Self {
        if let Ok(handoff) = &mut self.0 {
            handoff.overrides = Some(changes);
        }
        self
    }

    /// The model's text about the handoff. A refusal tells its sentence.
    #[must_use]
    pub fn with_result(mut self, sentence: &str) -> Self {
        if let Ok(handoff) = &mut self.0 {
            handoff.result = Some(single_line(sentence));
        }
        self
    }

    fn to_value(&self) -> Value {
        let handoff = match &self.0 {
            Ok(handoff) => handoff,
            Err(sentence) => return json!({ "error": sentence }),
        };
        let mut destination = handoff.target.to_map();
        if let Some(overrides) = &handoff.overrides {
            destination.insert("assistantOverrides".to_owned(), Value::Object(overrides.clone()));
        }
        match &handoff.result {
            Some(result) => json!({ "destination": destination, "result": result }),
            None => json!({ "destination": destination }),
        }
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
