//! Tools: one definition each, run once per call.

mod availability;
mod book;
mod definition;
mod keys;
mod registry;
mod run;

pub use definition::{Field, ToolDefinition};
pub(crate) use keys::{RunKeys, inbox_key};
pub use phrases::FieldKind;
pub use registry::ToolRegistry;
pub(crate) use run::{Caller, Invocation, once};
