//! The ledger: one row a call.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StorageError;

/// One call of the ledger. Everything but the ids may be unknown yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Our id of the row.
    pub id: Uuid,
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
    /// The live-control URL, a capability: sealed at rest, and dropped when the call ends.
    pub control_url: Option<String>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
}

/// The ledger of one organization.
#[async_trait]
pub trait Calls: Send {
    /// A call by the provider's id.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or the row is corrupt.
    async fn get(&mut self, vapi_call_id: &str) -> Result<Option<Call>, StorageError>;

    /// Finds or makes the row of a call, and locks it until the scope ends, so that two messages of one call
    /// are merged one after the other.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn lock(&mut self, vapi_call_id: &str, now: DateTime<Utc>) -> Result<Call, StorageError>;

    /// Writes a locked call back, every column.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone.
    async fn update(&mut self, call: &Call, now: DateTime<Utc>) -> Result<(), StorageError>;

    /// Erases what was said in a call: transcript, summary, structured data, recording addresses, metadata and
    /// number in the ledger, and the bodies and answers of its stored messages. The rows, kinds and times stay.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn erase_content(&mut self, vapi_call_id: &str, now: DateTime<Utc>) -> Result<(), StorageError>;

    /// The latest calls first, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn list(&mut self, limit: i64) -> Result<Vec<Call>, StorageError>;
}
