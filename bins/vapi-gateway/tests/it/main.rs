//! The built program on a database file of its own, as an operator types it.

mod apply;
mod demo;
mod example;
mod explain;
mod migrate;
mod serve;
mod support;
mod verify;
