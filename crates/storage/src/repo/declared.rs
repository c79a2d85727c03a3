//! The operator's declarations for the organization: read here, written by the operator's door only.

use async_trait::async_trait;
use tenant::{Document, Profile};

use crate::error::StorageError;

/// The declarations of one organization that are read in a scope. What messages need is in memory:
/// [`Storage::tenant`](crate::Storage::tenant).
#[async_trait]
pub trait Declared: Send {
    /// The organization's profile.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone or its zone or region is unknown.
    async fn profile(&mut self) -> Result<Profile, StorageError>;

    /// Every document, by path.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn documents(&mut self) -> Result<Vec<Document>, StorageError>;
}
