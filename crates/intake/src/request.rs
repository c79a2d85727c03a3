//! A request as any listener can hand it over.

use std::net::IpAddr;

use signature::{Found, Headers};

/// Declares the organization of a request whose body names none.
pub(crate) const ORGANIZATION_HEADER: &str = "x-organization-id";
/// Makes a repeated request the same call.
pub(crate) const IDEMPOTENCY_HEADER: &str = "x-idempotency-key";

/// A request without its body.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Names the request in logs and rows.
    pub request_id: &'a str,
    /// Where it came from.
    pub origin: Origin,
    /// The method, in capitals.
    pub method: &'a str,
    /// Path and query as they were received; recipes sign them behind the public URL.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// The tool that the route names; `None` on the webhook.
    pub tool: Option<&'a str>,
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The sender, whose budget of unverified messages the request takes from.
    pub address: IpAddr,
    /// True when the sender used TLS, as far as a trusted proxy can say.
    pub is_https: bool,
}

impl<'a> Request<'a> {
    /// A header that is there once, as text. Repeated or unreadable it says nothing.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let Found::One(value) = self.headers.find(name) else { return None };
        std::str::from_utf8(value).ok().map(str::trim).filter(|text| !text.is_empty())
    }
}
