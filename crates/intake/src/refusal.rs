//! Why a request gets no answer of the provider's shape.

use dispatch::RefusalCode;
use rate_limit::RetryAfter;

/// A request that is refused, for one reason. The listener maps each to its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body is compressed.
    UnsupportedEncoding,
    /// The body is too large.
    PayloadTooLarge,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is no JSON object that is safe to read.
    Unreadable,
    /// Plain HTTP, where only TLS is allowed.
    HttpsRequired,
    /// No identifier in the message points at an organization.
    Unresolved {
        /// The values looked up in vain.
        detail: String,
    },
    /// No credential of the organization matches, for whatever reason.
    Unauthorized,
    /// Over a limit, which lasts so long where that is known.
    RateLimited(Option<RetryAfter>),
    /// The store cannot answer, or the process holds all it can.
    Unavailable,
    /// Identifiers of two organizations.
    ConflictingOrganizations,
    /// The organization is switched off.
    OrganizationInactive,
    /// A kind of message that is not served.
    NotSupported,
    /// The request lacks something; the sentence says what.
    BadRequest(&'static str),
}

impl Refusal {
    /// The stable name that clients read and the log has.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::PayloadTooLarge => "payload_too_large",
            Self::RequestTimeout => "request_timeout",
            Self::Unreadable => "unreadable_payload",
            Self::HttpsRequired => "https_required",
            Self::Unresolved { .. } => "unresolved_organization",
            Self::Unauthorized => "unauthorized",
            Self::RateLimited(_) => RefusalCode::RateLimited.as_str(),
            Self::Unavailable => RefusalCode::Unavailable.as_str(),
            Self::ConflictingOrganizations => RefusalCode::ConflictingOrganizations.as_str(),
            Self::OrganizationInactive => RefusalCode::OrganizationInactive.as_str(),
            Self::NotSupported => RefusalCode::NotSupported.as_str(),
            Self::BadRequest(sentence) => RefusalCode::BadRequest(sentence).as_str(),
        }
    }

    /// True for what a sender without a valid credential brings about, and pays for from its budget.
    pub(crate) const fn is_senders_fault(&self) -> bool {
        match self {
            Self::UnsupportedEncoding
            | Self::PayloadTooLarge
            | Self::RequestTimeout
            | Self::Unreadable
            | Self::HttpsRequired
            | Self::Unresolved { .. }
            | Self::Unauthorized
            | Self::ConflictingOrganizations
            | Self::OrganizationInactive
            | Self::BadRequest(_) => true,
            Self::RateLimited(_) | Self::Unavailable | Self::NotSupported => false,
        }
    }
}

impl From<RefusalCode> for Refusal {
    fn from(code: RefusalCode) -> Self {
        match code {
            RefusalCode::ConflictingOrganizations => Self::ConflictingOrganizations,
            RefusalCode::OrganizationInactive => Self::OrganizationInactive,
            RefusalCode::RateLimited => Self::RateLimited(None),
            RefusalCode::Unavailable => Self::Unavailable,
            RefusalCode::NotSupported => Self::NotSupported,
            RefusalCode::BadRequest(sentence) => Self::BadRequest(sentence),
        }
    }
}
