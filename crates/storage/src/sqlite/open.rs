//! Opening a connection: the one place where it gets its pragmas.

use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::{Connection, SqliteConnection};
use diesel_async::SimpleAsyncConnection;
use diesel_async::sync_connection_wrapper::SpawnBlocking;

use super::dialect::Conn;
use super::thread::ConnectionThread;
use crate::config::StorageConfig;
use crate::error::StorageError;

/// How many pages the log holds before they are written into the file: 16 MiB. A page that changes again until then is
/// written there once. More pages spare little more, and the commit that finds the log full waits longer.
const CHECKPOINT_PAGES: u32 = 4000;

/// How connections of one file are opened.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) path: PathBuf,
    /// How long a scope waits for its turn, and the writer for one of another process.
    pub(super) wait: Duration,
    is_synchronous_full: bool,
}

impl Settings {
    pub(super) fn new(config: &StorageConfig, path: &Path) -> Result<Self, StorageError> {
        if path.to_str().is_none() {
            return Err(StorageError::Configuration("the database's path is not UTF-8".to_owned()));
        }
        Ok(Self {
            path: path.to_owned(),
            wait: config.statement_timeout,
            is_synchronous_full: config.sqlite_synchronous_full,
        })
    }

    /// The pragmas of every connection. The timeout comes first, because changing the journal may have to wait.
    pub(super) fn pragmas(&self) -> String {
        let synchronous = if self.is_synchronous_full { "FULL" } else { "NORMAL" };
        format!(
            "PRAGMA busy_timeout = {};\
             PRAGMA journal_mode = WAL;\
             PRAGMA synchronous = {synchronous};\
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};\
             PRAGMA foreign_keys = ON;",
            self.wait.as_millis()
        )
    }

    pub(super) fn establish(&self) -> Result<SqliteConnection, StorageError> {
        let path = self.path.to_str().unwrap_or_default();
        SqliteConnection::establish(path).map_err(StorageError::unavailable)
    }
}

/// Opens a connection on a thread of its own.
pub(super) async fn open(settings: &Settings) -> Result<Conn, StorageError> {
    open_on(ConnectionThread::start(), settings).await
}

/// Opens a connection on its thread.
pub(super) async fn open_on(mut thread: ConnectionThread, settings: &Settings) -> Result<Conn, StorageError> {
    let own = settings.clone();
    let opened = thread.spawn_blocking(move || own.establish()).await;
    let connection = opened.map_err(StorageError::unavailable)??;
    let mut conn = Conn::with_runtime(connection, thread);
    conn.batch_execute(&settings.pragmas()).await?;
    Ok(conn)
}
