//! The quarantine, read and emptied with the operator's rights.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::session::Operator;
use crate::body::unpack;
use crate::error::StorageError;
use crate::quarantine::{QuarantineEntry, QuarantineStore};
use crate::repo::After;
use crate::schema::quarantine;
use crate::sql_types::{DbTime, DbUuid};

#[async_trait]
impl QuarantineStore for Operator {
    async fn quarantined(
        &mut self,
        after: Option<After>,
        limit: i64,
    ) -> Result<Vec<QuarantineEntry>, StorageError> {
        // No message arrived at the beginning of time, so that every one is after it.
        let (at, id) =
            after.map_or((DateTime::<Utc>::MIN_UTC, Uuid::nil()), |after| (after.received_at, after.id));
        let later = quarantine::received_at
            .gt(DbTime(at))
            .or(quarantine::received_at.eq(DbTime(at)).and(quarantine::id.gt(DbUuid(id))));
        let listed = quarantine::table
            .filter(later)
            .order((quarantine::received_at, quarantine::id))
            .limit(limit)
            .select(QuarantineEntry::as_select());
        self.tx.load(listed).await
    }

    async fn quarantined_message(
        &mut self,
        id: Uuid,
    ) -> Result<Option<(QuarantineEntry, Vec<u8>)>, StorageError> {
        let message = quarantine::table.filter(quarantine::id.eq(DbUuid(id)));
        let whole = (QuarantineEntry::as_select(), quarantine::body);
        let found: Option<(QuarantineEntry, Vec<u8>)> = self.tx.find(message.select(whole)).await?;
        let Some((entry, packed)) = found else { return Ok(None) };
        let corrupt = || StorageError::inconsistent("quarantine", "body", &id);
        Ok(Some((entry, unpack(&packed).ok_or_else(corrupt)?)))
    }

    async fn remove_quarantined(&mut self, id: Uuid) -> Result<bool, StorageError> {
        let message = quarantine::table.filter(quarantine::id.eq(DbUuid(id)));
        Ok(self.tx.execute(diesel::delete(message)).await? == 1)
    }
}
