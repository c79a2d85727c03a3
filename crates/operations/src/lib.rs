#![doc = include_str!("../README.md")]

mod apply;
mod replay;

pub use apply::apply;
pub use replay::{
    ChangeKind, ClaimOutcome, ClaimRefusal, ClaimReport, FieldChange, Mode, Operator, ReplayError,
    ReplayOutcome, ReplayRefusal, ReplayReport, ReplayedMessage, Replayer, RowChange, Selection, ToolReport,
    ToolState,
};
