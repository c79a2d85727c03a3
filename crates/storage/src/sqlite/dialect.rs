//! SQLite's own ways of saying things.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::result::{Error, QueryResult};
use diesel::sql_types::Binary;
use diesel_async::RunQueryDsl;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use org_resolver::OrgId;
use uuid::Uuid;

use super::thread::ConnectionThread;
use crate::body::pack;
use crate::error::StorageError;
use crate::quarantine::{QuarantineBounds, QuarantinedMessage};
use crate::schema::{credentials, quarantine};
use crate::sql_types::{DbJson, DbTime, DbUuid};
use crate::text::{clean, clean_json, clean_option, new_id};

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

/// Keeps a message and trims the quarantine to its bounds, oldest first, as PostgreSQL's function does.
pub(super) async fn quarantine(
    conn: &mut Conn,
    message: &QuarantinedMessage<'_>,
    bounds: QuarantineBounds,
) -> QueryResult<()> {
    let packed = pack(message.body);
    let max_bytes = i64::try_from(bounds.max_bytes).unwrap_or(i64::MAX);
    if bounds.max_messages == 0 || stored_bytes(packed.len()) > max_bytes {
        return Ok(());
    }
    let kept = DbUuid(new_id(message.received_at));
    diesel::insert_into(quarantine::table)
        .values((
            quarantine::id.eq(kept),
            quarantine::kind.eq(clean(message.kind)),
            quarantine::vapi_call_id.eq(clean_option(message.vapi_call_id)),
            quarantine::dedupe_key.eq(clean(message.dedupe_key)),
            quarantine::identifiers.eq(DbJson(clean_json(message.identifiers.clone()))),
            quarantine::body_bytes.eq(i32::try_from(message.body.len()).unwrap_or(i32::MAX)),
            quarantine::body.eq(packed),
            quarantine::request_id.eq(clean(message.request_id)),
            quarantine::received_at.eq(DbTime(message.received_at)),
        ))
        .execute(conn)
        .await?;
    if let Some(oldest) = oldest_kept(message.received_at, bounds) {
        let expired = quarantine::table
            .filter(quarantine::received_at.lt(DbTime(oldest)))
            .filter(quarantine::id.ne(kept));
        diesel::delete(expired).execute(conn).await?;
    }
    trim(conn, kept, i64::from(bounds.max_messages), max_bytes).await
}

fn oldest_kept(now: DateTime<Utc>, bounds: QuarantineBounds) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(TimeDelta::from_std(bounds.max_age).ok()?)
}

/// Removes what stands beyond the bounds, counted from the message just kept and then from the newest.
async fn trim(conn: &mut Conn, kept: DbUuid, max_messages: i64, max_bytes: i64) -> QueryResult<()> {
    let rows = quarantine::table
        .order((quarantine::received_at.desc(), quarantine::id.desc()))
        .select((quarantine::id, octet_length(quarantine::body)))
        .load::<(DbUuid, i64)>(conn)
        .await?;
    let own = rows.iter().filter(|(id, _)| *id == kept);
    let others = rows.iter().filter(|(id, _)| *id != kept);
    let (mut messages, mut bytes) = (0, 0_i64);
    let mut beyond = Vec::new();
    for (id, length) in own.chain(others) {
        messages += 1;
        bytes = bytes.saturating_add(*length);
        if messages > max_messages || bytes > max_bytes {
            beyond.push(*id);
        }
    }
    // A statement takes a limited number of values.
    for some in beyond.chunks(500) {
        let gone = quarantine::table.filter(quarantine::id.eq_any(some.iter().copied()));
        diesel::delete(gone).execute(conn).await?;
    }
    Ok(())
}

fn stored_bytes(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The length of a blob.
    fn octet_length(blob: Binary) -> BigInt;
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
