//! The real program as a child process, spoken to over HTTP, on a database of its own.
//!
//! No crate of the gateway is linked here: the expectations never come from the gateway itself.

mod clock;
mod database;
mod deployment;
mod gateway;
mod http;
mod log;
pub(crate) mod message;
mod organization;
mod port;
mod wait;

pub(crate) use clock::{days_ahead, now, spoken, unix_seconds};
pub(crate) use database::{Backend, Database, Postgres};
pub(crate) use deployment::Deployment;
pub(crate) use gateway::{Gateway, TOOLS, WEBHOOK, WEBHOOK_TOO};
pub(crate) use http::{Request, Response};
pub(crate) use organization::Organization;
pub(crate) use wait::{eventually, within_a_second};
