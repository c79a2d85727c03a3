//! Where calls are sent.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::line::single_line;
use crate::ids::AssistantId;

/// A destination outside of the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum PhoneDestination {
    /// A phone number.
    Number {
        /// The number, E.164.
        number: String,
        /// The extension to dial after it.
        #[serde(skip_serializing_if = "Option::is_none")]
        extension: Option<String>,
        /// The assistant's words before the transfer.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_line")]
        message: Option<String>,
    },
    /// A SIP address.
    Sip {
        /// The address, as in `sip:front@example.com`.
        sip_uri: String,
        /// The assistant's words before the transfer.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "write_line")]
        message: Option<String>,
    },
}

impl PhoneDestination {
    /// A phone number, E.164.
    #[must_use]
    pub fn number(number: impl Into<String>) -> Self {
        Self::Number { number: number.into(), extension: None, message: None }
    }

    /// A SIP address.
    #[must_use]
    pub fn sip(sip_uri: impl Into<String>) -> Self {
        Self::Sip { sip_uri: sip_uri.into(), message: None }
    }

    /// Says so before the transfer.
    #[must_use]
    pub fn with_message(mut self, sentence: &str) -> Self {
        match &mut self {
            Self::Number { message, .. } | Self::Sip { message, .. } => {
                *message = Some(single_line(sentence));
            }
        }
        self
    }

    /// Dials so after the number. A SIP address has no extension.
    #[must_use]
    pub fn with_extension(mut self, digits: impl Into<String>) -> Self {
        if let Self::Number { extension, .. } = &mut self {
            *extension = Some(digits.into());
        }
        self
    }
}

/// The field is public, so its text may have more than one line.
fn write_line<S: Serializer>(text: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    text.as_deref().map(single_line).serialize(serializer)
}

/// Where a transfer goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferDestination {
    /// Out of the provider.
    Phone(PhoneDestination),
    /// To another assistant of the squad.
    Assistant {
        /// Its name in the squad.
        name: String,
    },
}

impl TransferDestination {
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Phone(destination) => json!(destination),
            Self::Assistant { name } => json!({ "type": "assistant", "assistantName": name }),
        }
    }
}

impl From<PhoneDestination> for TransferDestination {
    fn from(destination: PhoneDestination) -> Self {
        Self::Phone(destination)
    }
}

/// The assistant that takes over.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum HandoffTarget {
    /// A saved assistant.
    Id(AssistantId),
    /// An assistant of the squad.
    Name(String),
    /// An assistant that exists for this call only, in the form of the provider's API.
    Transient(Map<String, Value>),
}

impl HandoffTarget {
    pub(super) fn into_value(self) -> Value {
        match self {
            Self::Id(id) => json!({ "type": "assistant", "assistantId": id }),
            Self::Name(name) => json!({ "type": "assistant", "assistantName": name }),
            Self::Transient(assistant) => json!({ "type": "assistant", "assistant": assistant }),
        }
    }
}
