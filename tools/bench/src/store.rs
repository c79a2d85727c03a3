//! The databases of a run, one for each contender, so that nobody works in another's tables.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rusqlite::{Connection, OpenFlags};

use super::Lab;

/// The table in which every kept message leaves one row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Messages,
    Appointments,
}

impl Table {
    fn name(self) -> &'static str {
        match self {
            Self::Messages => "webhook_events",
            Self::Appointments => "appointments",
        }
    }
}

/// One contender's database; a PostgreSQL one is dropped with the value.
#[derive(Debug)]
pub(super) enum Store {
    Postgres { server: String, name: String, url: String },
    Sqlite { path: PathBuf },
}

impl Store {
    /// Makes a database on the run's server.
    ///
    /// # Errors
    /// If the server refuses.
    pub(super) fn postgres(lab: &Lab, name: &str) -> Result<Self> {
        let url = lab.postgres.create_database(name)?;
        Ok(Self::Postgres { server: lab.postgres.url(), name: name.to_owned(), url })
    }

    /// Names a file that the gateway will make.
    pub(super) fn sqlite(directory: &Path) -> Self {
        Self::Sqlite { path: directory.join("bench.db") }
    }

    /// Returns what the gateway and the others call the database.
    pub(super) fn url(&self) -> String {
        match self {
            Self::Postgres { url, .. } => url.clone(),
            Self::Sqlite { path } => format!("sqlite:{}", path.display()),
        }
    }

    /// Counts the rows of a table, by another way than any contender's.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) fn count(&self, table: Table) -> Result<u64> {
        let question = format!("SELECT count(*) FROM {}", table.name());
        match self {
            Self::Postgres { url, .. } => {
                let answer = pg::query(url, &question)?;
                let count = answer.first().context("PostgreSQL counted nothing")?;
                count.parse().with_context(|| format!("PostgreSQL counted {count}"))
            }
            Self::Sqlite { path } => {
                let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let count: i64 = connection.query_row(&question, [], |row| row.get(0))?;
                Ok(u64::try_from(count)?)
            }
        }
    }

    /// Writes to disk what earlier rounds changed, so that no round pays for another's pages.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) fn settle(&self) -> Result<()> {
        match self {
            Self::Postgres { url, .. } => pg::query(url, "CHECKPOINT").map(drop),
            // SQLite's log is bounded and written back as it goes.
            Self::Sqlite { .. } => Ok(()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Self::Postgres { server, name, .. } = self {
            // The whole server goes at the end of the run: this only keeps the disk from filling up before.
            let _ = pg::query(server, &format!("DROP DATABASE \"{name}\" WITH (FORCE)"));
        }
    }
}
