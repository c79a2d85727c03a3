//! What is kept no longer, cleared away as PostgreSQL's function does it.

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Text};

use super::dialect::Conn;
use crate::retention::{Cleared, Step};
use crate::sql_types::{DbUuid, SqlUuid};

/// The lowest of the ids that were made so many days ago; `?` is the modifier of a date.
const FIRST_ID: &str = "(SELECT substr(hex, 1, 8) || '-' || substr(hex, 9, 4) || '-0000-0000-000000000000'
    FROM (SELECT printf('%012x', unixepoch('now', ?) * 1000) AS hex))";
/// The last minute waits, as on PostgreSQL.
const SETTLED: &str = "'-1 minutes'";
const INSTANT: &str = "(strftime('%Y-%m-%dT%H:%M:%f', 'now', ?) || '000Z')";

#[derive(QueryableByName)]
struct Mark {
    #[diesel(sql_type = Text)]
    counted_to: String,
    #[diesel(sql_type = BigInt)]
    stored_bytes: i64,
    #[diesel(sql_type = Text)]
    reports_to: String,
}

#[derive(QueryableByName)]
struct Message {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

#[derive(QueryableByName)]
struct Call {
    #[diesel(sql_type = Text)]
    vapi_call_id: String,
    #[diesel(sql_type = Text)]
    created_at: String,
}

#[derive(QueryableByName)]
struct Due {
    #[diesel(sql_type = Bool)]
    due: bool,
}

/// Whether a step would find something: asked beside the writer, which most organizations need not have for it.
pub(super) async fn is_due(conn: &mut Conn, step: Step) -> QueryResult<bool> {
    let due = format!(
        "WITH mark AS (SELECT coalesce(max(counted_to), '') AS counted_to, coalesce(max(stored_bytes), 0) AS stored_bytes,
                              coalesce(max(reports_to), '') AS reports_to
                       FROM retention_marks WHERE organization_id = ?1)
         SELECT ?2 > 0 AND EXISTS (SELECT 1 FROM webhook_events WHERE organization_id = ?1 AND id < {bodies})
             OR ?3 > 0 AND (stored_bytes > ?3 OR EXISTS (
                 SELECT 1 FROM webhook_events WHERE organization_id = ?1 AND id > counted_to AND id < {settled}))
             OR ?4 > 0 AND EXISTS (SELECT 1 FROM call_logs
                 WHERE organization_id = ?1 AND created_at > reports_to AND created_at < {reports})
             OR ?5 > 0 AND EXISTS (SELECT 1 FROM call_logs WHERE organization_id = ?1 AND created_at < {calls}) AS due
         FROM mark",
        bodies = FIRST_ID.replace('?', "'-' || ?2 || ' days'"),
        settled = FIRST_ID.replace('?', SETTLED),
        reports = INSTANT.replace('?', "'-' || ?4 || ' days'"),
        calls = INSTANT.replace('?', "'-' || ?5 || ' days'"),
    );
    conn.spawn_blocking(move |conn| {
        let found: Due = sql_query(due)
            .bind::<SqlUuid, _>(DbUuid(step.org.as_uuid()))
            .bind::<Integer, _>(step.bodies_days)
            .bind::<BigInt, _>(step.stored_bytes)
            .bind::<Integer, _>(step.transcripts_days)
            .bind::<Integer, _>(step.calls_days)
            .get_result(conn)?;
        Ok(found.due)
    })
    .await
}

/// One step for one organization.
pub(super) async fn clear_away(conn: &mut Conn, step: Step) -> QueryResult<Cleared> {
    conn.spawn_blocking(move |conn| {
        Clearing { conn, org: DbUuid(step.org.as_uuid()), rows: step.rows }.run(step)
    })
    .await
}

struct Clearing<'a> {
    conn: &'a mut SqliteConnection,
    org: DbUuid,
    /// Most rows of each kind.
    rows: i64,
}

