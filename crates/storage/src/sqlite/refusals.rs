//! Refusals, counted and held to their bound as PostgreSQL's function does.

use diesel::result::QueryResult;
use diesel::sql_query;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use super::dialect::Conn;
use crate::refusals::{RefusalCount, document};
use crate::sql_types::{DbJson, SqlJson};

const COUNT: &str = "
INSERT INTO refusals (reason, step, identifier, organization_id, count, first_at, last_at)
SELECT value ->> 'reason', value ->> 'step', value ->> 'identifier', o.id, sum(value ->> 'count'),
       min(value ->> 'first_at'), max(value ->> 'last_at')
FROM json_each(?) LEFT JOIN organizations o ON o.id = value ->> 'organization_id'
GROUP BY 1, 2, 3, 4
ON CONFLICT (reason, step, identifier, coalesce(organization_id, '')) DO UPDATE SET
    count = count + excluded.count, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)";

const TRIM: &str = "
DELETE FROM refusals WHERE id IN (
    SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY organization_id IS NULL
                                                  ORDER BY count > 1 DESC, last_at DESC, id DESC) AS place
                    FROM refusals)
    WHERE place > 5000)";

pub(super) async fn count(conn: &mut Conn, found: &[RefusalCount]) -> QueryResult<()> {
    sql_query(COUNT).bind::<SqlJson, _>(DbJson(document(found))).execute(conn).await?;
    conn.batch_execute(TRIM).await
}
