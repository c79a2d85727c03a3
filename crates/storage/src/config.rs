//! Where the data lies, and how hard the store may be worked.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tenant::Retention;

use crate::error::StorageError;

/// Names a database: `postgres://…`, `sqlite:path`, `sqlite://path` or a bare path.
///
/// `Debug` and `Display` leave the login out.
///
/// ```
/// use storage::DatabaseUrl;
///
/// assert!(matches!("./data/gateway.db".parse()?, DatabaseUrl::Sqlite(_)));
/// let url: DatabaseUrl = "postgres://app:hush@db/gateway".parse()?;
/// assert_eq!(url.to_string(), "postgres://db/gateway");
/// # Ok::<(), storage::StorageError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The whole URL of a PostgreSQL database.
    Postgres(String),
    /// The path of a SQLite file.
    Sqlite(PathBuf),
}

impl DatabaseUrl {
    /// Where the embedded database lies when nothing is said.
    pub fn embedded() -> Self {
        Self::Sqlite(PathBuf::from("./data/gateway.db"))
    }

    /// The file of an embedded database.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = StorageError;

    fn from_str(text: &str) -> Result<Self, StorageError> {
        let text = text.trim();
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        let path = path.or_else(|| text.strip_prefix("file:")).unwrap_or(text);
        let refused = if path.is_empty() {
            "the database URL is empty"
        } else if path.contains(":memory:") {
            // Every connection would see a database of its own.
            "an in-memory database cannot be used: name a file"
        } else if path.contains("://") || path.contains('?') {
            "the database URL is neither postgres://… nor a path of a SQLite file"
        } else {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        };
        Err(StorageError::Configuration(refused.to_owned()))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&without_login(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// The URL without login and without its query, which may hold a password too.
fn without_login(url: &str) -> String {
    let url = url.split('?').next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
        }
        None => String::new(),
    }
}

/// How to reach and use the database.
#[derive(Clone)]
pub struct StorageConfig {
    /// The database, with the login that works in scopes.
    pub url: DatabaseUrl,
    /// PostgreSQL: the login that migrates; `None` takes [`url`](Self::url).
    pub owner_url: Option<String>,
    /// PostgreSQL: the login that reads the directory; `None` takes [`url`](Self::url).
    pub directory_url: Option<String>,
    /// PostgreSQL: the login of operators; `None` takes [`url`](Self::url).
    pub operator_url: Option<String>,
    /// PostgreSQL: takes the gateway's roles by `SET ROLE` after login. False where each login has its role's rights
    /// itself.
    pub assume_roles: bool,
    /// PostgreSQL: most connections that work in scopes. A few more read the directory and serve operators.
    pub max_connections: usize,
    /// How long a statement may run, and how long a scope may wait for its turn at most.
    pub statement_timeout: Duration,
    /// Most messages that wait for the writer; beyond them the sender is told to come back.
    pub write_queue: usize,
    /// How long a message waits for its commit at most.
    pub write_wait: Duration,
    /// Most bytes of declarations in memory. An organization takes some thousands.
    pub tenant_memory_bytes: u64,
    /// How long declarations are good where no notice of a change arrives.
    pub tenant_time_to_live: Duration,
    /// How long organizations' data is kept that say nothing of it themselves; `None` and 0 are for good.
    pub retention: Retention,
    /// How often what is kept no longer is cleared away.
    pub clear_every: Duration,
    /// PostgreSQL: how many parts the tables that grow with every call have, when a migration makes them; 1 is whole.
    pub partitions: u16,
    /// SQLite: every commit survives a loss of power. False lets the last commits go with the power, never with the
    /// process.
    pub sqlite_synchronous_full: bool,
    /// PostgreSQL: how the connections are named in the server's lists.
    pub application_name: String,
}

impl StorageConfig {
    /// The usual settings for a database.
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            owner_url: None,
            directory_url: None,
            operator_url: None,
            assume_roles: true,
            max_connections: 10,
            statement_timeout: Duration::from_secs(5),
            write_queue: 4096,
            write_wait: Duration::from_secs(10),
            tenant_memory_bytes: 64 << 20,
            tenant_time_to_live: Duration::from_secs(60),
            retention: Retention::default(),
            clear_every: Duration::from_secs(3600),
            partitions: 1,
            sqlite_synchronous_full: true,
            application_name: "vapi-gateway".to_owned(),
        }
    }
}

impl fmt::Debug for StorageConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageConfig")
            .field("url", &self.url)
            .field("assume_roles", &self.assume_roles)
            .field("max_connections", &self.max_connections)
            .field("statement_timeout", &self.statement_timeout)
            .field("sqlite_synchronous_full", &self.sqlite_synchronous_full)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_apart() {
        for (text, path) in [
            ("sqlite:data/g.db", "data/g.db"),
            ("sqlite:///var/g.db", "/var/g.db"),
            ("./g.db", "./g.db"),
            ("file:g.db", "g.db"),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().sqlite_path(), Some(Path::new(path)), "{text}");
        }
        for text in ["", "sqlite:", "mysql://host/db", ":memory:", "sqlite::memory:", "g.db?mode=ro"] {
            assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn logins_are_not_shown() {
        let url: DatabaseUrl = "postgresql://app:p@ss@db:5432/gateway?password=hush".parse().unwrap();
        assert_eq!(url.to_string(), "postgresql://db:5432/gateway");
        let config = StorageConfig::new(url);
        assert!(!format!("{config:?}").contains("hush"));
    }
}
