//! Runs a tool once: its key, its effect and its answer commit together.

use org_resolver::VerifiedOrg;
use phrases::Language;
use serde_json::{Map, Value};
use storage::repo::{Booked, EffectId, KeyHash, NewBooking, NewToolResult, Reservation, ToolAnswer};
use storage::{OrgScope, Storage, StorageError};

use super::definition::{Caller, ToolDefinition, ToolRun, Work};
use super::keys::RunKeys;

/// One tool call, ready to run.
pub(crate) struct Invocation<'a> {
    pub(crate) definition: &'a ToolDefinition,
    pub(crate) arguments: &'a Map<String, Value>,
    pub(crate) caller: Caller<'a>,
    pub(crate) keys: RunKeys,
}

/// Runs the tool, or gives the answer of the run that came first.
pub(crate) async fn once(
    storage: &Storage,
    org: &VerifiedOrg,
    invocation: &Invocation<'_>,
) -> Result<ToolRun, StorageError> {
    let tenant = storage.tenant(org).await?;
    let profile = tenant.profile();
    let tool = match invocation.definition.read(invocation.arguments, profile.region) {
        Ok(tool) => tool,
        Err(misfit) => {
            // The tool does not run, so there is nothing to keep: the same arguments give the same sentence.
            let answer = ToolAnswer::Error(Language::of(&profile.primary_language).say(&misfit));
            return Ok(ToolRun { answer, succeeded: false, made: None, effect: "bad_arguments" });
        }
    };
    let reservation = |key| NewToolResult {
        key,
        vapi_call_id: invocation.caller.call_id,
        tool_call_id: invocation.caller.tool_call_id,
        tool: invocation.definition.name,
    };
    let (call, now) = (invocation.keys.call.map(reservation), invocation.caller.now);
    let effect_key = invocation.keys.effect.filter(|_| invocation.definition.is_effectful);
    let work = Work { caller: invocation.caller, call, effect: effect_key, tenant: &tenant };
    if let Some(booking) = tool.booking(&work)?
        && let Some(ran) = booked(storage.book(org, &booking).await?, &booking)
    {
        return Ok(ran);
    }
    let mut scope = storage.scope(org).await?;
    if let Some(call) = &work.call
        && let Reservation::Done { answer, succeeded, effect, .. } =
            scope.tool_results().reserve(call, now).await?
    {
        scope.rollback().await?;
        return Ok(ToolRun { answer, succeeded, made: effect, effect: "answered_again" });
    }
    if let Some(key) = effect_key
        && let Reservation::Done { answer, succeeded: true, effect, is_undone: false } =
            scope.tool_results().reserve(&reservation(key), now).await?
    {
        let ran = ToolRun { answer, succeeded: true, made: effect, effect: "same_effect" };
        store(&mut scope, invocation.keys.call, &ran).await?;
        scope.commit().await?;
        return Ok(ran);
    }
    let ran = tool.run(&mut scope, &work).await?;
    store(&mut scope, invocation.keys.call, &ran).await?;
    if ran.succeeded {
        store(&mut scope, effect_key, &ran).await?;
    }
    scope.commit().await?;
    Ok(ran)
}

/// What a booking comes to; `None` where every place that was tried is taken.
pub(super) fn booked(booked: Booked, booking: &NewBooking<'_>) -> Option<ToolRun> {
    let ran = |answer, succeeded, made, effect| Some(ToolRun { answer, succeeded, made, effect });
    match booked {
        Booked::Made(id) => {
            let call_id = booking.call.vapi_call_id;
            tracing::debug!(call_id, appointment_id = %id.0, "booked an appointment");
            ran(booking.answer.clone(), true, Some(EffectId(id.0)), "booked")
        }
        Booked::Before { answer, succeeded, effect } => ran(answer, succeeded, effect, "answered_again"),
        Booked::Fulfilled { answer, effect } => ran(answer, true, effect, "same_effect"),
        Booked::Taken => None,
    }
}

async fn store(scope: &mut OrgScope, key: Option<KeyHash>, ran: &ToolRun) -> Result<(), StorageError> {
    match key {
        Some(key) => scope.tool_results().store(key, &ran.answer, ran.succeeded, ran.made).await,
        None => Ok(()),
    }
}
