//! The handlers of the routes.

pub(crate) mod health;
pub(crate) mod message;
pub(crate) mod tools;
pub(crate) mod webhook;

use std::panic::AssertUnwindSafe;

use actix_web::http::ConnectionType;
use actix_web::{HttpResponse, web};
use futures::FutureExt;

use crate::error::Problem;
use crate::state::AppState;

/// Answers an unknown path.
pub(crate) async fn not_found(state: web::Data<AppState>, payload: web::Payload) -> HttpResponse {
    refuse(&state, payload, &Problem::NotFound).await
}

/// Refuses a request by its head, and reads its body first: a sender that is still writing would not read the answer.
pub(crate) async fn refuse(state: &AppState, mut payload: web::Payload, problem: &Problem) -> HttpResponse {
    answered(state, async |request_id| {
        state.bodies.drain(&mut payload).await;
        problem.respond(request_id)
    })
    .await
}

/// Runs one request to its end, counted, so that a stop waits for it.
pub(crate) async fn answered(state: &AppState, work: impl AsyncFnOnce(&str) -> HttpResponse) -> HttpResponse {
    let _running = state.running.begin();
    let request_id = state.new_request_id();
    let mut unanswered = Unanswered(Some(&request_id));
    let mut response = caught(&request_id, work(&request_id)).await;
    unanswered.0 = None;
    if state.running.is_stopping() {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    response
}

/// A request that is being worked on. Dropped as that, it has a line in the log.
struct Unanswered<'a>(Option<&'a str>);

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(request_id) = self.0 {
            tracing::info!(request_id, "not answered: its client has left, or the gateway stops");
        }
    }
}

/// Catches a panic, so that a fault in one request is answered and takes nobody else down.
async fn caught(request_id: &str, work: impl Future<Output = HttpResponse>) -> HttpResponse {
    // Of the work's borrows only shared state is used after a panic, and that is whole at every step.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_panic| {
        tracing::error!(request_id, "a request ended in a panic");
        Problem::Internal.respond(request_id)
    })
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered() {
        let response = caught("r1", async { panic!("on purpose") }).await;
        assert_eq!(response.status(), 500);
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(body, r#"{"error":"Something went wrong","code":"internal","request_id":"r1"}"#);
    }
}
