//! The reports of replaying and claiming.

use chrono::{DateTime, Utc};
use storage::OrgEntry;
use storage::repo::EventVerdict;
use uuid::Uuid;

use super::difference::RowChange;

/// The result of replaying, done or tried.
#[derive(Debug)]
pub struct ReplayReport {
    /// The messages in the order in which they were taken.
    pub messages: Vec<ReplayedMessage>,
    /// The changes of all of them together; empty when everything had its effect before.
    pub changes: Vec<RowChange>,
}

/// The outcome of one message of the inbox.
#[derive(Debug)]
pub struct ReplayedMessage {
    /// Our id.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// The provider's id of its call.
    pub call_id: Option<String>,
    /// When it arrived first.
    pub received_at: DateTime<Utc>,
    /// How it was taken before.
    pub verdict: EventVerdict,
    /// The outcome now.
    pub outcome: ReplayOutcome,
    /// The tool calls in it; none of them was run.
    pub tools: Vec<ToolReport>,
}

/// The outcome of a replayed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayOutcome {
    /// It was acted upon again.
    Applied,
    /// It had not been acted upon, and is accepted now.
    Accepted,
    /// It stays without effect.
    Refused(ReplayRefusal),
    /// Its body was erased, so that there is nothing to replay.
    Erased,
}

/// Why a stored message stays without effect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefusal {
    /// The stored body is no JSON object.
    #[error("the stored body cannot be read")]
    Unreadable,
    /// Its kind is known, and the body has another shape; the path that has nothing usable.
    #[error("its kind is known, and there is nothing usable at {0}")]
    Drifted(String),
    /// It still names two organizations, or another account of the provider's.
    #[error("it still names another organization or account")]
    Conflict,
    /// It does not point at this organization now.
    #[error("nothing in it points at this organization now")]
    NotOurs,
    /// The organization is switched off.
    #[error("the organization is switched off")]
    OrganizationInactive,
    /// It is a tool's bare arguments.
    #[error("it is a tool's bare arguments, and tools are never run again")]
    BareArguments,
}

impl ReplayRefusal {
    /// The stable name that programs read.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Drifted(_) => "drifted",
            Self::Conflict => "conflict",
            Self::NotOurs => "not_ours",
            Self::OrganizationInactive => "organization_inactive",
            Self::BareArguments => "bare_arguments",
        }
    }
}

/// One tool call of a stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolReport {
    /// The provider's id.
    pub id: String,
    /// The tool's name as it was sent.
    pub name: String,
    /// Its state.
    pub state: ToolState,
}

/// The state of a tool call that is not run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolState {
    /// It ran then, and its answer stays.
    Answered,
    /// It never ran, and is not run now: nobody waits for the answer.
    NotRun,
}

impl ToolState {
    /// The stable name that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NotRun => "not_run",
        }
    }
}

/// The result of claiming a message, done or tried.
#[derive(Debug, Default)]
pub struct ClaimReport {
    /// Our id in the quarantine.
    pub id: Uuid,
    /// Its kind; empty when the message is not there.
    pub kind: String,
    /// The provider's id of its call.
    pub call_id: Option<String>,
    /// When it arrived.
    pub received_at: Option<DateTime<Utc>>,
    /// The outcome.
    pub outcome: ClaimOutcome,
    /// The tool calls in it; none of them was run.
    pub tools: Vec<ToolReport>,
    /// The rows it changed.
    pub changes: Vec<RowChange>,
}

impl ClaimReport {
    pub(super) fn kept(self, refusal: ClaimRefusal) -> Self {
        Self { outcome: ClaimOutcome::Kept(refusal), ..self }
    }
}

/// The outcome of claiming a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClaimOutcome {
    /// It is its organization's.
    Claimed {
        /// Whose it is.
        organization: OrgEntry,
        /// True when the organization had the same message before, so that it was not stored again.
        is_repeated: bool,
    },
    /// It stays where it is.
    Kept(ClaimRefusal),
    /// It is not in the quarantine, or not any more.
    #[default]
    Absent,
}

/// Why a message stays in the quarantine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefusal {
    /// The stored body is no JSON object.
    #[error("the stored body cannot be read")]
    Unreadable,
    /// It points at no organization; the resolver's sentence.
    #[error("{0}")]
    Unresolved(String),
    /// A mapping points at an organization and is switched off.
    #[error("the mapping of its assistant, number or squad is switched off")]
    MappingInactive,
    /// It names two organizations, or another account of the provider's.
    #[error("it names two organizations, or another account at the provider")]
    Conflict,
    /// The organization is switched off.
    #[error("its organization is switched off")]
    OrganizationInactive,
    /// The organization has, or had, credentials of its own: the shared secret proves nothing to it.
    #[error("its organization has credentials of its own, and the shared secret proves nothing to it")]
    OwnCredentials,
    /// Only its metadata names the organization, which the shared secret does not prove.
    #[error("only its metadata names the organization, which needs a credential of its own")]
    MetadataOnly,
    /// The content of its call was erased.
    #[error("the content of its call was erased")]
    Erased,
    /// A kind that this gateway does not serve.
    #[error("this gateway does not serve its kind")]
    NotServed,
}

impl ClaimRefusal {
    /// The stable name that programs read.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Unresolved(_) => "unresolved",
            Self::MappingInactive => "mapping_inactive",
            Self::Conflict => "conflict",
            Self::OrganizationInactive => "organization_inactive",
            Self::OwnCredentials => "own_credentials",
            Self::MetadataOnly => "metadata_only",
            Self::Erased => "erased",
            Self::NotServed => "not_served",
        }
    }
}