impl Clearing<'_> {
    fn run(&mut self, step: Step) -> QueryResult<Cleared> {
        let mark = "INSERT INTO retention_marks (organization_id) VALUES (?) ON CONFLICT DO NOTHING";
        sql_query(mark).bind::<SqlUuid, _>(self.org).execute(self.conn)?;
        let marked =
            "SELECT counted_to, stored_bytes, reports_to FROM retention_marks WHERE organization_id = ?";
        let mut mark: Mark = sql_query(marked).bind::<SqlUuid, _>(self.org).get_result(self.conn)?;
        let (mut counted, mut removed) = (0, 0);
        if step.bodies_days > 0 {
            let old = format!(
                "SELECT id, octet_length(body) AS bytes FROM webhook_events
                 WHERE organization_id = ? AND id < {FIRST_ID} ORDER BY id LIMIT ?"
            );
            let old: Vec<Message> = sql_query(old)
                .bind::<SqlUuid, _>(self.org)
                .bind::<Text, _>(format!("-{} days", step.bodies_days))
                .bind::<BigInt, _>(self.rows)
                .load(self.conn)?;
            removed += self.remove_messages(&old, &mut mark)?;
        }
        if step.stored_bytes > 0 {
            counted += self.count(&mut mark)?;
            if mark.stored_bytes > step.stored_bytes {
                removed += self.remove_beyond(step.stored_bytes, &mut mark)?;
            }
        }
        if step.transcripts_days > 0 {
            let old = format!(
                "SELECT vapi_call_id, created_at FROM call_logs
                 WHERE organization_id = ? AND created_at > ? AND created_at < {INSTANT} AND created_at <= (
                     SELECT max(created_at) FROM (SELECT created_at FROM call_logs
                     WHERE organization_id = ? AND created_at > ? ORDER BY created_at LIMIT ?))
                 ORDER BY created_at"
            );
            let old: Vec<Call> = sql_query(old)
                .bind::<SqlUuid, _>(self.org)
                .bind::<Text, _>(mark.reports_to.clone())
                .bind::<Text, _>(format!("-{} days", step.transcripts_days))
                .bind::<SqlUuid, _>(self.org)
                .bind::<Text, _>(mark.reports_to.clone())
                .bind::<BigInt, _>(self.rows)
                .load(self.conn)?;
            for call in &old {
                self.remove_words(&call.vapi_call_id)?;
            }
            if let Some(last) = old.last() {
                mark.reports_to.clone_from(&last.created_at);
            }
            removed += old.len();
        }
        if step.calls_days > 0 {
            let old = format!(
                "SELECT vapi_call_id, created_at FROM call_logs
                 WHERE organization_id = ? AND created_at < {INSTANT} ORDER BY created_at LIMIT ?"
            );
            let old: Vec<Call> = sql_query(old)
                .bind::<SqlUuid, _>(self.org)
                .bind::<Text, _>(format!("-{} days", step.calls_days))
                .bind::<BigInt, _>(self.rows)
                .load(self.conn)?;
            for call in &old {
                self.remove_call(&call.vapi_call_id, &mut mark)?;
            }
            removed += old.len();
        }
        sql_query(
            "UPDATE retention_marks SET counted_to = ?, stored_bytes = max(?, 0), reports_to = ? WHERE organization_id = ?",
        )
        .bind::<Text, _>(mark.counted_to)
        .bind::<BigInt, _>(mark.stored_bytes)
        .bind::<Text, _>(mark.reports_to)
        .bind::<SqlUuid, _>(self.org)
        .execute(self.conn)?;
        let rows = |rows| u64::try_from(rows).unwrap_or(u64::MAX);
        Ok(Cleared { worked: rows(counted + removed), removed: rows(removed) })
    }

    /// Counts the messages that came since.
    fn count(&mut self, mark: &mut Mark) -> QueryResult<usize> {
        let new = format!(
            "SELECT id, octet_length(body) AS bytes FROM webhook_events
             WHERE organization_id = ? AND id > ? AND id < {settled} ORDER BY id LIMIT ?",
            settled = FIRST_ID.replace('?', SETTLED),
        );
        let new: Vec<Message> = sql_query(new)
            .bind::<SqlUuid, _>(self.org)
            .bind::<Text, _>(mark.counted_to.clone())
            .bind::<BigInt, _>(self.rows)
            .load(self.conn)?;
        mark.stored_bytes += new.iter().map(|message| message.bytes).sum::<i64>();
        if let Some(last) = new.last() {
            mark.counted_to.clone_from(&last.id);
        }
        Ok(new.len())
    }

    /// Removes the oldest of the counted messages, as many as stand beyond the bound.
    fn remove_beyond(&mut self, most: i64, mark: &mut Mark) -> QueryResult<usize> {
        let oldest: Vec<Message> = sql_query(
            "SELECT id, octet_length(body) AS bytes FROM webhook_events
             WHERE organization_id = ? AND id <= ? ORDER BY id LIMIT ?",
        )
        .bind::<SqlUuid, _>(self.org)
        .bind::<Text, _>(mark.counted_to.clone())
        .bind::<BigInt, _>(self.rows)
        .load(self.conn)?;
        let mut left = mark.stored_bytes;
        let beyond: Vec<Message> = oldest
            .into_iter()
            .take_while(|message| {
                let is_beyond = left > most;
                left -= message.bytes;
                is_beyond
            })
            .collect();
        if beyond.is_empty() {
            // Without a row left nothing is stored, whatever was counted.
            mark.stored_bytes = 0;
        }
        self.remove_messages(&beyond, mark)
    }

    fn remove_messages(&mut self, messages: &[Message], mark: &mut Mark) -> QueryResult<usize> {
        for message in messages {
            sql_query("DELETE FROM webhook_events WHERE organization_id = ? AND id = ?")
                .bind::<SqlUuid, _>(self.org)
                .bind::<Text, _>(&message.id)
                .execute(self.conn)?;
            if message.id <= mark.counted_to {
                mark.stored_bytes -= message.bytes;
            }
        }
        Ok(messages.len())
    }

    /// What was said in a call, and what its tools answered. The keys stay, so that no tool runs again.
    fn remove_words(&mut self, call: &str) -> QueryResult<()> {
        for statement in [
            "DELETE FROM call_reports WHERE organization_id = ? AND vapi_call_id = ?",
            "UPDATE tool_results SET answer = '{\"result\":\"\"}'
             WHERE organization_id = ? AND vapi_call_id = ? AND answer IS NOT NULL",
        ] {
            sql_query(statement).bind::<SqlUuid, _>(self.org).bind::<Text, _>(call).execute(self.conn)?;
        }
        Ok(())
    }

    fn remove_call(&mut self, call: &str, mark: &mut Mark) -> QueryResult<()> {
        self.remove_words(call)?;
        let own = "SELECT id, octet_length(body) AS bytes FROM webhook_events
                   WHERE organization_id = ? AND vapi_call_id = ?";
        let own: Vec<Message> =
            sql_query(own).bind::<SqlUuid, _>(self.org).bind::<Text, _>(call).load(self.conn)?;
        self.remove_messages(&own, mark)?;
        for statement in [
            "DELETE FROM call_pins WHERE organization_id = ? AND vapi_call_id = ?",
            "DELETE FROM call_logs WHERE organization_id = ? AND vapi_call_id = ?",
        ] {
            sql_query(statement).bind::<SqlUuid, _>(self.org).bind::<Text, _>(call).execute(self.conn)?;
        }
        Ok(())
    }
}
