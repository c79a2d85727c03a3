//! The inbox, read again.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use uuid::Uuid;

use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{After, EventId, EventVerdict, Inbox, KeyHash, OrgState, StoredMessage};
use crate::rows::MessageRow;
use crate::schema::{call_pins, organizations, security_log, tool_results, webhook_events};
use crate::sql_types::{DbTime, DbUuid};
use crate::text::clean;

#[async_trait]
impl Inbox for Scope {
    async fn get(&mut self, id: EventId) -> Result<Option<StoredMessage>, StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let found =
            self.tx.find(own.filter(webhook_events::id.eq(id)).select(MessageRow::as_select())).await?;
        found.map(MessageRow::read).transpose()
    }

    async fn find_by_key(&mut self, dedupe_key: &str) -> Result<Option<StoredMessage>, StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let message = own.filter(webhook_events::dedupe_key.eq(clean(dedupe_key)));
        self.tx.find(message.select(MessageRow::as_select())).await?.map(MessageRow::read).transpose()
    }

    async fn list(
        &mut self,
        vapi_call_id: &str,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<StoredMessage>, StorageError> {
        // No message arrived at the beginning of time, so that every one is after it.
        let (at, id) =
            after.map_or((DateTime::<Utc>::MIN_UTC, Uuid::nil()), |after| (after.received_at, after.id));
        let later = webhook_events::received_at
            .gt(DbTime(at))
            .or(webhook_events::received_at.eq(DbTime(at)).and(webhook_events::id.gt(DbUuid(id))));
        let listed = webhook_events::table
            .filter(webhook_events::organization_id.eq(self.org))
            .filter(webhook_events::vapi_call_id.eq(clean(vapi_call_id)))
            .filter(later)
            .order((webhook_events::received_at, webhook_events::id))
            .limit(limit)
            .select(MessageRow::as_select());
        self.tx.load(listed).await?.into_iter().map(MessageRow::read).collect()
    }

    async fn set_verdict(&mut self, id: EventId, verdict: EventVerdict) -> Result<(), StorageError> {
        let own = webhook_events::table.filter(webhook_events::organization_id.eq(self.org));
        let own = own.filter(webhook_events::id.eq(id));
        match self.tx.execute(diesel::update(own).set(webhook_events::verdict.eq(verdict.as_str()))).await? {
            1 => Ok(()),
            _ => Err(id.inconsistent("id")),
        }
    }

    async fn is_pinned(&mut self, vapi_call_id: &str) -> Result<bool, StorageError> {
        let pins = call_pins::table
            .filter(call_pins::organization_id.eq(self.org))
            .filter(call_pins::vapi_call_id.eq(clean(vapi_call_id)));
        self.tx.value(select(exists(pins))).await
    }

    async fn alarms(&mut self, vapi_call_id: &str) -> Result<i64, StorageError> {
        let alarms = security_log::table
            .filter(security_log::organization_id.eq(self.org))
            .filter(security_log::vapi_call_id.eq(clean(vapi_call_id)));
        self.tx.value(alarms.count()).await
    }

    async fn is_answered(&mut self, key: KeyHash) -> Result<bool, StorageError> {
        let answers = tool_results::table
            .filter(tool_results::organization_id.eq(self.org))
            .filter(tool_results::key_hash.eq(key.0))
            .filter(tool_results::answer.is_not_null());
        self.tx.value(select(exists(answers))).await
    }

    async fn standing(&mut self) -> Result<OrgState, StorageError> {
        let own = organizations::table.filter(organizations::id.eq(self.org)).select(OrgState::as_select());
        self.tx.find(own).await?.ok_or_else(|| StorageError::inconsistent("organizations", "id", &self.org.0))
    }
}
