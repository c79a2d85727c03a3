//! One message, whichever route it came by: bytes in, status out.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use intake::{Refusal, Request};
use signature::{Found, Headers};

use crate::address::origin;
use crate::error::{Problem, encoded};
use crate::log_line;
use crate::state::AppState;

/// Takes one message to its answer, and writes its line in the log.
pub(crate) async fn answer(
    state: &AppState,
    request: &HttpRequest,
    mut payload: web::Payload,
    tool: Option<&str>,
    request_id: &str,
) -> HttpResponse {
    let started = state.clock.elapsed();
    let headers = request.headers();
    let Some(peer) = request.peer_addr() else {
        // Only a listener that is no TCP socket has no peer, and there is none.
        return Problem::Internal.respond(request_id);
    };
    let message = Request {
        request_id,
        origin: origin(peer.ip(), headers, &state.trusted_proxies),
        method: request.method().as_str(),
        path: request.uri().path_and_query().map_or("/", |path| path.as_str()),
        headers: &RequestHeaders(headers),
        tool,
    };
    let body = state.bodies.read(message.origin.address, headers, &mut payload);
    let answer = state.intake.receive(&message, body).await;
    if let Err(Refusal::HttpsRequired) = answer.body {
        // Refused by its head alone.
        state.bodies.drain(&mut payload).await;
    }
    let response = match answer.body {
        Ok(body) => encoded(StatusCode::OK, body, request_id),
        Err(refusal) => Problem::from(refusal).respond(request_id),
    };
    let took = state.clock.elapsed().saturating_sub(started);
    log_line::write(&answer.record, request_id, response.status().as_u16(), took);
    response
}

/// The request's headers as the verifier reads them.
struct RequestHeaders<'a>(&'a HeaderMap);

impl Headers for RequestHeaders<'_> {
    fn find(&self, name: &str) -> Found<'_> {
        Found::from_values(self.0.get_all(name).map(|value| value.as_bytes()))
    }
}
