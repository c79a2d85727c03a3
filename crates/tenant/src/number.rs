//! The organization's numbers, and where their calls go.

use serde::{Deserialize, Serialize};

use crate::kind::IdentifierKind;

/// A number of the organization; at least one of `id`, `number` and `sip_uri` is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The provider's id.
    pub id: Option<String>,
    /// `+` and digits.
    pub number: Option<String>,
    /// SIP URI in lower case.
    pub sip_uri: Option<String>,
    /// For people; may be empty.
    pub label: String,
    /// Where its calls go.
    pub route: Option<Route>,
    /// The provider's id of the assistant that takes the call when routing fails.
    pub fallback_assistant: Option<String>,
}

impl PhoneNumber {
    /// By what people and plans call it: its id, else its number, else its SIP URI.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.names().next()
    }

    /// The identifiers that it declares.
    pub fn identifiers(&self) -> impl Iterator<Item = (IdentifierKind, &str)> {
        let lines = self.number.iter().chain(&self.sip_uri);
        let id = self.id.iter().map(|id| (IdentifierKind::PhoneNumberId, id.as_str()));
        id.chain(lines.map(|line| (IdentifierKind::PhoneNumber, line.as_str())))
    }

    /// Its id, its number and its SIP URI, as far as it has them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.id, &self.number, &self.sip_uri].into_iter().flatten().map(String::as_str)
    }
}

/// Where calls to a number go, in the file and in the column: `{"assistant": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// To an assistant, by the provider's id.
    Assistant(String),
    /// To a squad, by the provider's id.
    Squad(String),
    /// To a number (`+` and digits) or SIP URI, at once.
    Destination(String),
}
