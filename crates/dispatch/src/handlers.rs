//! One handler per kind of message. Each works in one scope and commits once, last.

mod assistant_request;
mod campaign;
mod destinations;
mod events;
mod knowledge;
mod tool_calls;

pub(crate) use assistant_request::assistant_request;
pub(crate) use campaign::campaign_predial;
pub(crate) use destinations::{handoff_destination, transfer_destination};
pub(crate) use events::{endpointing, event};
pub(crate) use knowledge::{conversation_update, knowledge_base_request};
pub(crate) use tool_calls::{answer as tool_calls, answer_direct as direct_tool_call, spoken};
