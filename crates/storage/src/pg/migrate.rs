//! Migrations of PostgreSQL: the roles first, then the tables as their owner.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Bool, Nullable};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use tokio::time::sleep;

use super::connect::Login;
use super::dialect::Conn;
use super::pooler;
use super::sql::run;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::migrations::{self, MigrationReport, POSTGRES};

const ROLES: &str = include_str!("../../../../migrations/postgres-roles.sql");

/// Held by the session, so that the nodes of one deployment take turns. It goes with the session at the latest.
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock(hashtextextended('vapi-gateway migrate', 0))";
const UNLOCK: &str = "SELECT pg_advisory_unlock(hashtextextended('vapi-gateway migrate', 0))";

/// How often it is seen whether another migration has ended, and how often it is said that it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS_IN_SILENCE: u32 = 300;

/// Every role may ask which migrations have run.
const GRANT: &str =
    "GRANT SELECT ON __diesel_schema_migrations TO gateway_app, gateway_directory, gateway_operator";

/// How many parts the tables have; null where there are none.
const PARTITIONS: &str = "(SELECT greatest(count(i.inhrelid), 1) FROM pg_catalog.pg_class c
    LEFT JOIN pg_catalog.pg_inherits i ON i.inhparent = c.oid
    WHERE c.oid = to_regclass('public.webhook_events') GROUP BY c.oid)";

/// Makes the roles and runs what is pending.
pub(crate) async fn migrate(config: &StorageConfig, url: &str) -> Result<MigrationReport, StorageError> {
    let login = Login::new(config, config.owner_url.as_deref().unwrap_or(url), None)?;
    pooler::refuse_transaction_pooler(&login).await?;
    let mut connection = login.open().await?;
    let conn = &mut connection.conn;
    lock(conn).await?;
    conn.batch_execute(ROLES).await.map_err(refused)?;
    conn.batch_execute("SET ROLE gateway_owner").await.map_err(refused)?;
    partition(conn, config.partitions).await?;
    // The harness is blocking. Its thread holds the connection until it is done, also when nobody waits any more.
    let ran = tokio::task::spawn_blocking(move || {
        let driver = connection;
        let mut harness = AsyncConnectionWrapper::<AsyncPgConnection>::from(driver.conn);
        let report = migrations::run(&mut harness, POSTGRES)?;
        Ok::<_, StorageError>((harness.into_inner(), report))
    });
    let (mut conn, report) = ran.await.map_err(StorageError::rejected)??;
    conn.batch_execute(GRANT).await.map_err(refused)?;
    conn.batch_execute(UNLOCK).await?;
    Ok(report)
}

/// Waits until no other migration runs on this database, and says so.
async fn lock(conn: &mut Conn) -> Result<(), StorageError> {
    for look in 0_u32.. {
        let is_locked: Vec<bool> = run::load(conn, sql::<Bool>(TRY_LOCK)).await?;
        if is_locked.contains(&true) {
            break;
        }
        if look % LOOKS_IN_SILENCE == 0 {
            tracing::warn!("another migration of this database runs, and is waited for");
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Asks the first migration for tables in parts. Tables that are there already stay as they were made.
async fn partition(conn: &mut Conn, partitions: u16) -> Result<(), StorageError> {
    if partitions == 1 {
        return Ok(());
    }
    let found: Vec<Option<i64>> = run::load(conn, sql::<Nullable<BigInt>>(PARTITIONS)).await?;
    match found.into_iter().next().flatten() {
        Some(parts) if parts != i64::from(partitions) => Err(StorageError::Configuration(format!(
            "the tables are there already, in {parts} parts: partitions are made with a new database only"
        ))),
        _ => conn.batch_execute(&format!("SET gateway.partitions = '{partitions}'")).await.map_err(refused),
    }
}

/// An exception of the roles' script is a sentence for its user.
fn refused(error: diesel::result::Error) -> StorageError {
    match StorageError::from(error) {
        StorageError::Rejected(cause) => StorageError::Configuration(cause.to_string()),
        other => other,
    }
}
