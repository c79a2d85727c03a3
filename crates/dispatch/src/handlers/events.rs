//! Kinds whose answer nobody reads: stored, and taken into the ledger.

use org_resolver::{VerifiedOrg, phone};
use storage::repo::{Inserted, NewContact};
use storage::{OrgScope, StorageError};
use vapi_types::message::EndOfCallReport;
use vapi_types::reply::EndpointingReply;
use vapi_types::{Reply, ServerMessage};

use crate::arrival::Arrival;
use crate::dispatcher::Dispatcher;
use crate::outcome::Handled;

/// Any event: the inbox, and the ledger where it belongs there.
pub(crate) async fn event(
    dispatcher: &Dispatcher,
    org: &VerifiedOrg,
    arrival: &Arrival<'_>,
) -> Result<Handled, StorageError> {
    let (scope, _, effects) = dispatcher.receive(org, arrival).await?;
    scope.commit().await?;
    Ok(Handled::reply(Reply::Empty, effects))
}

/// The report at the end of a call completes the ledger and the caller's contact. A repeated, fuller report is
/// merged, and its body kept instead of the first.
pub(crate) async fn end_of_call_report(
    dispatcher: &Dispatcher,
    org: &VerifiedOrg,
    arrival: &Arrival<'_>,
) -> Result<Handled, StorageError> {
    let (mut scope, inserted, mut effects) = dispatcher.receive(org, arrival).await?;
    if let Inserted::Again { id, .. } = inserted {
        let known = scope.events().body(id).await?.map_or(0, |body| body.len());
        if arrival.body().len() > known {
            scope.events().replace_body(id, arrival.body()).await?;
            effects.push("merged");
        }
    }
    if let Ok(ServerMessage::EndOfCallReport(report)) = &arrival.message
        && keep_contact(&mut scope, arrival, report).await?
    {
        effects.push("contact");
    }
    scope.commit().await?;
    Ok(Handled::reply(Reply::Empty, effects))
}

/// Finds or makes the caller's contact, and ties the call to it. False when the caller has no usable number.
pub(crate) async fn keep_contact(
    scope: &mut OrgScope,
    arrival: &Arrival<'_>,
    report: &EndOfCallReport,
) -> Result<bool, StorageError> {
    let Some(number) = arrival.envelope.head().customer_number.as_deref() else { return Ok(false) };
    let number = match phone::normalise(number, None) {
        Some(number) => Some(number),
        None => phone::normalise(number, Some(scope.profile().profile().await?.region)),
    };
    let Some(number) = number else { return Ok(false) };
    let customer = report
        .common
        .customer
        .as_deref()
        .or_else(|| report.common.call.as_ref().and_then(|call| call.customer.as_deref()));
    let contact = NewContact {
        phone: Some(&number),
        name: customer.and_then(|customer| customer.name.as_deref()),
        email: customer.and_then(|customer| customer.email.as_deref()),
        last_call_at: Some(report.ended_at().unwrap_or(arrival.received_at())),
    };
    let now = arrival.received_at();
    let contact = scope.contacts().upsert(&contact, now).await?;
    if let Some(call_id) = arrival.call_id() {
        let mut row = scope.calls().lock(call_id, now).await?;
        if row.contact_id != Some(contact.id.0) {
            row.contact_id = Some(contact.id.0);
            scope.calls().update(&row, now).await?;
        }
    }
    Ok(true)
}

/// How long the assistant waits before it speaks: the organization's setting, else the provider's default.
pub(crate) async fn endpointing(
    dispatcher: &Dispatcher,
    org: &VerifiedOrg,
    arrival: &Arrival<'_>,
) -> Result<Handled, StorageError> {
    let (mut scope, _, effects) = dispatcher.receive(org, arrival).await?;
    let settings = scope.profile().profile().await?.settings;
    scope.commit().await?;
    let seconds = settings.get("endpointing_timeout_seconds").and_then(serde_json::Value::as_f64);
    let reply = seconds.map(EndpointingReply::new).unwrap_or_default();
    Ok(Handled::reply(Reply::Endpointing(reply), effects))
}

/// The call was deleted at the provider, so its content is erased here. The row itself and its times stay.
pub(crate) async fn call_deleted(
    dispatcher: &Dispatcher,
    org: &VerifiedOrg,
    arrival: &Arrival<'_>,
) -> Result<Handled, StorageError> {
    let (mut scope, _, mut effects) = dispatcher.receive(org, arrival).await?;
    if let Some(call_id) = arrival.call_id() {
        scope.calls().erase_content(call_id, arrival.received_at()).await?;
        effects.push("erased");
    }
    scope.commit().await?;
    Ok(Handled::reply(Reply::Empty, effects))
}
