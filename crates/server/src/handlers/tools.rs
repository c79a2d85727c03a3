//! One tool by its own route, with the same resolution and verification as the webhook.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::handlers::{answered, message};
use crate::state::AppState;

/// `POST`: takes a message for the tool, or the tool's arguments alone.
pub(crate) async fn receive(
    state: web::Data<AppState>,
    request: HttpRequest,
    tool: web::Path<String>,
    payload: web::Payload,
) -> HttpResponse {
    answered(&state, async |request_id| {
        message::answer(&state, &request, payload, Some(&tool), request_id).await
    })
    .await
}
