//! SQLite: one writer, a few readers, each on a thread of its own. The scope's own filter is the lock here.

mod backend;
mod batch;
mod booking;
mod contact;
mod dialect;
mod kept;
mod lease;
mod migrate;
mod open;
mod poll;
mod quarantine;
mod readers;
mod refusals;
mod retention;
#[path = "sql/both.rs"]
mod sql;
mod tenant;
mod thread;

pub(crate) use self::backend::SqliteBackend;
pub(crate) use self::migrate::migrate;
