//! What an operator declared for the organization: read here, written by the operator's door only.

use async_trait::async_trait;
use org_resolver::phone::Region;
use scheduling::Calendar;
use serde_json::Value;

use crate::error::StorageError;

/// The organization's own description.
#[derive(Clone, Debug)]
pub struct OrgProfile {
    /// The name that assistants say.
    pub name: String,
    /// The IANA time zone.
    pub timezone: chrono_tz::Tz,
    /// How national numbers are read.
    pub region: Region,
    /// A language code such as `en`.
    pub primary_language: String,
    /// Further languages.
    pub secondary_languages: Vec<String>,
    /// Free settings, an object.
    pub settings: Value,
}

/// An assistant's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// The provider's id.
    pub vapi_assistant_id: String,
    /// The name callers hear.
    pub name: String,
    /// What it is there for, such as `inbound`.
    pub role: String,
}

/// Where calls to a number go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a saved assistant.
    Assistant(String),
    /// To a squad.
    Squad(String),
    /// To a number or SIP URI, forwarded at once.
    Destination(String),
}

/// A number of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The provider's id.
    pub provider_phone_id: Option<String>,
    /// The number as declared.
    pub number: Option<String>,
    /// The SIP URI as declared.
    pub sip_uri: Option<String>,
    /// Where its calls go.
    pub route: Option<Route>,
    /// Who takes the call when routing fails.
    pub fallback_assistant_id: Option<String>,
}

/// A department that calls are handed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferDestination {
    /// The department's name.
    pub department: String,
    /// Its number.
    pub number: Option<String>,
    /// Its SIP URI.
    pub sip_uri: Option<String>,
    /// When it answers: weekday to ranges, as in the organizations file; `None` is always.
    pub opening_hours: Option<Value>,
}

/// A text that answers callers' questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnowledgeDocument {
    /// Where it came from.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub content: String,
}

/// What the operator declared for one organization.
#[async_trait]
pub trait Profile: Send {
    /// The organization's description.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the row is gone or its zone or region is unknown.
    async fn profile(&mut self) -> Result<OrgProfile, StorageError>;

    /// Opening hours, closures, services and resources. Without any opening hours the calendar is always open.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a row is corrupt.
    async fn calendar(&mut self) -> Result<Calendar, StorageError>;

    /// The active agent of an assistant.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn agent(&mut self, vapi_assistant_id: &str) -> Result<Option<Agent>, StorageError>;

    /// Every active agent, by name.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn agents(&mut self) -> Result<Vec<Agent>, StorageError>;

    /// The active numbers.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer or a route is corrupt.
    async fn phone_numbers(&mut self) -> Result<Vec<PhoneNumber>, StorageError>;

    /// The transfer directory, by department.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn transfer_destinations(&mut self) -> Result<Vec<TransferDestination>, StorageError>;

    /// Every knowledge document, by path.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn knowledge(&mut self) -> Result<Vec<KnowledgeDocument>, StorageError>;
}
