//! The kinds of identifiers that map messages to organizations.

use std::fmt;

use serde::Serialize;

/// A kind of identifier; an identifier of a kind belongs to one organization at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// The provider's assistant id.
    AssistantId,
    /// The provider's phone number id.
    PhoneNumberId,
    /// A number in `+` form or a SIP URI in lower case.
    PhoneNumber,
    /// The provider's squad id.
    SquadId,
    /// The organization's own id or slug.
    Organization,
}

impl IdentifierKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::AssistantId, Self::PhoneNumberId, Self::PhoneNumber, Self::SquadId, Self::Organization];

    /// The kind's name in the `identifiers` table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssistantId => "assistant_id",
            Self::PhoneNumberId => "phone_number_id",
            Self::PhoneNumber => "phone_number",
            Self::SquadId => "squad_id",
            Self::Organization => "organization",
        }
    }

    /// Reads a name of the `identifiers` table.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
