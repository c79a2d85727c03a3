//! Connections that are opened and made ready before somebody waits for them.
//!
//! A process of the server reads from the catalog what a table, its indexes and its policies are when it first meets them,
//! which takes a new connection's first transactions milliseconds.

use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;

use super::lease::Lease;
use super::pool::Pool;
use super::sql::run;
use crate::error::StorageError;

/// Plans a look at every table that the role may read; reads no row.
const LOOK: &str = "
DO $$
DECLARE
    own regclass;
BEGIN
    FOR own IN
        SELECT oid FROM pg_catalog.pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND has_table_privilege(oid, 'SELECT')
    LOOP
        EXECUTE format('SELECT FROM %s LIMIT 0', own);
    END LOOP;
END
$$";

/// How many connections more the server would let in: within the limits of the login, of the database and of itself.
const ROOM: &str = "
SELECT greatest(least(
    (SELECT r.rolconnlimit - (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usesysid = r.oid)
     FROM pg_catalog.pg_roles r WHERE r.rolname = session_user AND r.rolconnlimit >= 0),
    (SELECT d.datconnlimit - (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.datid = d.oid)
     FROM pg_catalog.pg_database d WHERE d.datname = current_database() AND d.datconnlimit >= 0),
    current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
    - coalesce(current_setting('reserved_connections', true)::bigint, 0)
    - (SELECT count(*) FROM pg_catalog.pg_stat_activity a WHERE a.usesysid IS NOT NULL AND a.datid IS NOT NULL)), 0)";

/// How many connections may be warmed: half of those that there is room for, so that whatever is opened later, here or by
/// others, finds some.
pub(super) async fn allowance(pool: &Pool) -> Result<usize, StorageError> {
    let mut lease = Lease::get(pool).await?;
    let room: Vec<i64> = run::load(lease.conn()?, sql::<BigInt>(ROOM)).await?;
    lease.release();
    Ok(room.first().and_then(|room| usize::try_from(*room).ok()).unwrap_or_default() / 2)
}

/// Warms so many connections of a pool at the same time, but one fewer than it has: who comes meanwhile finds one.
pub(super) async fn up(pool: &Pool, connections: usize) {
    let connections = connections.min(pool.size().saturating_sub(1));
    for warmed in join_all((0..connections).map(|_| one(pool))).await {
        if let Err(error) = warmed {
            // Who needs the connection is told.
            tracing::debug!(%error, "a connection was not warmed");
        }
    }
}

async fn one(pool: &Pool) -> Result<(), StorageError> {
    let mut lease = Lease::get(pool).await?;
    lease.conn()?.batch_execute(LOOK).await?;
    lease.release();
    Ok(())
}
