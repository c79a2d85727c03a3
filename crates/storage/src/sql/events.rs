//! The inbox.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::batch;
use super::scope::Scope;
use crate::body::{pack, unpack};
use crate::error::StorageError;
use crate::record::{Record, Recorded};
use crate::repo::{EventId, Events};
use crate::schema::webhook_events;
use crate::sql_types::DbUuid;
use crate::text::clean;

#[async_trait]
impl Events for Scope {
    async fn record(&mut self, record: Arc<Record>) -> Result<Recorded, StorageError> {
        batch::record(self, record).await
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
