//! The operator's declarations for the organization: read here, written by the operator's door only.

use async_trait::async_trait;
use scheduling::Calendar;
use tenant::phone::Region;
use tenant::{Assistant, Document, PhoneNumber, Profile, Transfer};

use crate::error::StorageError;

/// The operator's declarations for one organization.
#[async_trait]
pub trait Declared: Send {
    /// The organization's profile.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone or its zone or region is unknown.
    async fn profile(&mut self) -> Result<Profile, StorageError>;

    /// Opening hours, closures, services and resources. Without any opening hours the calendar is always open.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a row is corrupt.
    async fn calendar(&mut self) -> Result<Calendar, StorageError>;

    /// The active record of an assistant.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn assistant(&mut self, id: &str) -> Result<Option<Assistant>, StorageError>;

    /// Every active assistant, by name.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn assistants(&mut self) -> Result<Vec<Assistant>, StorageError>;

    /// The active numbers, in their normal form for the organization's region.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a route is corrupt.
    async fn phone_numbers(&mut self, region: Region) -> Result<Vec<PhoneNumber>, StorageError>;

    /// The transfer directory, by department.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a row is corrupt.
    async fn transfers(&mut self) -> Result<Vec<Transfer>, StorageError>;

    /// Every document, by path.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn documents(&mut self) -> Result<Vec<Document>, StorageError>;
}
