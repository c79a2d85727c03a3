//! A message of the inbox: its name, how it was taken, what is told of it.

use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use uuid::Uuid;

use crate::error::StorageError;
use crate::sql_types::{SqlUuid, column};

/// Names a stored message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlUuid)]
pub struct EventId(pub Uuid);
column!(EventId: SqlUuid = Uuid);

impl EventId {
    /// The failure that the message's row is missing, or makes no sense.
    pub(crate) fn inconsistent(self, column: &'static str) -> StorageError {
        StorageError::inconsistent("webhook_events", column, &self.0)
    }
}

/// How a stored message was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventVerdict {
    /// Acted upon.
    Accepted,
    /// Of a known kind whose body has another shape than the one we know; kept raw.
    Drifted,
    /// Refused: identifiers of two organizations.
    Conflict,
    /// Refused: the organization is switched off.
    Inactive,
}

impl EventVerdict {
    /// The verdict's name in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Drifted => "drifted",
            Self::Conflict => "conflict",
            Self::Inactive => "inactive",
        }
    }

    /// Reads a name of the table.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Accepted, Self::Drifted, Self::Conflict, Self::Inactive]
            .into_iter()
            .find(|verdict| verdict.as_str() == name)
    }
}

/// A stored message without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// Our id.
    pub id: EventId,
    /// The message's kind.
    pub kind: String,
    /// The provider's id of its call.
    pub vapi_call_id: Option<String>,
    /// The key that a second delivery shares.
    pub dedupe_key: String,
    /// How it was taken.
    pub verdict: EventVerdict,
    /// The length of its body; 0 once that was erased.
    pub body_bytes: i32,
    /// The request that brought it first.
    pub request_id: String,
    /// When it arrived first.
    pub received_at: DateTime<Utc>,
    /// How often it was delivered.
    pub deliveries: i32,
}

impl StoredMessage {
    /// True when the body was erased.
    pub fn is_erased(&self) -> bool {
        self.body_bytes == 0
    }

    /// Its place among messages that are listed by time.
    pub fn place(&self) -> After {
        After { received_at: self.received_at, id: self.id.0 }
    }
}

/// Where a page begins: after the message with this time and id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// When it arrived.
    pub received_at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}
