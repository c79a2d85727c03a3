#![doc = include_str!("../README.md")]

mod context;
mod dedupe;
mod dispatcher;
mod handlers;
mod incoming;
mod knowledge;
mod ledger;
mod outcome;
mod tools;

pub use context::{Context, DirectToolCall};
pub use dispatcher::{DispatchOptions, Dispatcher};
pub use incoming::IncomingMessage;
pub use outcome::{DispatchError, Handled, Outcome, RefusalCode};
pub use tools::{DIRECT_KIND, Field, FieldKind, ToolDefinition, ToolRegistry};
