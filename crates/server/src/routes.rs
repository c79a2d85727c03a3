//! Every route of the gateway, in one list: what is registered is what a test can walk.

use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, guard, web};

use crate::error::Problem;
use crate::handlers;
use crate::state::AppState;

/// One route.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; `{tool}` stands for one segment.
    pub path: &'static str,
    /// The access it needs.
    pub access: Access,
    endpoint: Endpoint,
}

/// A method that some route is served with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Served to `HEAD` too.
    Get,
    /// Takes a message.
    Post,
}

/// The access to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Senders that sign with a credential of the organization that the message names.
    Signed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Message,
    Check,
    Tool,
    Health,
    Live,
    Ready,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
        }
    }
}

/// The routes.
pub const ROUTES: &[Route] = &[
    open("/api/webhooks/vapi", Endpoint::Check),
    signed("/api/webhooks/vapi", Endpoint::Message),
    open("/api/vapi/webhook", Endpoint::Check),
    signed("/api/vapi/webhook", Endpoint::Message),
    signed("/api/vapi/tools/{tool}", Endpoint::Tool),
    open("/health", Endpoint::Health),
    open("/health/live", Endpoint::Live),
    open("/health/ready", Endpoint::Ready),
];

const fn open(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: Method::Get, path, access: Access::Open, endpoint }
}

const fn signed(path: &'static str, endpoint: Endpoint) -> Route {
    Route { method: Method::Post, path, access: Access::Signed, endpoint }
}

/// Registers the routes, with refusals for every other path and method.
pub(crate) fn configure(app: &mut web::ServiceConfig) {
    let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        let mut resource = web::resource(path);
        let mut allowed = Vec::new();
        for route in ROUTES.iter().filter(|route| route.path == path) {
            resource = resource.route(served(*route));
            allowed.push(route.method.allowed());
        }
        let allowed = allowed.join(", ");
        app.service(resource.default_service(web::to(
            move |state: web::Data<AppState>, payload: web::Payload| {
                refuse_method(state, payload, allowed.clone())
            },
        )));
    }
    app.default_service(web::to(handlers::not_found));
}

fn served(route: Route) -> actix_web::Route {
    let matching = match route.method {
        Method::Get => web::route().guard(guard::Any(guard::Get()).or(guard::Head())),
        Method::Post => web::post(),
    };
    match route.endpoint {
        Endpoint::Message => matching.to(handlers::webhook::receive),
        Endpoint::Check => matching.to(handlers::webhook::check),
        Endpoint::Tool => matching.to(handlers::tools::receive),
        Endpoint::Health => matching.to(handlers::health::health),
        Endpoint::Live => matching.to(handlers::health::live),
        Endpoint::Ready => matching.to(handlers::health::ready),
    }
}

async fn refuse_method(state: web::Data<AppState>, payload: web::Payload, allowed: String) -> HttpResponse {
    let mut response = handlers::refuse(&state, payload, &Problem::MethodNotAllowed).await;
    if let Ok(value) = HeaderValue::try_from(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}
