//! The quarantine, read and emptied with the operator's rights.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::operator::Operator;
use crate::body::unpack;
use crate::error::StorageError;
use crate::operator::{QuarantineEntry, QuarantineStore};
use crate::repo::After;
use crate::schema::quarantine;
use crate::sql_types::{DbJson, DbTime, DbUuid};

#[derive(Queryable, Selectable)]
#[diesel(table_name = quarantine)]
struct EntryRow {
    id: DbUuid,
    kind: String,
    vapi_call_id: Option<String>,
    dedupe_key: String,
    identifiers: DbJson,
    body_bytes: i32,
    request_id: String,
    received_at: DbTime,
}

#[async_trait]
impl QuarantineStore for Operator {
    async fn quarantined(
        &mut self,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<QuarantineEntry>, StorageError> {
        // Nothing arrived at the beginning of time, so that every message is after it.
        let (at, id) =
            after.map_or((DateTime::<Utc>::MIN_UTC, Uuid::nil()), |after| (after.received_at, after.id));
        let later = quarantine::received_at
            .gt(DbTime(at))
            .or(quarantine::received_at.eq(DbTime(at)).and(quarantine::id.gt(DbUuid(id))));
        let found = quarantine::table
            .filter(later)
            .order((quarantine::received_at, quarantine::id))
            .limit(limit)
            .select(EntryRow::as_select())
            .load(self.tx.conn()?)
            .await;
        Ok(self.tx.check(found)?.into_iter().map(QuarantineEntry::from).collect())
    }

    async fn quarantined_message(
        &mut self,
        id: Uuid,
    ) -> Result<Option<(QuarantineEntry, Vec<u8>)>, StorageError> {
        let found = quarantine::table
            .filter(quarantine::id.eq(DbUuid(id)))
            .select((EntryRow::as_select(), quarantine::body))
            .first::<(EntryRow, Vec<u8>)>(self.tx.conn()?)
            .await
            .optional();
        let Some((row, packed)) = self.tx.check(found)? else { return Ok(None) };
        let body = unpack(&packed).ok_or_else(|| StorageError::Inconsistent {
            table: "quarantine",
            column: "body",
            row: id.to_string(),
        })?;
        Ok(Some((row.into(), body)))
    }

    async fn remove_quarantined(&mut self, id: Uuid) -> Result<bool, StorageError> {
        let removed = diesel::delete(quarantine::table.filter(quarantine::id.eq(DbUuid(id))))
            .execute(self.tx.conn()?)
            .await;
        Ok(self.tx.check(removed)? == 1)
    }
}

impl From<EntryRow> for QuarantineEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id.0,
            kind: row.kind,
            vapi_call_id: row.vapi_call_id,
            dedupe_key: row.dedupe_key,
            identifiers: row.identifiers.0,
            body_bytes: row.body_bytes,
            request_id: row.request_id,
            received_at: row.received_at.0,
        }
    }
}
