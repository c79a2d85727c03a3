//! The ledger.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use org_resolver::OrgId;
use serde_json::json;

use super::dialect::locking;
use super::scope::Scope;
use crate::body::pack;
use crate::error::StorageError;
use crate::repo::{Call, Calls};
use crate::schema::{call_logs, webhook_events};
use crate::seal::{Purpose, Sealer};
use crate::sql_types::{DbJson, DbTime, DbUuid};
use crate::text::{clean, clean_json, new_id};

#[derive(Queryable, Selectable)]
#[diesel(table_name = call_logs)]
pub(super) struct CallRow {
    id: DbUuid,
    vapi_call_id: String,
    call_type: Option<String>,
    status: String,
    status_rank: i16,
    vapi_assistant_id: Option<String>,
    phone_number_id: Option<String>,
    customer_number: Option<String>,
    contact_id: Option<DbUuid>,
    metadata: DbJson,
    started_at: Option<DbTime>,
    ended_at: Option<DbTime>,
    ended_reason: Option<String>,
    duration_ms: Option<i64>,
    cost: Option<f64>,
    transcript: Option<String>,
    summary: Option<String>,
    structured_data: Option<DbJson>,
    success_evaluation: Option<String>,
    recording_url: Option<String>,
    stereo_recording_url: Option<String>,
    sealed_control_url: Option<Vec<u8>>,
    sealing_key_id: Option<String>,
    created_at: DbTime,
}

#[derive(AsChangeset)]
#[diesel(table_name = call_logs, treat_none_as_null = true)]
pub(super) struct CallChanges {
    pub(super) call_type: Option<String>,
    pub(super) status: String,
    pub(super) status_rank: i16,
    pub(super) vapi_assistant_id: Option<String>,
    pub(super) phone_number_id: Option<String>,
    pub(super) customer_number: Option<String>,
    pub(super) contact_id: Option<DbUuid>,
    pub(super) metadata: DbJson,
    pub(super) started_at: Option<DbTime>,
    pub(super) ended_at: Option<DbTime>,
    pub(super) ended_reason: Option<String>,
    pub(super) duration_ms: Option<i64>,
    pub(super) cost: Option<f64>,
    pub(super) transcript: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) structured_data: Option<DbJson>,
    pub(super) success_evaluation: Option<String>,
    pub(super) recording_url: Option<String>,
    pub(super) stereo_recording_url: Option<String>,
    pub(super) sealed_control_url: Option<Vec<u8>>,
    pub(super) sealing_key_id: Option<String>,
    pub(super) updated_at: DbTime,
}

impl CallChanges {
    /// Every column of the row, the live-control URL sealed.
    pub(super) fn of(
        call: &Call,
        org: DbUuid,
        sealer: &Sealer,
        now: DateTime<Utc>,
    ) -> Result<Self, StorageError> {
        let purpose = Purpose::ControlUrl(call.id);
        let sealed = match &call.control_url {
            Some(url) => Some(sealer.seal(OrgId::new(org.0), purpose, url.as_bytes())?),
            None => None,
        };
        let (sealed_control_url, sealing_key_id) = match sealed {
            Some(sealed) => (Some(sealed.bytes), Some(sealed.key_id)),
            None => (None, None),
        };
        let owned = |text: &Option<String>| text.as_deref().map(|text| clean(text).into_owned());
        Ok(Self {
            call_type: owned(&call.call_type),
            status: clean(&call.status).into_owned(),
            status_rank: call.status_rank,
            vapi_assistant_id: owned(&call.vapi_assistant_id),
            phone_number_id: owned(&call.phone_number_id),
            customer_number: owned(&call.customer_number),
            contact_id: call.contact_id.map(DbUuid),
            metadata: DbJson(clean_json(call.metadata.clone())),
            started_at: call.started_at.map(DbTime),
            ended_at: call.ended_at.map(DbTime),
            ended_reason: owned(&call.ended_reason),
            duration_ms: call.duration_ms,
            cost: call.cost,
            transcript: owned(&call.transcript),
            summary: owned(&call.summary),
            structured_data: call.structured_data.clone().map(clean_json).map(DbJson),
            success_evaluation: owned(&call.success_evaluation),
            recording_url: owned(&call.recording_url),
            stereo_recording_url: owned(&call.stereo_recording_url),
            sealed_control_url,
            sealing_key_id,
            updated_at: DbTime(now),
        })
    }
}

/// What erasing leaves of a call: nothing that was said, and nobody's number.
#[derive(AsChangeset)]
#[diesel(table_name = call_logs, treat_none_as_null = true)]
struct Erasure {
    customer_number: Option<String>,
    metadata: DbJson,
    transcript: Option<String>,
    summary: Option<String>,
    structured_data: Option<DbJson>,
    success_evaluation: Option<String>,
    recording_url: Option<String>,
    stereo_recording_url: Option<String>,
    sealed_control_url: Option<Vec<u8>>,
    sealing_key_id: Option<String>,
    updated_at: DbTime,
}

impl Erasure {
    fn of_everything(now: DateTime<Utc>) -> Self {
        Self {
            customer_number: None,
            metadata: DbJson(json!({})),
            transcript: None,
            summary: None,
            structured_data: None,
            success_evaluation: None,
            recording_url: None,
            stereo_recording_url: None,
            sealed_control_url: None,
            sealing_key_id: None,
            updated_at: DbTime(now),
        }
    }
}

#[async_trait]
impl Calls for Scope {
    async fn get(&mut self, vapi_call_id: &str) -> Result<Option<Call>, StorageError> {
        let found = call_logs::table
            .filter(call_logs::organization_id.eq(self.org))
            .filter(call_logs::vapi_call_id.eq(clean(vapi_call_id)))
            .select(CallRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(|row| row.read(self.org, &self.sealer)))
    }

