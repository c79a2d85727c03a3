//! The rows of the ledger, which are read and written back whole.

use diesel::prelude::*;
use org_resolver::OrgId;
use serde_json::Value;

use crate::columns::{call_columns, report_columns, row};
use crate::error::StorageError;
use crate::ledger::decided::Decided;
use crate::repo::calls::{Call, CallReport, SealedUrl};
use crate::schema::{call_logs, call_reports};
use crate::seal::{Purpose, Sealer};
use crate::sql_types::{DbJson, DbTime, DbUuid};

call_columns!(row CallRow);
report_columns!(row ReportRow);

impl CallRow {
    /// The row of a call, the live-control URL sealed.
    pub(crate) fn of(call: Call, org: DbUuid, sealer: &Sealer) -> Result<Self, StorageError> {
        let purpose = Purpose::ControlUrl(&call.vapi_call_id);
        let sealed_control_url = match (&call.control_url, call.sealed_url.0) {
            (Some(url), Some((known, sealed))) if *url == known => Some(sealed),
            (Some(url), _) => Some(sealer.seal(OrgId::new(org.0), purpose, url.as_bytes())?.packed()),
            (None, _) => None,
        };
        Ok(Self {
            vapi_call_id: call.vapi_call_id,
            call_type: call.call_type,
            status: call.status,
            status_rank: call.status_rank,
            vapi_assistant_id: call.vapi_assistant_id,
            phone_number_id: call.phone_number_id,
            customer_number: call.customer_number,
            contact_id: call.contact_id.map(DbUuid),
            metadata: DbJson(call.metadata),
            started_at: call.started_at.map(DbTime),
            ended_at: call.ended_at.map(DbTime),
            ended_reason: call.ended_reason,
            sealed_control_url,
            decided: DbJson(call.decided.into_value()),
            created_at: DbTime(call.created_at),
        })
    }

    /// The row in the clear.
    pub(crate) fn read(self, org: DbUuid, sealer: &Sealer) -> Call {
        let control_url = self.open_control_url(org, sealer);
        Call {
            vapi_call_id: self.vapi_call_id,
            call_type: self.call_type,
            status: self.status,
            status_rank: self.status_rank,
            vapi_assistant_id: self.vapi_assistant_id,
            phone_number_id: self.phone_number_id,
            customer_number: self.customer_number,
            contact_id: self.contact_id.map(|id| id.0),
            metadata: self.metadata.0,
            started_at: self.started_at.map(|at| at.0),
            ended_at: self.ended_at.map(|at| at.0),
            ended_reason: self.ended_reason,
            control_url: control_url.clone(),
            decided: Decided::from_value(self.decided.0),
            created_at: self.created_at.0,
            sealed_url: SealedUrl(control_url.zip(self.sealed_control_url)),
        }
    }

    /// The live-control URL in the clear. One that does not open is as good as none: a lost key must cost live
    /// control of the calls of that hour, not the ledger.
    fn open_control_url(&self, org: DbUuid, sealer: &Sealer) -> Option<String> {
        let packed = self.sealed_control_url.as_ref()?;
        let opened = sealer.open_packed(OrgId::new(org.0), Purpose::ControlUrl(&self.vapi_call_id), packed);
        match opened.map(|url| String::from_utf8(url.to_vec())) {
            Ok(Ok(url)) => Some(url),
            _ => {
                tracing::error!(org_id = %org.0, call_id = %self.vapi_call_id, "a sealed control URL does not open");
                None
            }
        }
    }
}

impl From<CallReport> for ReportRow {
    fn from(report: CallReport) -> Self {
        Self {
            vapi_call_id: report.vapi_call_id,
            duration_ms: report.duration_ms,
            cost: report.cost,
            transcript: report.transcript,
            summary: report.summary,
            structured_data: report.structured_data.map(DbJson),
            success_evaluation: report.success_evaluation,
            recording_url: report.recording_url,
            stereo_recording_url: report.stereo_recording_url,
            decided: DbJson(report.decided.into_value()),
        }
    }
}

impl From<ReportRow> for CallReport {
    fn from(row: ReportRow) -> Self {
        Self {
            vapi_call_id: row.vapi_call_id,
            duration_ms: row.duration_ms,
            cost: row.cost,
            transcript: row.transcript,
            summary: row.summary,
            structured_data: row.structured_data.map(|data: DbJson| -> Value { data.0 }),
            success_evaluation: row.success_evaluation,
            recording_url: row.recording_url,
            stereo_recording_url: row.stereo_recording_url,
            decided: Decided::from_value(row.decided.0),
        }
    }
}
