//! The security log.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{SecurityEntry, SecurityLog};
use crate::schema::security_log;
use crate::sql_types::{DbJson, DbTime, DbUuid};
use crate::text::{clean, clean_json, clean_option, new_id};

#[async_trait]
impl SecurityLog for Scope {
    async fn insert(&mut self, entry: &SecurityEntry<'_>, now: DateTime<Utc>) -> Result<(), StorageError> {
        let insert = diesel::insert_into(security_log::table).values((
            security_log::organization_id.eq(self.org),
            security_log::id.eq(DbUuid(new_id(now))),
            security_log::event.eq(clean(entry.event)),
            security_log::detail.eq(DbJson(clean_json(entry.detail.clone()))),
            security_log::vapi_call_id.eq(clean_option(entry.vapi_call_id)),
            security_log::request_id.eq(clean(entry.request_id)),
            security_log::created_at.eq(DbTime(now)),
        ));
        self.tx.execute(insert).await.map(|_| ())
    }

    async fn count(&mut self) -> Result<i64, StorageError> {
        self.tx.value(security_log::table.filter(security_log::organization_id.eq(self.org)).count()).await
    }
}