    async fn lock(&mut self, vapi_call_id: &str, now: DateTime<Utc>) -> Result<Call, StorageError> {
        let vapi_call_id = clean(vapi_call_id);
        // Most messages belong to a call that is known, so looking comes before inserting. An insert that loses to
        // another scope's has waited for it, and then the row is there to be locked.
        for _ in 0..2 {
            let found = locking!(
                call_logs::table
                    .filter(call_logs::organization_id.eq(self.org))
                    .filter(call_logs::vapi_call_id.eq(&*vapi_call_id))
                    .select(CallRow::as_select())
            )
            .first(self.tx.conn()?)
            .await
            .optional();
            if let Some(row) = self.tx.check(found)? {
                return Ok(row.read(self.org, &self.sealer));
            }
            let inserted = diesel::insert_into(call_logs::table)
                .values((
                    call_logs::organization_id.eq(self.org),
                    call_logs::id.eq(DbUuid(new_id(now))),
                    call_logs::vapi_call_id.eq(&*vapi_call_id),
                    call_logs::created_at.eq(DbTime(now)),
                    call_logs::updated_at.eq(DbTime(now)),
                ))
                .on_conflict_do_nothing()
                .returning(CallRow::as_returning())
                .get_result(self.tx.conn()?)
                .await
                .optional();
            if let Some(row) = self.tx.check(inserted)? {
                return Ok(row.read(self.org, &self.sealer));
            }
        }
        Err(missing(&vapi_call_id))
    }

    async fn update(&mut self, call: &Call, now: DateTime<Utc>) -> Result<(), StorageError> {
        let changes = CallChanges::of(call, self.org, &self.sealer, now)?;
        let updated = diesel::update(
            call_logs::table
                .filter(call_logs::organization_id.eq(self.org))
                .filter(call_logs::id.eq(DbUuid(call.id))),
        )
        .set(changes)
        .execute(self.tx.conn()?)
        .await;
        if self.tx.check(updated)? == 1 { Ok(()) } else { Err(missing(&call.vapi_call_id)) }
    }

    async fn erase_content(&mut self, vapi_call_id: &str, now: DateTime<Utc>) -> Result<(), StorageError> {
        let vapi_call_id = clean(vapi_call_id);
        let erased = diesel::update(
            call_logs::table
                .filter(call_logs::organization_id.eq(self.org))
                .filter(call_logs::vapi_call_id.eq(&*vapi_call_id)),
        )
        .set(Erasure::of_everything(now))
        .execute(self.tx.conn()?)
        .await;
        self.tx.check(erased)?;
        let erased = diesel::update(
            webhook_events::table
                .filter(webhook_events::organization_id.eq(self.org))
                .filter(webhook_events::vapi_call_id.eq(&*vapi_call_id)),
        )
        .set((
            webhook_events::body.eq(pack(b"")),
            webhook_events::body_bytes.eq(0),
            webhook_events::answer.eq(None::<DbJson>),
        ))
        .execute(self.tx.conn()?)
        .await;
        self.tx.check(erased).map(|_| ())
    }

    async fn list(&mut self, limit: i64) -> Result<Vec<Call>, StorageError> {
        let found = call_logs::table
            .filter(call_logs::organization_id.eq(self.org))
            .order((call_logs::created_at.desc(), call_logs::id.desc()))
            .limit(limit)
            .select(CallRow::as_select())
            .load(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?;
        Ok(rows.into_iter().map(|row| row.read(self.org, &self.sealer)).collect())
    }
}

impl CallRow {
    /// The row in the clear.
    pub(super) fn read(self, org: DbUuid, sealer: &Sealer) -> Call {
        let row = self;
        let control_url = row.open_control_url(org, sealer);
        Call {
            id: row.id.0,
            vapi_call_id: row.vapi_call_id,
            call_type: row.call_type,
            status: row.status,
            status_rank: row.status_rank,
            vapi_assistant_id: row.vapi_assistant_id,
            phone_number_id: row.phone_number_id,
            customer_number: row.customer_number,
            contact_id: row.contact_id.map(|id| id.0),
            metadata: row.metadata.0,
            started_at: row.started_at.map(|at| at.0),
            ended_at: row.ended_at.map(|at| at.0),
            ended_reason: row.ended_reason,
            duration_ms: row.duration_ms,
            cost: row.cost,
            transcript: row.transcript,
            summary: row.summary,
            structured_data: row.structured_data.map(|data| data.0),
            success_evaluation: row.success_evaluation,
            recording_url: row.recording_url,
            stereo_recording_url: row.stereo_recording_url,
            control_url,
            created_at: row.created_at.0,
        }
    }

    /// The live-control URL in the clear. One that does not open is as good as none: a lost key must cost live
    /// control of the calls of that hour, not the ledger.
    fn open_control_url(&self, org: DbUuid, sealer: &Sealer) -> Option<String> {
        let (bytes, key_id) = self.sealed_control_url.as_ref().zip(self.sealing_key_id.as_ref())?;
        let opened = sealer.open(OrgId::new(org.0), Purpose::ControlUrl(self.id.0), bytes, key_id);
        match opened.map(|url| String::from_utf8(url.to_vec())) {
            Ok(Ok(url)) => Some(url),
            _ => {
                tracing::error!(org_id = %org.0, call = %self.id.0, "a sealed control URL does not open");
                None
            }
        }
    }
}

fn missing(vapi_call_id: &str) -> StorageError {
    StorageError::Inconsistent { table: "call_logs", column: "vapi_call_id", row: vapi_call_id.to_owned() }
}
