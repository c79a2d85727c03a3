//! Tools: one definition each, run once per call.

mod arguments;
mod availability;
mod book;
mod definition;
mod keys;
mod registry;
mod run;

pub use definition::ToolDefinition;
pub(crate) use definition::{Caller, ToolRun};
pub(crate) use keys::{RunKeys, inbox_key, signed_key};
pub use registry::ToolRegistry;
pub(crate) use run::{Invocation, once, recorded};
