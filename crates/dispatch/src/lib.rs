#![doc = include_str!("../README.md")]

mod arrival;
mod context;
mod dedupe;
mod dispatcher;
mod handlers;
mod knowledge;
mod ledger;
mod outcome;
mod replay;
mod sentences;
mod tools;

pub use context::{Context, DirectToolCall};
pub use dispatcher::{DispatchOptions, Dispatcher};
pub use outcome::{DispatchError, Handled, Outcome, RefusalCode};
pub use replay::{
    ChangeKind, ClaimOutcome, ClaimRefusal, ClaimReport, FieldChange, Mode, Operator, ReplayError,
    ReplayOutcome, ReplayRefusal, ReplayReport, ReplayedMessage, Replayer, RowChange, Selection, ToolReport,
    ToolState,
};
pub use tools::{Field, FieldKind, ToolDefinition, ToolRegistry};
