//! The steps of the lookup chain and their default order.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use tenant::IdentifierKind;

/// One step of the chain: a kind of identifier and where it is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LookupStep {
    /// The provider's id of a saved assistant.
    AssistantId,
    /// The provider's id of a phone number.
    PhoneNumberId,
    /// The dialled number or SIP URI.
    PhoneNumber,
    /// A call that a verified message pinned to its organization earlier.
    CallId,
    /// The provider's id of a squad.
    SquadId,
    /// The caller's side wrote it into `metadata`: a claim that a browser can forge.
    Metadata,
}

impl LookupStep {
    /// The default chain, first step first.
    pub const DEFAULT_ORDER: [Self; 6] = [
        Self::AssistantId,
        Self::PhoneNumberId,
        Self::PhoneNumber,
        Self::CallId,
        Self::SquadId,
        Self::Metadata,
    ];

    /// The step's name in configuration, traces and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssistantId => "assistant_id",
            Self::PhoneNumberId => "phone_number_id",
            Self::PhoneNumber => "phone_number",
            Self::CallId => "call_id",
            Self::SquadId => "squad_id",
            Self::Metadata => "metadata",
        }
    }

    /// The provider's word for it, for sentences such as "Organization not found for this assistant".
    pub const fn noun(self) -> &'static str {
        match self {
            Self::AssistantId => "assistant",
            Self::PhoneNumberId | Self::PhoneNumber => "phone number",
            Self::CallId => "call",
            Self::SquadId => "squad",
            Self::Metadata => "metadata",
        }
    }

    /// How an operator declares the step's identifiers, as the endpoint check lists it.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::AssistantId => "assistant_id (from customer_configurations.vapi_assistant_id)",
            Self::PhoneNumberId => "phone_number_id (from phone_numbers.provider_phone_id)",
            Self::PhoneNumber => "phone_number (from customer_configurations.vapi_phone_number)",
            Self::CallId => "call_id (from call_logs.vapi_call_id)",
            Self::SquadId => "squad_id (from customer_configurations.vapi_squad_id)",
            Self::Metadata => "metadata (from organizations.id or organizations.slug)",
        }
    }

    /// The kind of mapping that this step reads; `None` for [`LookupStep::CallId`], which reads pins.
    pub const fn mapping(self) -> Option<IdentifierKind> {
        match self {
            Self::AssistantId => Some(IdentifierKind::AssistantId),
            Self::PhoneNumberId => Some(IdentifierKind::PhoneNumberId),
            Self::PhoneNumber => Some(IdentifierKind::PhoneNumber),
            Self::SquadId => Some(IdentifierKind::SquadId),
            Self::Metadata => Some(IdentifierKind::Organization),
            Self::CallId => None,
        }
    }
}

impl fmt::Display for LookupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no step of the chain.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no step of the lookup chain")]
pub struct UnknownStep(Box<str>);

impl FromStr for LookupStep {
    type Err = UnknownStep;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::DEFAULT_ORDER
            .into_iter()
            .find(|step| step.as_str() == text)
            .ok_or_else(|| UnknownStep(text.into()))
    }
}
