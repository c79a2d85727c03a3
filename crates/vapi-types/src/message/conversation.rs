//! The turns of a conversation.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::ids::{AssistantId, ToolCallId};
use crate::kind::Role;
use crate::payload::{Json, Raw, deserialize, payload};
use crate::scan::{Next, Scanner, elements};

/// A list of turns. Every message repeats the whole conversation, so it stays text until somebody asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Turns(Raw);

impl Turns {
    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// All turns, oldest first; elements that are no objects are left out.
    #[must_use]
    pub fn to_vec(&self) -> Vec<Turn> {
        Vec::from_json(self.as_str()).unwrap_or_default()
    }

    /// The last turns, oldest first, at most `count`. Only these are parsed.
    #[must_use]
    pub fn latest(&self, count: usize) -> Vec<Turn> {
        let mut texts = Vec::new();
        elements(self.as_str(), |element| texts.push(element));
        let skipped = texts.len().saturating_sub(count);
        texts.into_iter().skip(skipped).filter_map(Turn::from_json).collect()
    }
}

impl Json for Turns {
    fn from_json(raw: &str) -> Option<Self> {
        Raw::from_json(raw).filter(|_| Scanner::new(raw).next() == Next::Array).map(Self)
    }
}

impl FromIterator<Turn> for Turns {
    fn from_iter<I: IntoIterator<Item = Turn>>(turns: I) -> Self {
        Self(json!(turns.into_iter().collect::<Vec<_>>()).into())
    }
}

impl<'de> Deserialize<'de> for Turns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer, |json| Self::from_json(json).ok_or("the list"))
    }
}

payload! {
    /// One turn: something said, a tool call, or a tool's answer.
    Turn {
        /// The speaker.
        opt role: Role = "role",
        /// The text. In model messages this is `content`; see [`Turn::text`].
        opt message: String = "message",
        /// The text, in model messages.
        opt content: String = "content",
        /// When the turn began, in milliseconds since 1970.
        opt time: f64 = "time",
        /// When the turn ended, in milliseconds since 1970.
        opt end_time: f64 = "endTime",
        /// Seconds since the call began.
        opt seconds_from_start: f64 = "secondsFromStart",
        /// The length. Milliseconds in practice, seconds by the description: use the times instead.
        opt duration: f64 = "duration",
        /// The tools that the model calls.
        opt tool_calls: Vec<Value> = "toolCalls",
        /// Which call a tool answers.
        opt tool_call_id: ToolCallId = "toolCallId",
        /// Which tool answers.
        opt name: String = "name",
        /// The tool's answer.
        opt result: String = "result",
        /// The assistant that spoke.
        opt assistant_id: AssistantId = "assistantId",
    }
}

impl Turn {
    /// The text, wherever it stands.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.message.as_deref().or(self.content.as_deref())
    }
}
