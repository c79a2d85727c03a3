//! The ledger.

use async_trait::async_trait;
use diesel::prelude::*;
use serde_json::json;

use super::scope::Scope;
use crate::error::StorageError;
use crate::ledger::decided::Decided;
use crate::repo::{Call, CallReport, Calls};
use crate::rows::ledger::{CallRow, ReportRow};
use crate::schema::{call_logs, call_reports};
use crate::sql_types::DbJson;
use crate::text::clean;

#[async_trait]
impl Calls for Scope {
    async fn get(&mut self, vapi_call_id: &str) -> Result<Option<Call>, StorageError> {
        let own = call_logs::table.filter(call_logs::organization_id.eq(self.org));
        let call = own.filter(call_logs::vapi_call_id.eq(clean(vapi_call_id)));
        let row = self.tx.find(call.select(CallRow::as_select())).await?;
        Ok(row.map(|row| row.read(self.org, &self.sealer)))
    }

    async fn report(&mut self, vapi_call_id: &str) -> Result<Option<CallReport>, StorageError> {
        let own = call_reports::table.filter(call_reports::organization_id.eq(self.org));
        let report = own.filter(call_reports::vapi_call_id.eq(clean(vapi_call_id)));
        Ok(self.tx.find(report.select(ReportRow::as_select())).await?.map(CallReport::from))
    }

    async fn undecide(&mut self, vapi_call_id: &str) -> Result<(), StorageError> {
        let vapi_call_id = clean(vapi_call_id);
        let call = call_logs::table
            .filter(call_logs::organization_id.eq(self.org))
            .filter(call_logs::vapi_call_id.eq(&*vapi_call_id));
        let Some(decided) = self.tx.find(call.select(call_logs::decided)).await? else { return Ok(()) };
        let decided = DbJson(Decided::from_value(decided).reopened().into_value());
        self.tx.execute(diesel::update(call).set(call_logs::decided.eq(decided))).await?;
        let report = call_reports::table
            .filter(call_reports::organization_id.eq(self.org))
            .filter(call_reports::vapi_call_id.eq(&*vapi_call_id));
        let nothing = call_reports::decided.eq(DbJson(json!({})));
        self.tx.execute(diesel::update(report).set(nothing)).await.map(|_| ())
    }

    async fn list(&mut self, limit: i64) -> Result<Vec<Call>, StorageError> {
        let latest = call_logs::table
            .filter(call_logs::organization_id.eq(self.org))
            .order((call_logs::created_at.desc(), call_logs::vapi_call_id.desc()))
            .limit(limit)
            .select(CallRow::as_select());
        let rows = self.tx.load(latest).await?;
        Ok(rows.into_iter().map(|row| row.read(self.org, &self.sealer)).collect())
    }
}
