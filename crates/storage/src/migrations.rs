//! The migrations, embedded, and the question whether they have run.

use diesel::migration::{Migration, MigrationSource};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::error::StorageError;

/// The migrations of PostgreSQL.
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
/// The migrations of SQLite.
pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// The result of a migration run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationReport {
    /// The versions that were applied now, in order; empty when nothing was pending.
    pub applied: Vec<String>,
}

/// The versions that this program needs.
pub(crate) fn needed<DB: diesel::backend::Backend>(
    source: &EmbeddedMigrations,
) -> Result<Vec<String>, StorageError> {
    let migrations: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(StorageError::rejected)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}
