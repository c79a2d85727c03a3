//! The quarantine, as PostgreSQL's functions keep and trim it.

use diesel::dsl::{count_star, sum};
use diesel::prelude::{ExpressionMethods, QueryDsl, QueryableByName};
use diesel::result::QueryResult;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::dialect::Conn;
use super::sql::{directory, run};
use crate::body::pack;
use crate::error::StorageError;
use crate::quarantine::{QuarantineBounds, QuarantinedMessage};
use crate::schema::quarantine;
use crate::sql_types::{DbJson, DbTime, DbUuid, SqlUuid};
use crate::text::{clean, clean_json, clean_option, new_id};

/// Messages beyond the bounds, the most crowded identifiers' first; so many that the writer has a short step.
const BEYOND: &str = "
WITH named AS (
    SELECT id, row_number() OVER (PARTITION BY step, value ORDER BY received_at DESC, id DESC) AS position
    FROM (SELECT DISTINCT o.id, o.received_at,
                 CASE n.type WHEN 'object' THEN n.value ->> 'step' END AS step,
                 CASE n.type WHEN 'object' THEN n.value ->> 'value' END AS value
          FROM quarantine o LEFT JOIN json_each(o.identifiers) n ON true)
), crowded AS (
    SELECT DISTINCT id FROM named WHERE position > 100
), ranked AS (
    SELECT id, received_at, row_number() OVER newest_first AS position, sum(stored_bytes) OVER newest_first AS bytes
    FROM quarantine WHERE id NOT IN (SELECT id FROM crowded)
    WINDOW newest_first AS (ORDER BY received_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
)
SELECT id FROM crowded
UNION ALL
SELECT id FROM ranked
WHERE position > ? OR bytes > ?
   OR received_at < strftime('%Y-%m-%dT%H:%M:%f', 'now', '-' || ? || ' hours') || '000Z'
LIMIT 500";

/// So much more than its bounds does the table hold between two trimmings, beside a quarter of them.
const SLACK_MESSAGES: i64 = 100;
const SLACK_BYTES: i64 = 16 << 20;

/// The most hours that the database's calendar is asked to go back.
const MAX_HOURS: u32 = 876_000;

/// Keeps a message; false where it alone is over a bound, or the table over its bounds by so much more that it has to be
/// trimmed first.
pub(super) async fn keep(conn: &mut Conn, message: &QuarantinedMessage<'_>) -> Result<bool, StorageError> {
    let bounds =
        QuarantineBounds::read(directory::deployment(conn, QuarantineBounds::NAME).await?.as_deref())?;
    let packed = pack(message.body);
    let identifiers = clean_json(message.identifiers.clone());
    let chosen = [
        packed.len(),
        identifiers.to_string().len(),
        message.kind.len(),
        message.dedupe_key.len(),
        message.request_id.len(),
        message.vapi_call_id.unwrap_or_default().len(),
    ];
    let own = i32::try_from(chosen.into_iter().sum::<usize>()).unwrap_or(i32::MAX);
    let (max_messages, max_bytes) = (i64::from(bounds.max_messages), bytes(bounds));
    let held = quarantine::table.select((count_star(), sum(quarantine::stored_bytes)));
    let held: Option<(i64, Option<i64>)> = run::load(conn, held).await?.pop();
    let (messages, held) = held.unwrap_or_default();
    let most_bytes = max_bytes.saturating_add(max_bytes / 4).saturating_add(SLACK_BYTES);
    if max_messages < 1
        || i64::from(own) > max_bytes
        || messages >= max_messages + max_messages / 4 + SLACK_MESSAGES
        || held.unwrap_or_default().saturating_add(own.into()) > most_bytes
    {
        return Ok(false);
    }
    let insert = diesel::insert_into(quarantine::table).values((
        quarantine::id.eq(DbUuid(new_id(message.received_at))),
        quarantine::kind.eq(clean(message.kind)),
        quarantine::vapi_call_id.eq(clean_option(message.vapi_call_id)),
        quarantine::dedupe_key.eq(clean(message.dedupe_key)),
        quarantine::identifiers.eq(DbJson(identifiers)),
        quarantine::body_bytes.eq(i32::try_from(message.body.len()).unwrap_or(i32::MAX)),
        quarantine::body.eq(packed),
        quarantine::stored_bytes.eq(own),
        quarantine::request_id.eq(clean(message.request_id)),
        quarantine::received_at.eq(DbTime(message.received_at)),
    ));
    Ok(run::execute(conn, insert).await? == 1)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    id: DbUuid,
}

/// Some of the messages that stand beyond the bounds.
pub(super) async fn beyond(conn: &mut Conn) -> Result<Vec<DbUuid>, StorageError> {
    let bounds =
        QuarantineBounds::read(directory::deployment(conn, QuarantineBounds::NAME).await?.as_deref())?;
    let found = diesel::sql_query(BEYOND)
        .bind::<BigInt, _>(i64::from(bounds.max_messages))
        .bind::<BigInt, _>(bytes(bounds))
        .bind::<BigInt, _>(i64::from(bounds.max_age_hours.min(MAX_HOURS)))
        .load::<Found>(conn)
        .await?;
    Ok(found.into_iter().map(|found| found.id).collect())
}

/// Removes messages.
pub(super) async fn remove(conn: &mut Conn, ids: Vec<DbUuid>) -> QueryResult<usize> {
    run::execute(conn, diesel::delete(quarantine::table.filter(quarantine::id.eq_any(ids)))).await
}

fn bytes(bounds: QuarantineBounds) -> i64 {
    i64::try_from(bounds.max_bytes).unwrap_or(i64::MAX)
}
