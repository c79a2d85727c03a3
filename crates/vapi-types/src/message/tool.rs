//! Messages that call tools.

use super::common::Common;
use crate::kind::MessageKind;
use crate::payload::{Raw, payload};
use crate::tool_call::{self, ToolCall};

payload! {
    /// The model calls one or more tools. [`ToolCallsMessage::calls`] reads all the forms; the fields hold what
    /// was sent.
    ToolCallsMessage in common: Common as MessageKind::ToolCalls {
        /// The calls.
        new tool_call_list: Raw = "toolCallList",
        /// The calls, each beside the definition of its tool.
        new tool_with_tool_call_list: Raw = "toolWithToolCallList",
        /// The calls again. Not part of the published description, but sent.
        opt tool_calls: Raw = "toolCalls",
        /// A single call, as relays send it.
        opt tool_call: Raw = "toolCall",
        /// A single call in the old form.
        opt function_call: Raw = "functionCall",
    }
}

impl ToolCallsMessage {
    /// The calls in order, each id once.
    ///
    /// Of `toolCallList`, `toolWithToolCallList`, `toolCalls`, `toolCall` and `functionCall` the first with
    /// any call in it counts.
    #[must_use]
    pub fn calls(&self) -> Vec<ToolCall> {
        tool_call::read_first(self.lists())
    }

    /// Whether there is a list at all, be it empty.
    pub(super) fn has_list(&self) -> bool {
        self.lists().iter().any(Option::is_some)
    }

    fn lists(&self) -> [Option<&str>; 5] {
        [
            &self.tool_call_list,
            &self.tool_with_tool_call_list,
            &self.tool_calls,
            &self.tool_call,
            &self.function_call,
        ]
        .map(|list| list.as_ref().map(Raw::as_str))
    }
}

payload! {
    /// The model calls one function, in the form before `tool-calls`.
    FunctionCallMessage in common: Common as MessageKind::FunctionCall {
        /// Name and parameters.
        req function_call: Raw = "functionCall",
    }
}

impl FunctionCallMessage {
    /// The call; empty only when it is not an object.
    #[must_use]
    pub fn calls(&self) -> Vec<ToolCall> {
        tool_call::read_first([Some(self.function_call.as_str())])
    }
}
