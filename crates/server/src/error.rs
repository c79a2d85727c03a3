//! The one place where a refusal becomes a status and a body.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use dispatch::RefusalCode;
use serde::Serialize;

/// The header that names the answer to a request, in the answer and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that is answered with a refusal of ours instead of an answer in the provider's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
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
    /// Nothing in the message points at an organization.
    Unresolved {
        /// What was looked up in vain.
        detail: String,
    },
    /// No credential of the organization matches, for whatever reason.
    Unauthorized,
    /// Over a limit, which lasts so long where that is known.
    RateLimited(Option<Duration>),
    /// The store cannot answer, or the process holds all it can.
    Unavailable,
    /// Identifiers of two organizations.
    ConflictingOrganizations,
    /// The organization is switched off.
    OrganizationInactive,
    /// A kind of message that is not served.
    NotSupported,
    /// The request lacks something.
    BadRequest(&'static str),
    /// No such route.
    NotFound,
    /// The route exists, with other methods.
    MethodNotAllowed,
    /// A fault of ours.
    Internal,
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    request_id: &'a str,
}

impl From<RefusalCode> for Problem {
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

impl Problem {
    /// The status, the stable code, and the sentence.
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::UnsupportedEncoding => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", "The body must not be encoded")
            }
            Self::PayloadTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large")
            }
            Self::RequestTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The body did not arrive in time")
            }
            Self::Unreadable => {
                (StatusCode::BAD_REQUEST, "unreadable_payload", "The body cannot be read as a JSON object")
            }
            Self::HttpsRequired => (StatusCode::BAD_REQUEST, "https_required", "Use HTTPS"),
            Self::Unresolved { .. } => {
                (StatusCode::BAD_REQUEST, "unresolved_organization", "Cannot resolve organization")
            }
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized", "Invalid webhook signature"),
            Self::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests"),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The service is not available right now")
            }
            Self::ConflictingOrganizations => (
                StatusCode::CONFLICT,
                "conflicting_organizations",
                "The message names more than one organization",
            ),
            Self::OrganizationInactive => {
                (StatusCode::FORBIDDEN, "organization_inactive", "The organization is not active")
            }
            Self::NotSupported => {
                (StatusCode::NOT_IMPLEMENTED, "not_supported", "This kind of message is not supported")
            }
            Self::BadRequest(sentence) => (StatusCode::BAD_REQUEST, "bad_request", sentence),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is nothing at this path"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path is served with other methods",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
        }
    }

    /// The stable code, in the answer and in the log.
    pub(crate) fn code(&self) -> &'static str {
        self.parts().1
    }

    /// True for what a sender without a valid credential brings about, and pays for from its budget.
    pub(crate) fn is_senders_fault(&self) -> bool {
        !matches!(self, Self::RateLimited(_)) && self.parts().0.is_client_error()
    }

    /// The answer.
    pub(crate) fn respond(&self, request_id: &str) -> HttpResponse {
        let (status, code, error) = self.parts();
        let detail = match self {
            Self::Unresolved { detail } => Some(detail.as_str()),
            _ => None,
        };
        let mut response = json(status, &Body { error, code, detail, request_id }, request_id);
        if let Self::RateLimited(wait) = self {
            // Rounded up, so that whoever waits as told is let in.
            let seconds = wait.map_or(1, |wait| wait.as_micros().div_ceil(1_000_000)).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// An answer of our own making.
pub(crate) fn json(status: StatusCode, body: &impl Serialize, request_id: &str) -> HttpResponse {
    // These bodies are structs of strings, flags and numbers, which always serialise.
    encoded(status, serde_json::to_vec(body).unwrap_or_default(), request_id)
}

/// An answer whose body is JSON already.
pub(crate) fn encoded(status: StatusCode, body: Vec<u8>, request_id: &str) -> HttpResponse {
    let mut response = HttpResponse::build(status).body(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    response
}
