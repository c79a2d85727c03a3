//! The one rule of the ledger: how what a message says is merged into the row of its call.
//!
//! Messages come late, twice and in any order, so the rule is commutative and may be applied again: for each column it
//! keeps the value whose [key](decided::Decided) is greatest, and of two values with one key the greater value. Every
//! column is decided by itself, so a message that lacks one says nothing about it; but the caller's number and contact are
//! decided as one, so that they name one person. An erasure outlasts whatever comes before and
//! after it: of an erased call nothing stays that was said in it or that names its caller.
//!
//! On PostgreSQL `record_batch` in the migrations merges the row that a message gives into the stored one by the same rule;
//! tests hold it against this file.

pub(crate) mod decided;
#[cfg(test)]
pub(crate) mod tests;

use std::cmp::Ordering;

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::{Map, Value};

use self::decided::{ERASED, by_text, first, latest, reported};
use crate::narrow;
use crate::repo::calls::{Call, CallReport};
use crate::text::{clean_in_place, clean_json, clean_members};

/// The rank of `ended`, one above its place in a call's life because an unknown status has rank 0.
const ENDED_RANK: i16 = 6;

/// One message's changes to its call. `None` says nothing about a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallUpdate {
    /// When the provider made the message, in its own words; one without counts as the oldest.
    pub at: Option<DateTime<Utc>>,
    /// The status with its rank, which is above 0.
    pub status: Option<(i16, String)>,
    /// The provider's `call.type`.
    pub call_type: Option<String>,
    /// The assistant that leads the call.
    pub vapi_assistant_id: Option<String>,
    /// The provider's id of the number.
    pub phone_number_id: Option<String>,
    /// The caller's number, normalised where it is one.
    pub customer_number: Option<String>,
    /// The call's own metadata.
    pub metadata: Map<String, Value>,
    /// When the call began.
    pub started_at: Option<DateTime<Utc>>,
    /// The provider's reason for the end.
    pub ended_reason: Option<String>,
    /// The live-control URL.
    pub control_url: Option<String>,
    /// The part of the report at the end. It outranks other messages in what both tell.
    pub report: Option<Box<ReportUpdate>>,
    /// True when the call was deleted at the provider: its content goes, and does not come back.
    pub erases: bool,
}

/// The part of the report at the end of a call beside what every message may say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportUpdate {
    /// When the call ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Length in milliseconds.
    pub duration_ms: Option<i64>,
    /// Cost in US dollars.
    pub cost: Option<f64>,
    /// The whole transcript.
    pub transcript: Option<String>,
    /// The provider's summary.
    pub summary: Option<String>,
    /// The provider's structured data.
    pub structured_data: Option<Value>,
    /// The provider's success evaluation.
    pub success_evaluation: Option<String>,
    /// Where the recording lies.
    pub recording_url: Option<String>,
    /// Where the stereo recording lies.
    pub stereo_recording_url: Option<String>,
}

/// Puts the longer text into its place; of two that are as long, the greater.
fn longer(slot: &mut Option<String>, value: Option<&String>) {
    if let Some(value) = value
        && slot.as_ref().is_none_or(|known| (known.len(), known) < (value.len(), value))
    {
        *slot = Some(value.clone());
    }
}

impl CallUpdate {
    /// The update as the databases keep it, without NUL and in microseconds: what is compared has to be what is stored. False
    /// where it said something that no column holds.
    pub(crate) fn cleaned(mut self) -> (Self, bool) {
        let mut texts = vec![
            &mut self.call_type,
            &mut self.vapi_assistant_id,
            &mut self.phone_number_id,
            &mut self.customer_number,
            &mut self.ended_reason,
            &mut self.control_url,
        ];
        let mut instants = vec![&mut self.at, &mut self.started_at];
        if let Some(report) = self.report.as_deref_mut() {
            report.structured_data = report.structured_data.take().map(clean_json);
            instants.push(&mut report.ended_at);
            texts.extend([
                &mut report.transcript,
                &mut report.summary,
                &mut report.success_evaluation,
                &mut report.recording_url,
                &mut report.stereo_recording_url,
            ]);
        }
        let status = self.status.iter_mut().map(|(_, status)| status);
        texts.into_iter().flatten().chain(status).for_each(clean_in_place);
        let mut fits = true;
        for instant in instants {
            fits &= narrow::instant(instant);
            *instant = instant.map(|at| at.trunc_subsecs(6));
        }
        self.metadata = clean_members(self.metadata);
        (self, fits)
    }
}

impl Call {
    /// True once the call was erased.
    pub fn is_erased(&self) -> bool {
        self.decided.is_erased()
    }

