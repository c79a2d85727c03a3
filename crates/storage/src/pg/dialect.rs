//! PostgreSQL's own ways of saying things.

use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};

use crate::sql_types::{SqlJson, SqlUuid};

/// The connection that the shared statements run on.
pub(super) type Conn = AsyncPgConnection;

/// Locks the rows of a query until the transaction ends.
macro_rules! locking {
    ($query:expr) => {
        $query.for_update()
    };
}
pub(super) use locking;

// Declared functions, because a statement of raw SQL is prepared anew each time.
#[diesel::declare_sql_function]
extern "SQL" {
    /// Sets a setting, for the transaction where `is_local`.
    fn set_config(name: Text, value: Text, is_local: Bool) -> Text;

    /// A setting.
    fn current_setting(name: Text) -> Text;

    /// The rows of which an organization's data in memory is made, as a JSON document.
    fn read_tenant(organization: SqlUuid) -> Nullable<Text>;

    /// Notes that a credential of the scope's organization admitted a message. Its result is void and never read.
    fn touch_credential(credential: SqlUuid) -> Bool;

    /// Clears away what an organization keeps no longer; gives how many rows it worked on, and how many of them are gone.
    fn clear_away(
        organization: SqlUuid,
        bodies_days: Integer,
        transcripts_days: Integer,
        calls_days: Integer,
        most_bytes: BigInt,
        step: Integer,
    ) -> Array<BigInt>;

    /// Counts refusals. Its result is void and never read.
    fn count_refusals(found: SqlJson) -> Bool;

    /// Keeps a message; false where it does not fit.
    fn quarantine_message(
        kind: Text,
        call_id: Nullable<Text>,
        message_key: Text,
        claims: SqlJson,
        stored: Binary,
        original_bytes: Integer,
        request: Text,
    ) -> Bool;

    /// Removes some of what stands beyond the quarantine's bounds; gives how many messages.
    fn trim_quarantine() -> BigInt;
}

/// A place that is taken is a conflict that the statement itself passes over.
pub(super) fn taken_is_no_row(inserted: QueryResult<usize>) -> QueryResult<usize> {
    inserted
}

/// A plan for many organizations takes longer than a message may.
pub(super) async fn prepare_operator(conn: &mut Conn) -> QueryResult<()> {
    conn.batch_execute(
        "SET LOCAL statement_timeout = '60s'; SET LOCAL idle_in_transaction_session_timeout = '60s'",
    )
    .await
}

/// Operators who change something take turns, so that each sees what the other did.
pub(super) async fn lock_operators(conn: &mut Conn) -> QueryResult<()> {
    conn.batch_execute("SELECT pg_advisory_xact_lock(hashtextextended('vapi-gateway operators', 0))").await
}
