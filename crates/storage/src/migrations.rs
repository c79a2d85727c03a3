//! The migrations, embedded, and the question whether they have run, or others.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

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

/// Runs what is pending, on a database that no newer program has migrated.
pub(crate) fn run<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    source: EmbeddedMigrations,
) -> Result<MigrationReport, StorageError> {
    let text =
        |versions: &[MigrationVersion<'_>]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
    let applied = harness.applied_migrations().map_err(StorageError::rejected)?;
    refuse_newer(&needed::<DB>(&source)?, &text(&applied))?;
    let applied = harness.run_pending_migrations(source).map_err(StorageError::rejected)?;
    Ok(MigrationReport { applied: text(&applied) })
}

/// Refuses a database that a newer program has migrated: what this one writes into it could be wrong.
pub(crate) fn refuse_newer<'a>(
    needed: &[String],
    applied: impl IntoIterator<Item = &'a String>,
) -> Result<(), StorageError> {
    match applied.into_iter().find(|version| !needed.contains(version)) {
        None => Ok(()),
        Some(newer) => Err(StorageError::Configuration(format!(
            "the database is newer than this program: migration {newer} has run, which this version does not know. Run \
             the version that migrated it, or a later one"
        ))),
    }
}

/// The versions that this program needs.
pub(crate) fn needed<DB: diesel::backend::Backend>(
    source: &EmbeddedMigrations,
) -> Result<Vec<String>, StorageError> {
    let migrations: Vec<Box<dyn Migration<DB>>> = source.migrations().map_err(StorageError::rejected)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}
