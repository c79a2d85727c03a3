#![doc = include_str!("../README.md")]

mod context;
mod dedupe;
mod dispatcher;
mod handlers;
mod incoming;
mod knowledge;
mod ledger;
mod outcome;
mod services;
mod tools;

pub use context::{Context, DIRECT_KIND, DirectToolCall, ToolBudget};
pub use dispatcher::Dispatcher;
pub use incoming::IncomingMessage;
pub use outcome::{DispatchError, Handled, Outcome, RefusalCode};
pub use services::DispatchOptions;
pub use tools::{ToolDefinition, ToolRegistry};
