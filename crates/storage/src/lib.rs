#![doc = include_str!("../README.md")]

mod backend;
mod batch;
mod body;
mod canary;
mod changes;
mod classify;
mod clearing;
mod columns;
mod config;
mod directory;
mod error;
mod ledger;
mod migrations;
mod narrow;
mod operator;
mod pg;
mod quarantine;
mod recipe;
mod record;
mod refusals;
pub mod repo;
mod retention;
mod rows;
mod schema;
mod scope;
mod seal;
mod sql_types;
#[expect(
    clippy::duplicate_mod,
    reason = "the statements of `sql/` are written once and compiled for each of the two databases"
)]
mod sqlite;
mod storage;
mod stored;
mod tenants;
mod text;
mod trace;
mod turns;
mod writer;

pub use changes::ChangeSink;
pub use config::{DatabaseUrl, StorageConfig};
pub use directory::Directory;
pub use error::{ErrorKind, StorageError};
pub use ledger::decided::Decided;
pub use ledger::{CallUpdate, ReportUpdate};
pub use migrations::MigrationReport;
pub use operator::entry::AuditedOrg;
pub use operator::store::OrgEntry;
pub use operator::{OperatorScope, Owner};
pub use quarantine::{QuarantineBounds, QuarantineEntry, QuarantinedMessage};
pub use record::{CallerUpdate, NewEvent, Record, Recorded};
pub use refusals::{REFUSALS_AT_ONCE, RefusalCount, RefusalFilter};
pub use scope::OrgScope;
pub use seal::{MasterKey, Sealer};
pub use storage::Storage;
pub use tenants::TenantData;
