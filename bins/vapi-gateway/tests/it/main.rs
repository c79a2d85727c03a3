//! The built program on a database file of its own, as an operator types it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod apply;
mod demo;
mod example;
mod explain;
mod migrate;
mod serve;
mod support;
mod verify;
