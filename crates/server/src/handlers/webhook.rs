//! The one webhook of all organizations.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;

use crate::error::json;
use crate::handlers::{answered, message};
use crate::state::AppState;

/// The answer to whoever checks that the endpoint is there. The order of the fields is part of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Check<'a> {
    success: bool,
    message: &'a str,
    multi_tenant: bool,
    identification_methods: &'a [&'static str],
}

/// `POST`: takes a message.
pub(crate) async fn receive(
    state: web::Data<AppState>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    answered(&state, async |request_id| message::answer(&state, &request, payload, None, request_id).await)
        .await
}

/// `GET`: says that the endpoint is there, and how it finds an organization.
pub(crate) async fn check(state: web::Data<AppState>) -> HttpResponse {
    answered(&state, async |request_id| {
        let body = Check {
            success: true,
            message: "Vapi webhook endpoint is active",
            multi_tenant: true,
            identification_methods: &state.identification_methods,
        };
        json(StatusCode::OK, &body, request_id)
    })
    .await
}
