#![doc = include_str!("../README.md")]

mod arrival;
mod dedupe;
mod dispatcher;
mod handlers;
mod knowledge;
mod ledger;
mod outcome;
mod sentences;
mod tools;

pub use dispatcher::{Context, DirectToolCall, DispatchOptions, Dispatcher};
pub use outcome::{DispatchError, Handled, Outcome, RefusalCode};
pub use tools::{Field, FieldKind, ToolDefinition, ToolRegistry};
