//! The inbox, read again.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{After, EventId, EventVerdict, Inbox, KeyHash, OrgState, StoredMessage};
use crate::schema::{call_pins, organizations, security_log, tool_results, webhook_events};
use crate::sql_types::{DbTime, DbUuid};
use crate::text::clean;

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhook_events)]
struct MessageRow {
    id: DbUuid,
    kind: String,
    vapi_call_id: Option<String>,
    dedupe_key: String,
    verdict: String,
    body_bytes: i32,
    request_id: String,
    received_at: DbTime,
    deliveries: i32,
}

#[async_trait]
impl Inbox for Scope {
    async fn get(&mut self, id: EventId) -> Result<Option<StoredMessage>, StorageError> {
        let found = webhook_events::table
            .filter(webhook_events::organization_id.eq(self.org))
            .filter(webhook_events::id.eq(DbUuid(id.0)))
            .select(MessageRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        self.tx.check(found)?.map(StoredMessage::try_from).transpose()
    }

    async fn find_by_key(&mut self, dedupe_key: &str) -> Result<Option<StoredMessage>, StorageError> {
        let found = webhook_events::table
            .filter(webhook_events::organization_id.eq(self.org))
            .filter(webhook_events::dedupe_key.eq(clean(dedupe_key)))
            .select(MessageRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        self.tx.check(found)?.map(StoredMessage::try_from).transpose()
    }

    async fn list(
        &mut self,
        vapi_call_id: &str,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<StoredMessage>, StorageError> {
        // Nothing arrived at the beginning of time, so that every message is after it.
        let (at, id) =
            after.map_or((DateTime::<Utc>::MIN_UTC, Uuid::nil()), |after| (after.received_at, after.id));
        let later = webhook_events::received_at
            .gt(DbTime(at))
            .or(webhook_events::received_at.eq(DbTime(at)).and(webhook_events::id.gt(DbUuid(id))));
        let found = webhook_events::table
            .filter(webhook_events::organization_id.eq(self.org))
            .filter(webhook_events::vapi_call_id.eq(clean(vapi_call_id)))
            .filter(later)
            .order((webhook_events::received_at, webhook_events::id))
            .limit(limit)
            .select(MessageRow::as_select())
            .load(self.tx.conn()?)
            .await;
        self.tx.check(found)?.into_iter().map(StoredMessage::try_from).collect()
    }

    async fn set_verdict(&mut self, id: EventId, verdict: EventVerdict) -> Result<(), StorageError> {
        let changed = diesel::update(
            webhook_events::table
                .filter(webhook_events::organization_id.eq(self.org))
                .filter(webhook_events::id.eq(DbUuid(id.0))),
        )
        .set(webhook_events::verdict.eq(verdict.as_str()))
        .execute(self.tx.conn()?)
        .await;
        if self.tx.check(changed)? == 1 { Ok(()) } else { Err(inconsistent("id", id.0)) }
    }

    async fn is_pinned(&mut self, vapi_call_id: &str) -> Result<bool, StorageError> {
        let pins = call_pins::table
            .filter(call_pins::organization_id.eq(self.org))
            .filter(call_pins::vapi_call_id.eq(clean(vapi_call_id)));
        let found = select(exists(pins)).get_result(self.tx.conn()?).await;
        self.tx.check(found)
    }

    async fn alarms(&mut self, vapi_call_id: &str) -> Result<i64, StorageError> {
        let counted = security_log::table
            .filter(security_log::organization_id.eq(self.org))
            .filter(security_log::vapi_call_id.eq(clean(vapi_call_id)))
            .count()
            .get_result(self.tx.conn()?)
            .await;
        self.tx.check(counted)
    }

    async fn is_answered(&mut self, key: KeyHash) -> Result<bool, StorageError> {
        let answers = tool_results::table
            .filter(tool_results::organization_id.eq(self.org))
            .filter(tool_results::key_hash.eq(key.0.as_slice()))
            .filter(tool_results::answer.is_not_null());
        let found = select(exists(answers)).get_result(self.tx.conn()?).await;
        self.tx.check(found)
    }

    async fn standing(&mut self) -> Result<OrgState, StorageError> {
        let found = organizations::table
            .filter(organizations::id.eq(self.org))
            .select((
                organizations::is_active,
                organizations::has_own_credentials,
                organizations::vapi_org_id,
            ))
            .first::<(bool, bool, Option<String>)>(self.tx.conn()?)
            .await
            .optional();
        let Some((is_active, has_own_credentials, vapi_org_id)) = self.tx.check(found)? else {
            return Err(StorageError::Inconsistent {
                table: "organizations",
                column: "id",
                row: self.org.0.to_string(),
            });
        };
        Ok(OrgState { is_active, has_own_credentials, vapi_org_id })
    }
}

impl TryFrom<MessageRow> for StoredMessage {
    type Error = StorageError;

    fn try_from(row: MessageRow) -> Result<Self, StorageError> {
        let verdict = EventVerdict::parse(&row.verdict).ok_or_else(|| inconsistent("verdict", row.id.0))?;
        Ok(Self {
            id: EventId(row.id.0),
            kind: row.kind,
            vapi_call_id: row.vapi_call_id,
            dedupe_key: row.dedupe_key,
            verdict,
            body_bytes: row.body_bytes,
            request_id: row.request_id,
            received_at: row.received_at.0,
            deliveries: row.deliveries,
        })
    }
}

fn inconsistent(column: &'static str, id: Uuid) -> StorageError {
    StorageError::Inconsistent { table: "webhook_events", column, row: id.to_string() }
}
