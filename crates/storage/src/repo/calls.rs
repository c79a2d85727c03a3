//! The ledger: one row a call.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::StorageError;
use crate::ledger::decided::Decided;

/// One call of the ledger: its identity and state. Everything but the id may be unknown yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The provider's id of the call.
    pub vapi_call_id: String,
    /// The provider's `call.type`.
    pub call_type: Option<String>,
    /// The latest known status.
    pub status: String,
    /// The status's place in a call's life; a lower rank never replaces a higher one.
    pub status_rank: i16,
    /// The assistant that leads or led the call.
    pub vapi_assistant_id: Option<String>,
    /// The provider's id of the number that was called or calls.
    pub phone_number_id: Option<String>,
    /// The caller's number, normalised where it is one.
    pub customer_number: Option<String>,
    /// The caller's contact.
    pub contact_id: Option<Uuid>,
    /// The call's own metadata (`leadId` and the like), an object.
    pub metadata: Value,
    /// When the call began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the call ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// The provider's reason for the end.
    pub ended_reason: Option<String>,
    /// The live-control URL, a capability: sealed at rest, and dropped when the call ends.
    pub control_url: Option<String>,
    /// By which messages the columns were decided.
    pub decided: Decided,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
    /// The live-control URL with its seal, as it was read: the same URL is not sealed again.
    pub(crate) sealed_url: SealedUrl,
}

/// A live-control URL with its seal; no part of what a call is.
#[derive(Clone, Debug, Default)]
pub(crate) struct SealedUrl(pub(crate) Option<(String, Vec<u8>)>);

impl PartialEq for SealedUrl {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// The report at the end of a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallReport {
    /// The provider's id of the call.
    pub vapi_call_id: String,
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
    /// The provider's success evaluation, as it was sent.
    pub success_evaluation: Option<String>,
    /// Where the recording lies.
    pub recording_url: Option<String>,
    /// Where the stereo recording lies.
    pub stereo_recording_url: Option<String>,
    /// By which reports the columns were decided.
    pub decided: Decided,
}

impl Call {
    /// A call of which nothing but its id is known.
    #[must_use]
    pub fn new(vapi_call_id: String, created_at: DateTime<Utc>) -> Self {
        let (status, metadata) = ("unknown".to_owned(), Value::Object(Map::new()));
        Self { vapi_call_id, status, metadata, created_at, ..Self::default() }
    }
}

impl CallReport {
    /// A report that tells nothing yet.
    #[must_use]
    pub fn new(vapi_call_id: String) -> Self {
        Self { vapi_call_id, ..Self::default() }
    }
}

/// The ledger of one organization. Messages write it as part of their [`Record`](crate::Record).
#[async_trait]
pub trait Calls: Send {
    /// A call by the provider's id.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the row is corrupt.
    async fn get(&mut self, vapi_call_id: &str) -> Result<Option<Call>, StorageError>;

    /// The report of a call.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the row is corrupt.
    async fn report(&mut self, vapi_call_id: &str) -> Result<Option<CallReport>, StorageError>;

    /// Lets the messages of a call decide anew: what stands in its rows stays until one of them says otherwise. The
    /// live-control URL is left out, because no stored message can give it back.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn undecide(&mut self, vapi_call_id: &str) -> Result<(), StorageError>;

    /// The latest calls first, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn list(&mut self, limit: i64) -> Result<Vec<Call>, StorageError>;
}
