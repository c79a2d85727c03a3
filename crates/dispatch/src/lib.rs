#![doc = include_str!("../README.md")]

mod arrival;
mod context;
mod dedupe;
mod dispatcher;
mod handlers;
mod knowledge;
mod ledger;
mod outcome;
mod sentences;
mod tools;

pub use context::{Context, DirectToolCall};
pub use dispatcher::{DispatchOptions, Dispatcher};
pub use outcome::{DispatchError, Handled, Outcome, RefusalCode};
pub use tools::{Field, FieldKind, ToolDefinition, ToolRegistry};
