//! The answers of tools: each tool call runs once, ever.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::StorageError;
use crate::sql_types::{SqlUuid, column};

/// SHA-256 over what makes two tool calls the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Names what a tool call made: an appointment, a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlUuid)]
pub struct EffectId(pub Uuid);
column!(EffectId: SqlUuid = Uuid);

/// A tool's answer as the provider gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolAnswer {
    /// A sentence the assistant can say.
    Result(String),
    /// Arguments that do not fit, or a failure.
    Error(String),
}

/// A tool call about to run.
#[derive(Clone, Debug)]
pub struct NewToolResult<'a> {
    /// Its key.
    pub key: KeyHash,
    /// The provider's id of the call.
    pub vapi_call_id: &'a str,
    /// The provider's id of the tool call.
    pub tool_call_id: &'a str,
    /// The tool's name.
    pub tool: &'a str,
}

/// The result of reserving a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// It never ran: run it, store the answer in the same scope.
    Fresh,
    /// It ran: answer the same again.
    Done {
        /// Its answer.
        answer: ToolAnswer,
        /// False when it refused or failed, so nothing was made.
        succeeded: bool,
        /// Its effect.
        effect: Option<EffectId>,
        /// True when its effect was undone since (an appointment cancelled).
        is_undone: bool,
    },
}

/// The stored tool results of one organization.
#[async_trait]
pub trait ToolResults: Send {
    /// Reserves a key inside this scope. A scope elsewhere that holds the same key is waited for: once it has
    /// committed, its answer is returned; once it has rolled back, the reservation is fresh.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn reserve(
        &mut self,
        call: &NewToolResult<'_>,
        now: DateTime<Utc>,
    ) -> Result<Reservation, StorageError>;

    /// Keeps a request under a key, and returns the tool and the tool call's id of the request that was kept under it first.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn first(
        &mut self,
        request: &NewToolResult<'_>,
        now: DateTime<Utc>,
    ) -> Result<(String, String), StorageError>;

    /// Stores the answer of a reserved key, over an earlier one.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when the key was not reserved.
    async fn store(
        &mut self,
        key: KeyHash,
        answer: &ToolAnswer,
        succeeded: bool,
        effect: Option<EffectId>,
    ) -> Result<(), StorageError>;

    /// Marks every result that made this effect as undone.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn undo(&mut self, effect: EffectId, now: DateTime<Utc>) -> Result<(), StorageError>;
}
