//! Migrations of SQLite. The file and its directory are made where they are missing, for their owner alone.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use diesel::connection::SimpleConnection;

use super::open::Settings;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::migrations::{self, MigrationReport, SQLITE};
use crate::seal::{make_private_directory, private_file};

/// Makes the file and runs what is pending.
pub(crate) async fn migrate(config: &StorageConfig, path: &Path) -> Result<MigrationReport, StorageError> {
    let settings = Settings::new(config, path)?;
    let ran = tokio::task::spawn_blocking(move || run(&settings));
    ran.await.map_err(StorageError::rejected)?
}

fn run(settings: &Settings) -> Result<MigrationReport, StorageError> {
    let path = &settings.path;
    let refused =
        |error: io::Error| StorageError::Configuration(format!("{} cannot be used: {error}", path.display()));
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        make_private_directory(directory).map_err(refused)?;
    }
    // Processes that start at once take turns. The lock goes with the handle, also when the process is killed; the
    // file stays, because removing it would let a third process lock another one of the same name.
    let lock = make_private_file(&path.with_extension("migrate-lock")).map_err(refused)?;
    lock.lock().map_err(refused)?;
    make_private_file(path).map_err(refused)?;
    let mut conn = settings.establish()?;
    conn.batch_execute(&settings.pragmas())?;
    migrations::run(&mut conn, SQLITE)
}

/// Opens a file, and makes it with mode 0600 where there is none.
fn make_private_file(path: &Path) -> io::Result<File> {
    match private_file().open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::OpenOptions::new().read(true).write(true).open(path)
        }
        made => made,
    }
}
