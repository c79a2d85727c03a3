//! Results of tool calls.

use serde::Serialize;
use serde_json::{Map, Value};

use super::line::single_line;
use crate::ids::ToolCallId;
use crate::tool_call::ToolCall;

/// How a tool call ended. Both texts are single lines once they are in a [`ToolResult`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It gave something that the model can use.
    Result(String),
    /// It failed; the text says how, in a sentence.
    Error(String),
}

/// The answer to one tool call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolResult {
    #[serde(rename = "toolCallId")]
    id: ToolCallId,
    name: String,
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Map<String, Value>>,
}

impl ToolResult {
    /// The outcome of a call.
    #[must_use]
    pub fn new(call: &ToolCall, outcome: Outcome) -> Self {
        let outcome = match outcome {
            Outcome::Result(text) => Outcome::Result(single_line(&text)),
            Outcome::Error(text) => Outcome::Error(single_line(&text)),
        };
        Self { id: call.id.clone(), name: call.name.clone(), outcome, metadata: None }
    }

    /// A result that the model can use.
    #[must_use]
    pub fn result(call: &ToolCall, text: &str) -> Self {
        Self::new(call, Outcome::Result(text.to_owned()))
    }

    /// A failure, as a sentence.
    #[must_use]
    pub fn error(call: &ToolCall, sentence: &str) -> Self {
        Self::new(call, Outcome::Error(sentence.to_owned()))
    }

    /// A structured result. The provider takes only strings, so it is written as one line of JSON; a string is
    /// taken as it is.
    #[must_use]
    pub fn value(call: &ToolCall, value: &Value) -> Self {
        match value {
            Value::String(text) => Self::result(call, text),
            other => Self::result(call, &other.to_string()),
        }
    }

    /// Adds what the provider forwards to the client of the call.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// The id of the call.
    #[must_use]
    pub fn id(&self) -> &ToolCallId {
        &self.id
    }

    /// The name of the tool.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the call ended.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

/// The answers to all calls of a message, in their order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ToolCallsReply {
    /// One for each call.
    pub results: Vec<ToolResult>,
}

impl ToolCallsReply {
    /// These answers.
    #[must_use]
    pub fn new(results: Vec<ToolResult>) -> Self {
        Self { results }
    }
}

impl FromIterator<ToolResult> for ToolCallsReply {
    fn from_iter<T: IntoIterator<Item = ToolResult>>(results: T) -> Self {
        Self::new(results.into_iter().collect())
    }
}

/// The answer to the legacy function call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionCallReply {
    result: String,
}

impl FunctionCallReply {
    /// A text that the model can use, or a sentence about a failure: the form has no other place for it.
    #[must_use]
    pub fn new(result: &str) -> Self {
        Self { result: single_line(result) }
    }

    /// The text.
    #[must_use]
    pub fn result(&self) -> &str {
        &self.result
    }
}

/// The text of either outcome: the form has one place for both.
impl From<&ToolResult> for FunctionCallReply {
    fn from(result: &ToolResult) -> Self {
        match result.outcome() {
            Outcome::Result(text) | Outcome::Error(text) => Self::new(text),
        }
    }
}
