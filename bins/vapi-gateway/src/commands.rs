//! One module for each command.

pub(crate) mod apply;
pub(crate) mod explain;
pub(crate) mod migrate;
pub(crate) mod quarantine;
pub(crate) mod refusals;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod simulate;
pub(crate) mod verify;
