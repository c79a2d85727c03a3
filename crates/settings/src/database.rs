//! The store.

use secrecy::SecretString;
use serde::Deserialize;

use crate::section::section;

section! {
    /// The store.
    DatabaseSettings {
        /// `postgres://…`, `sqlite:<path>` or a path.
        url: SecretString = "sqlite:data/gateway.db".into(), ["DATABASE_URL"];
        /// PostgreSQL: the login that migrates; `url` without it.
        owner_url: Option<SecretString> = None;
        /// PostgreSQL: the login that reads identifiers and keys; `url` without it.
        directory_url: Option<SecretString> = None;
        /// PostgreSQL: the login of audited administration; `url` without it.
        operator_url: Option<SecretString> = None;
        /// PostgreSQL: takes the gateway's roles after login. `false` where each login has its role's rights itself.
        assume_roles: bool = true;
        /// PostgreSQL: most connections that work in scopes.
        max_connections: usize = 10;
        /// Longest statement, in milliseconds.
        statement_timeout_ms: u64 = 5_000;
        /// Most messages that wait to be written; beyond them the answer is 503.
        write_queue: usize = 4_096;
        /// Most bytes of organizations' declarations in memory; those that were not asked for longest are read again.
        tenant_memory_bytes: u64 = 64 << 20;
        /// SQLite: `normal` is faster, and a power cut may lose the last commits.
        sqlite_synchronous: Synchronous = Synchronous::Full;
    }
}

/// SQLite's `synchronous` setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// A commit survives a power cut.
    Full,
    /// A commit survives a crash of the process; a power cut may lose the last ones.
    Normal,
}
