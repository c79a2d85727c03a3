//! The statements of both databases. This tree is compiled under `pg` and under `sqlite`; what differs stands in the
//! `dialect`, the `lease` and the `batch` of each.

pub(super) mod appointments;
pub(super) mod calls;
pub(super) mod contacts;
pub(super) mod declared;
pub(super) mod directory;
pub(super) mod events;
pub(super) mod inbox;
mod load;
pub(super) mod operator;
pub(super) mod run;
pub(super) mod scope;
pub(super) mod security_log;
pub(super) mod tool_results;
pub(super) mod tx;
