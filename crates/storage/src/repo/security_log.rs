//! Alarms for the organization's operator.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::StorageError;

/// Something out of order.
#[derive(Clone, Debug)]
pub struct SecurityEntry<'a> {
    /// `conflict`, `inactive` or `pin_against_mapping`.
    pub event: &'a str,
    /// The finding, without any other organization's name.
    pub detail: Value,
    /// The provider's id of the call.
    pub vapi_call_id: Option<&'a str>,
    /// The request that brought it.
    pub request_id: &'a str,
}

/// The security log of one organization.
#[async_trait]
pub trait SecurityLog: Send {
    /// Adds an entry.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn insert(&mut self, entry: &SecurityEntry<'_>, now: DateTime<Utc>) -> Result<(), StorageError>;

    /// How many entries there are.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn count(&mut self) -> Result<i64, StorageError>;
}
