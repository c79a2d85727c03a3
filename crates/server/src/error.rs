//! The one place where a refusal becomes a status and a body.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use intake::Refusal;
use rate_limit::RetryAfter;
use serde::Serialize;

/// The header that names the answer to a request, in the answer and in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Everything that is answered with a refusal of ours instead of an answer in the provider's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A message is refused.
    Refused(Refusal),
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

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Problem {
    /// The status, the stable code, and the sentence.
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Refused(refusal) => {
                let (status, sentence) = refused(refusal);
                (status, refusal.code(), sentence)
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is nothing at this path"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path is served with other methods",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong"),
        }
    }

    /// The answer.
    pub(crate) fn respond(&self, request_id: &str) -> HttpResponse {
        let (status, code, error) = self.parts();
        let detail = match self {
            Self::Refused(Refusal::Unresolved { detail }) => Some(detail.as_str()),
            _ => None,
        };
        let mut response = json(status, &Body { error, code, detail, request_id }, request_id);
        if let Self::Refused(Refusal::RateLimited(wait)) = self {
            let seconds = wait.map_or(1, RetryAfter::seconds);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The status and the sentence of a refusal.
fn refused(refusal: &Refusal) -> (StatusCode, &'static str) {
    match refusal {
        Refusal::UnsupportedEncoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body must not be encoded"),
        Refusal::PayloadTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
        Refusal::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
        Refusal::Unreadable => (StatusCode::BAD_REQUEST, "The body cannot be read as a JSON object"),
        Refusal::HttpsRequired => (StatusCode::BAD_REQUEST, "Use HTTPS"),
        Refusal::Unresolved { .. } => (StatusCode::BAD_REQUEST, "Cannot resolve organization"),
        Refusal::Unauthorized => (StatusCode::UNAUTHORIZED, "Invalid webhook signature"),
        Refusal::RateLimited(_) => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
        Refusal::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The service is not available right now"),
        Refusal::ConflictingOrganizations => {
            (StatusCode::CONFLICT, "The message names more than one organization")
        }
        Refusal::OrganizationInactive => (StatusCode::FORBIDDEN, "The organization is not active"),
        Refusal::NotSupported => (StatusCode::NOT_IMPLEMENTED, "This kind of message is not supported"),
        Refusal::BadRequest(sentence) => (StatusCode::BAD_REQUEST, sentence),
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
