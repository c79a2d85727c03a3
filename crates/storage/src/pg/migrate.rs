//! Migrations of PostgreSQL: the roles first, then the tables as their owner.

use diesel::dsl::sql;
use diesel::sql_types::{BigInt, Nullable};
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use super::connect::Login;
use super::dialect::Conn;
use super::sql::run;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::migrations::{self, MigrationReport, POSTGRES};

const ROLES: &str = include_str!("../../../../migrations/postgres-roles.sql");

/// Taken for the whole session, so that the nodes of one deployment take turns.
const LOCK: &str = "SELECT pg_advisory_lock(hashtextextended('vapi-gateway migrate', 0))";

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
    let mut connection = login.open().await?;
    let conn = &mut connection.conn;
    conn.batch_execute(LOCK).await?;
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
    Ok(report)
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
