//! The outcome of a message.

use phrases::Phrase;
use storage::StorageError;
use vapi_types::Reply;

/// Why a proven message is turned away. Each caller maps it to its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalCode {
    /// Identifiers of two organizations.
    ConflictingOrganizations,
    /// The organization is switched off.
    OrganizationInactive,
    /// Over the organization's allowance.
    RateLimited,
    /// The store does not answer; nothing was acknowledged.
    Unavailable,
    /// A kind that this gateway does not serve.
    NotSupported,
    /// The request lacks something; the sentence says what.
    BadRequest(&'static str),
}

impl RefusalCode {
    /// The stable name that clients read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConflictingOrganizations => "conflicting_organizations",
            Self::OrganizationInactive => "organization_inactive",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::NotSupported => "not_supported",
            Self::BadRequest(_) => "bad_request",
        }
    }

    /// The sentence for a caller on the phone when an assistant waits for the answer.
    pub(crate) const fn phrase(self) -> Phrase<'static> {
        match self {
            Self::ConflictingOrganizations | Self::NotSupported | Self::BadRequest(_) => Phrase::CannotDo,
            Self::OrganizationInactive => Phrase::NotInService,
            Self::RateLimited => Phrase::Busy,
            Self::Unavailable => Phrase::Unreachable,
        }
    }
}

/// The answer to a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// An answer in the provider's shape.
    Reply(Reply),
    /// No answer of the provider's; a refusal of ours.
    Refused(RefusalCode),
}

/// The handling of a message, for the answer and for the log.
#[derive(Debug)]
#[must_use]
pub struct Handled {
    /// The answer.
    pub outcome: Outcome,
    /// The effects, as short words for the log.
    pub effects: Vec<&'static str>,
    /// The failure, for the log; the answer may be a reply all the same.
    pub error: Option<DispatchError>,
}

impl Handled {
    pub(crate) fn reply(reply: Reply, effects: Vec<&'static str>) -> Self {
        Self { outcome: Outcome::Reply(reply), effects, error: None }
    }
}

/// A failure behind an answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DispatchError {
    /// The store failed.
    #[error("the store failed")]
    Storage(#[from] StorageError),
    /// The work was not done in time.
    #[error("the work was not done within {0:?}")]
    Deadline(std::time::Duration),
}

impl DispatchError {
    /// True when the same work may succeed later.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Storage(error) => error.kind() == storage::ErrorKind::Transient,
            Self::Deadline(_) => true,
        }
    }
}
