//! Whether the process lives, and whether it can work.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;

use crate::error::json;
use crate::handlers::answered;
use crate::state::AppState;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    version: &'static str,
}

/// `GET /health`: 200 when the store can be written.
pub(crate) async fn health(state: web::Data<AppState>) -> HttpResponse {
    answered(&state, async |request_id| {
        let is_well = state.health.is_well().await;
        report(is_well, if is_well { "ok" } else { "unavailable" }, request_id)
    })
    .await
}

/// `GET /health/live`: 200 as long as anything is answered at all.
pub(crate) async fn live(state: web::Data<AppState>) -> HttpResponse {
    answered(&state, async |request_id| report(true, "ok", request_id)).await
}

/// `GET /health/ready`: 200 when new messages are welcome.
pub(crate) async fn ready(state: web::Data<AppState>) -> HttpResponse {
    answered(&state, async |request_id| {
        let is_well = state.health.is_well().await;
        // Looked at last: the process may have been told to stop while the store was asked.
        match (state.running.is_stopping(), is_well) {
            (true, _) => report(false, "stopping", request_id),
            (false, true) => report(true, "ready", request_id),
            (false, false) => report(false, "unavailable", request_id),
        }
    })
    .await
}

fn report(is_well: bool, status: &'static str, request_id: &str) -> HttpResponse {
    let code = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(code, &Health { status, version: env!("CARGO_PKG_VERSION") }, request_id)
}
