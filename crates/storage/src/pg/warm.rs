//! Connections that are opened and made ready before somebody waits for them.
//!
//! A process of the server reads from the catalog what a table, its indexes and its policies are when it first meets them,
//! which takes a new connection's first transactions milliseconds.

use diesel_async::SimpleAsyncConnection;
use futures::future::join_all;

use super::connect::Pool;
use super::lease::Lease;
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

/// Warms so many connections of a pool at the same time, but one fewer than it has: who comes meanwhile finds one.
pub(super) async fn up(pool: &Pool, connections: usize) {
    let connections = connections.min(pool.status().max_size.saturating_sub(1));
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
