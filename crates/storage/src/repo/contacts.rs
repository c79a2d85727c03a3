//! Callers as the organization knows them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use uuid::Uuid;

use crate::error::StorageError;
use crate::schema::contacts;
use crate::sql_types::{SqlUuid, column};
use crate::text::clean;

/// Names a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlUuid)]
pub struct ContactId(pub Uuid);
column!(ContactId: SqlUuid = Uuid);

/// A caller's record.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = contacts)]
pub struct Contact {
    /// Our id.
    pub id: ContactId,
    /// Empty while unknown.
    pub name: String,
    /// Normalised; `None` never merges two callers.
    pub phone: Option<String>,
    /// As given.
    pub email: Option<String>,
    /// A language code such as `en`.
    pub language: Option<String>,
    /// Outbound calls to this contact are refused.
    pub do_not_call: bool,
    /// The latest call's end.
    pub last_call_at: Option<DateTime<Utc>>,
}

/// A caller's data as known now.
#[derive(Clone, Debug, Default)]
pub struct NewContact<'a> {
    /// Normalised number; `None` makes a contact of its own.
    pub phone: Option<&'a str>,
    /// Fills an empty name, never replaces one.
    pub name: Option<&'a str>,
    /// Fills an empty address, never replaces one.
    pub email: Option<&'a str>,
    /// Moves the latest call forward, never back.
    pub last_call_at: Option<DateTime<Utc>>,
}

impl Contact {
    /// Fills unknown fields. Known ones are never replaced.
    pub(crate) fn fill(&mut self, news: &NewContact<'_>) {
        if self.name.trim().is_empty()
            && let Some(name) = news.name
        {
            self.name = clean(name).into_owned();
        }
        if self.email.as_deref().is_none_or(|email| email.trim().is_empty())
            && let Some(email) = news.email
        {
            self.email = Some(clean(email).into_owned());
        }
        self.last_call_at = self.last_call_at.max(news.last_call_at);
    }
}

/// The contacts of one organization.
#[async_trait]
pub trait Contacts: Send {
    /// A contact by its id.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn get(&mut self, id: ContactId) -> Result<Option<Contact>, StorageError>;

    /// The contact of a normalised number.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn find_by_phone(&mut self, phone: &str) -> Result<Option<Contact>, StorageError>;

    /// Finds the contact of the number and fills what was unknown, or makes one.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn upsert(&mut self, contact: &NewContact<'_>, now: DateTime<Utc>)
    -> Result<Contact, StorageError>;

    /// How many contacts there are.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn count(&mut self) -> Result<i64, StorageError>;
}
