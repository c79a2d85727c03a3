//! The inbox.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::prelude::*;
use serde_json::Value;

use super::super::batch;
use super::scope::Scope;
use crate::body::{pack, unpack};
use crate::error::StorageError;
use crate::record::{Record, Recorded};
use crate::repo::{EventId, Events};
use crate::schema::webhook_events;
use crate::text::clean;
use crate::trace;

#[async_trait]
impl Events for Scope {
    async fn record(&mut self, record: Arc<Record>) -> Result<Recorded, StorageError> {
        batch::record(self, record).await
    }

    async fn replace_body(&mut self, id: EventId, body: &[u8]) -> Result<(), StorageError> {
        // Bodies that are taken in are far below the column's range.
        let length = i32::try_from(body.len()).unwrap_or(i32::MAX);
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let update = diesel::update(own.filter(webhook_events::id.eq(id)))
            .set((webhook_events::body.eq(pack(body)), webhook_events::body_bytes.eq(length)));
        match self.tx.execute(update).await? {
            1 => Ok(()),
            _ => Err(id.inconsistent("id")),
        }
    }

    async fn body(&mut self, id: EventId) -> Result<Option<Vec<u8>>, StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let found = self.tx.find(own.filter(webhook_events::id.eq(id)).select(webhook_events::body)).await?;
        let unpacked = found.map(|packed: Vec<u8>| unpack(&packed).ok_or_else(|| id.inconsistent("body")));
        unpacked.transpose()
    }

    async fn trace(&mut self, id: EventId) -> Result<Option<Value>, StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let found = self.tx.find(own.filter(webhook_events::id.eq(id)).select(webhook_events::trace)).await?;
        let unpacked =
            found.map(|packed: Vec<u8>| trace::unpack(&packed).ok_or_else(|| id.inconsistent("trace")));
        unpacked.transpose()
    }

    async fn count(&mut self, vapi_call_id: Option<&str>) -> Result<i64, StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        match vapi_call_id {
            Some(call) => {
                self.tx.value(own.filter(webhook_events::vapi_call_id.eq(clean(call))).count()).await
            }
            None => self.tx.value(own.count()).await,
        }
    }
}
