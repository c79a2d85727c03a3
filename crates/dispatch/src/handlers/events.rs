//! Kinds whose answer nobody reads: stored, and taken into the ledger.

use storage::StorageError;
use vapi_types::Reply;
use vapi_types::reply::EndpointingReply;

use crate::outcome::Handled;
use crate::services::Handling;

/// Any event: the inbox, the ledger and the contacts, where it belongs there.
pub(crate) async fn event(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let effects = handling.record().await?;
    Ok(Handled::reply(Reply::Empty, effects))
}

/// How long the assistant waits before it speaks: the organization's setting, else the provider's default.
pub(crate) async fn endpointing(handling: Handling<'_>) -> Result<Handled, StorageError> {
    let effects = handling.record().await?;
    let tenant = handling.tenant().await?;
    let reply =
        tenant.profile().settings.endpointing_timeout_seconds.map(EndpointingReply::new).unwrap_or_default();
    Ok(Handled::reply(Reply::Endpointing(reply), effects))
}
