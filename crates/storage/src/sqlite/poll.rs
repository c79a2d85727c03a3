//! Changes of the directory, seen by looking: SQLite announces nothing, to other processes least of all.

use std::convert::Infallible;
use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::sql_types::BigInt;

use super::dialect::Conn;
use super::open::{self, Settings};
use super::sql::run::{self, Rows};
use crate::changes::ChangeSink;
use crate::error::StorageError;
use crate::schema::directory_version;

/// How often to look. A change takes effect within this time.
const EVERY: Duration = Duration::from_millis(250);

/// How long to wait before opening the file again after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Looks for as long as it is polled.
pub(super) async fn watch(settings: &Settings, sink: &dyn ChangeSink) {
    loop {
        let Err(error) = look(settings, sink).await;
        sink.unheard().await;
        tracing::warn!(%error, "cannot look for changes");
        tokio::time::sleep(AFTER_FAILURE).await;
    }
}

async fn look(settings: &Settings, sink: &dyn ChangeSink) -> Result<Infallible, StorageError> {
    // On a connection that never writes, `data_version` moves with every commit of anybody, this process included.
    let mut conn = open::open(settings).await?;
    let mut seen = data_version(&mut conn).await?;
    let mut version = directory(&mut conn).await?;
    // Changes before this are not known.
    sink.everything().await;
    loop {
        tokio::time::sleep(EVERY).await;
        let now = data_version(&mut conn).await?;
        if now == seen {
            continue;
        }
        seen = now;
        let current = directory(&mut conn).await?;
        if current != version {
            version = current;
            sink.everything().await;
        }
    }
}

async fn data_version(conn: &mut Conn) -> Result<i64, StorageError> {
    one(conn, sql::<BigInt>("PRAGMA data_version")).await
}

/// Counts the changes to identifiers, organizations and credentials; the triggers keep it.
async fn directory(conn: &mut Conn) -> Result<i64, StorageError> {
    one(conn, directory_version::table.select(directory_version::version)).await
}

async fn one(conn: &mut Conn, query: impl Rows<i64>) -> Result<i64, StorageError> {
    let found = run::load(conn, query).await?;
    Ok(found.into_iter().next().ok_or(Error::NotFound)?)
}
