//! SQLite's own ways of saying things.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::result::{Error, QueryResult};
use diesel_async::RunQueryDsl;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use org_resolver::OrgId;
use uuid::Uuid;

use super::thread::ConnectionThread;
use crate::error::StorageError;
use crate::schema::credentials;
use crate::sql_types::{DbTime, DbUuid};

/// The connection that the shared statements run on.
pub(super) type Conn = SyncConnectionWrapper<SqliteConnection, ConnectionThread>;

/// A scope holds the only writer, so its rows are locked as they are.
macro_rules! locking {
    ($query:expr) => {
        $query
    };
}
pub(super) use locking;

/// The message of the trigger against double bookings; also the constraint's name on PostgreSQL.
const TAKEN: &str = "appointments_no_double_booking";

/// A place that is taken is refused by a trigger, which undoes the statement and leaves the transaction whole.
pub(super) fn taken_is_no_row(inserted: QueryResult<usize>) -> QueryResult<usize> {
    match inserted {
        Err(Error::DatabaseError(_, information)) if information.message().contains(TAKEN) => Ok(0),
        other => other,
    }
}

/// Notes that a credential of the organization admitted a message, at most once a minute.
pub(super) async fn touch_credential(
    conn: &mut Conn,
    org: OrgId,
    credential: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<usize> {
    let a_minute_ago = now.checked_sub_signed(TimeDelta::minutes(1)).unwrap_or(now);
    diesel::update(
        credentials::table
            .filter(credentials::organization_id.eq(DbUuid(org.as_uuid())))
            .filter(credentials::id.eq(DbUuid(credential)))
            .filter(
                credentials::last_used_at.is_null().or(credentials::last_used_at.lt(DbTime(a_minute_ago))),
            ),
    )
    .set(credentials::last_used_at.eq(Some(now)))
    .execute(conn)
    .await
}

/// Refuses a file without tables.
pub(super) async fn require_tables(conn: &mut Conn) -> Result<(), StorageError> {
    diesel::table! {
        sqlite_master (name) {
            name -> Text,
        }
    }
    let tables = sqlite_master::table.filter(sqlite_master::name.eq("organizations"));
    if tables.select(sqlite_master::name).load::<String>(conn).await?.is_empty() {
        return Err(StorageError::Configuration(
            "the database has no tables yet: run `vapi-gateway migrate`".to_owned(),
        ));
    }
    Ok(())
}

/// The writer has no time limit of its own.
pub(super) async fn prepare_operator(_conn: &mut Conn) -> QueryResult<()> {
    Ok(())
}

/// There is one writer, so operators take turns as they are.
pub(super) async fn lock_operators(_conn: &mut Conn) -> QueryResult<()> {
    Ok(())
}
