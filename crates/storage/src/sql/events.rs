//! The inbox.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::scope::Scope;
use crate::body::{pack, unpack};
use crate::error::StorageError;
use crate::repo::{EventId, Events, Inserted, NewEvent};
use crate::schema::webhook_events;
use crate::sql_types::{DbJson, DbTime, DbUuid};
use crate::text::{clean, clean_json, clean_option, new_id};

#[async_trait]
impl Events for Scope {
    async fn insert(&mut self, event: &NewEvent<'_>) -> Result<Inserted, StorageError> {
        // One statement: it waits for a running delivery of the same key, and the count says which of the two it was.
        let stored = diesel::insert_into(webhook_events::table)
            .values((
                webhook_events::organization_id.eq(self.org),
                webhook_events::id.eq(DbUuid(new_id(event.received_at))),
                webhook_events::kind.eq(clean(event.kind)),
                webhook_events::vapi_call_id.eq(clean_option(event.vapi_call_id)),
                webhook_events::dedupe_key.eq(clean(event.dedupe_key)),
                webhook_events::verdict.eq(event.verdict.as_str()),
                webhook_events::trace.eq(DbJson(clean_json(event.trace.clone()))),
                webhook_events::body.eq(pack(event.body)),
                webhook_events::body_bytes.eq(length(event.body)),
                webhook_events::request_id.eq(clean(event.request_id)),
                webhook_events::received_at.eq(DbTime(event.received_at)),
                webhook_events::deliveries.eq(1),
            ))
            .on_conflict((webhook_events::organization_id, webhook_events::dedupe_key))
            .do_update()
            .set(webhook_events::deliveries.eq(webhook_events::deliveries + 1))
            .returning((webhook_events::id, webhook_events::answer, webhook_events::deliveries))
            .get_result::<(DbUuid, Option<DbJson>, i32)>(self.tx.conn()?)
            .await;
        let (id, answer, deliveries) = self.tx.check(stored)?;
        Ok(if deliveries == 1 {
            Inserted::New(EventId(id.0))
        } else {
            Inserted::Again { id: EventId(id.0), answer: answer.map(|answer| answer.0) }
        })
    }

    async fn replace_body(&mut self, id: EventId, body: &[u8]) -> Result<(), StorageError> {
        let replaced = diesel::update(
            webhook_events::table
                .filter(webhook_events::organization_id.eq(self.org))
                .filter(webhook_events::id.eq(DbUuid(id.0))),
        )
        .set((webhook_events::body.eq(pack(body)), webhook_events::body_bytes.eq(length(body))))
        .execute(self.tx.conn()?)
        .await;
        expect_one(self.tx.check(replaced)?, id)
    }

    async fn save_answer(&mut self, id: EventId, answer: &Value) -> Result<(), StorageError> {
        let saved = diesel::update(
            webhook_events::table
                .filter(webhook_events::organization_id.eq(self.org))
                .filter(webhook_events::id.eq(DbUuid(id.0))),
        )
        .set(webhook_events::answer.eq(DbJson(clean_json(answer.clone()))))
        .execute(self.tx.conn()?)
        .await;
        expect_one(self.tx.check(saved)?, id)
    }

    async fn body(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StorageError> {
        let found = webhook_events::table
            .filter(webhook_events::organization_id.eq(self.org))
            .filter(webhook_events::id.eq(DbUuid(id.0)))
            .select(webhook_events::body)
            .first::<Vec<u8>>(self.tx.conn()?)
            .await
            .optional();
        let Some(packed) = self.tx.check(found)? else { return Ok(None) };
        unpack(&packed).map(Some).ok_or_else(|| inconsistent("body", id))
    }

    async fn count(&mut self, vapi_call_id: Option<&str>) -> Result<i64, StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let counted = match vapi_call_id {
            Some(call) => {
                own.filter(webhook_events::vapi_call_id.eq(clean(call)))
                    .count()
                    .get_result(self.tx.conn()?)
                    .await
            }
            None => own.count().get_result(self.tx.conn()?).await,
        };
        self.tx.check(counted)
    }
}

/// The length of a body for its column; bodies that are taken in are far below the column's range.
fn length(body: &[u8]) -> i32 {
    i32::try_from(body.len()).unwrap_or(i32::MAX)
}

fn expect_one(rows: usize, id: EventId) -> Result<(), StorageError> {
    if rows == 1 { Ok(()) } else { Err(inconsistent("id", id)) }
}

fn inconsistent(column: &'static str, id: EventId) -> StorageError {
    StorageError::Inconsistent { table: "webhook_events", column, row: id.0.to_string() }
}
