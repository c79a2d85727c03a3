//! PostgreSQL: pools of connections that took a role, and row-level security behind every scope.

mod backend;
mod batch;
mod booking;
mod connect;
mod contact;
mod dialect;
mod lease;
mod listen;
mod migrate;
mod pool;
mod pooler;
mod roles;
#[path = "sql/both.rs"]
mod sql;
mod tls;
mod warm;

pub(crate) use self::backend::PgBackend;
pub(crate) use self::migrate::migrate;