    /// Merges what a message says of the call itself. `contact` is the caller's contact, where the message led to one.
    pub(crate) fn merge(&mut self, update: &CallUpdate, contact: Option<uuid::Uuid>) {
        let at = update.at;
        let by_report = update.report.is_some();
        let decided = &mut self.decided;
        for (column, slot, value) in [
            ("call_type", &mut self.call_type, &update.call_type),
            ("vapi_assistant_id", &mut self.vapi_assistant_id, &update.vapi_assistant_id),
            ("phone_number_id", &mut self.phone_number_id, &update.phone_number_id),
        ] {
            decided.decide(column, slot, first(at), value.clone(), String::cmp);
        }
        // Of two URLs with one key the stored one stays: PostgreSQL has them sealed, and cannot compare them.
        let url = update.control_url.clone();
        decided.decide("control_url", &mut self.control_url, first(at), url, |_, _| Ordering::Equal);
        let key = if by_report { reported(at) } else { first(at) };
        let somebody = |number, contact| Some((number, contact)).filter(|one| *one != (None, None));
        let mut customer = somebody(self.customer_number.take(), self.contact_id.take());
        let told = somebody(update.customer_number.clone(), contact);
        decided.decide("customer_number", &mut customer, key, told, Ord::cmp);
        (self.customer_number, self.contact_id) = customer.unwrap_or_default();
        decided.decide("started_at", &mut self.started_at, key, update.started_at, DateTime::cmp);
        let key = if by_report { reported(at) } else { latest(at) };
        decided.decide("ended_reason", &mut self.ended_reason, key, update.ended_reason.clone(), String::cmp);
        if let Some((rank, status)) = &update.status
            && (self.status_rank, &self.status) < (*rank, status)
        {
            self.status_rank = *rank;
            self.status.clone_from(status);
        }
        self.merge_metadata(update);
        if let Some(report) = &update.report {
            let decided = &mut self.decided;
            decided.decide("ended_at", &mut self.ended_at, reported(at), report.ended_at, DateTime::cmp);
        }
        // The URL lets its holder speak in the call, so it is kept no longer than the call lasts.
        if self.status_rank >= ENDED_RANK {
            self.control_url = None;
            self.decided.0.remove("control_url");
        }
        if update.erases {
            let erased = self.decided.0.entry(ERASED.to_owned()).or_default();
            *erased = latest(at).max(*erased);
        }
        if self.is_erased() {
            self.drop_content();
        }
    }

    /// Ids, times and how the call ended stay.
    fn drop_content(&mut self) {
        self.customer_number = None;
        self.contact_id = None;
        self.control_url = None;
        self.metadata = Value::Object(Map::new());
        // The names of the metadata's members are content too.
        let content = ["customer_number", "control_url"];
        self.decided
            .0
            .retain(|column, _| !column.starts_with("metadata.") && !content.contains(&column.as_str()));
    }

    /// Each member by itself: the latest message that has it decides.
    fn merge_metadata(&mut self, update: &CallUpdate) {
        if !self.metadata.is_object() {
            self.metadata = Value::Object(Map::new());
        }
        let Value::Object(known) = &mut self.metadata else { return };
        for (name, value) in &update.metadata {
            let mut slot = known.remove(name);
            let column = format!("metadata.{name}");
            self.decided.decide(&column, &mut slot, latest(update.at), Some(value.clone()), by_text);
            known.extend(slot.map(|value| (name.clone(), value)));
        }
    }
}

impl CallReport {
    /// Of two reports the later one decides, a text by its length: a shorter one is an earlier state of it.
    pub(crate) fn merge(&mut self, at: Option<DateTime<Utc>>, update: &ReportUpdate) {
        longer(&mut self.transcript, update.transcript.as_ref());
        longer(&mut self.summary, update.summary.as_ref());
        let (decided, key) = (&mut self.decided, latest(at));
        decided.decide("duration_ms", &mut self.duration_ms, key, update.duration_ms, i64::cmp);
        decided.decide("cost", &mut self.cost, key, update.cost, f64::total_cmp);
        let data = update.structured_data.clone();
        decided.decide("structured_data", &mut self.structured_data, key, data, by_text);
        for (column, slot, value) in [
            ("success_evaluation", &mut self.success_evaluation, &update.success_evaluation),
            ("recording_url", &mut self.recording_url, &update.recording_url),
            ("stereo_recording_url", &mut self.stereo_recording_url, &update.stereo_recording_url),
        ] {
            decided.decide(column, slot, key, value.clone(), String::cmp);
        }
    }
}
