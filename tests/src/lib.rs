#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a harness fails a test by panicking")]

mod clock;
mod database;
mod deployment;
mod gateway;
mod http;
mod log;
pub mod message;
mod organization;
mod port;
mod wait;

pub use clock::{days_ahead, now, spoken, unix_seconds};
pub use database::{Backend, Database, Postgres, RowCounts};
pub use deployment::Deployment;
pub use gateway::{Gateway, Stopped, TOOLS, WEBHOOK, WEBHOOK_TOO};
pub use http::{Request, Response, exchange};
pub use log::Log;
pub use organization::Organization;
pub use wait::{eventually, within_a_second};
