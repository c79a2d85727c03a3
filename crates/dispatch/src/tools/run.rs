//! Runs a tool once: its key, its effect and its answer commit together.

use std::sync::Arc;
use std::time::Duration;

use org_resolver::VerifiedOrg;
use phrases::Language;
use serde_json::{Map, Value};
use storage::repo::{Booked, EffectId, KeyHash, NewBooking, NewToolResult, Reservation, ToolAnswer};
use storage::{OrgScope, Record, Recorded, Storage, StorageError, TenantData};
use tokio::time::timeout;
use vapi_types::Shown;

use super::definition::{Caller, Tool, ToolDefinition, ToolRun, Work};
use super::keys::RunKeys;

/// How long a message waits for what its organization declared. It is in memory nearly always.
const PATIENCE: Duration = Duration::from_millis(250);

/// One tool call, ready to run.
pub(crate) struct Invocation<'a> {
    pub(crate) definition: &'a ToolDefinition,
    pub(crate) arguments: &'a Map<String, Value>,
    pub(crate) caller: Caller<'a>,
    pub(crate) keys: RunKeys,
}

impl Invocation<'_> {
    fn reservation(&self, key: KeyHash) -> NewToolResult<'_> {
        NewToolResult {
            key,
            vapi_call_id: self.caller.call_id,
            tool_call_id: self.caller.tool_call_id,
            tool: self.definition.name,
        }
    }

    fn work<'a>(&'a self, tenant: &'a TenantData) -> Work<'a> {
        Work {
            caller: self.caller,
            call: self.keys.call.map(|key| self.reservation(key)),
            effect: self.keys.effect.filter(|_| self.definition.is_effectful),
            tenant,
        }
    }

    /// Reads the arguments for the organization; the inner error is the run that ends with them.
    async fn read(
        &self,
        storage: &Storage,
        org: &VerifiedOrg,
    ) -> Result<(Arc<TenantData>, Result<Box<dyn Tool>, ToolRun>), StorageError> {
        let tenant = storage.tenant(org).await?;
        let profile = tenant.profile();
        let tool = self.definition.read(self.arguments, profile.region).map_err(|misfit| {
            // The tool does not run, so there is nothing to keep: the same arguments give the same sentence.
            let answer = ToolAnswer::Error(Language::of(&profile.primary_language).say(&misfit));
            ToolRun { answer, succeeded: false, made: None, effect: "bad_arguments" }
        });
        Ok((tenant, tool))
    }
}

/// Records a message. A booking that is all it asks for is made in the same transaction; `None` where nothing ran yet.
pub(crate) async fn recorded(
    storage: &Storage,
    org: &VerifiedOrg,
    record: Record,
    only: Option<&Invocation<'_>>,
) -> Result<(Recorded, Option<ToolRun>), StorageError> {
    // The message does not wait for what only its tool needs.
    if let Some(invocation) = only.filter(|it| it.definition.is_effectful)
        && let Ok(Ok((tenant, Ok(tool)))) = timeout(PATIENCE, invocation.read(storage, org)).await
        && let Ok(Some(booking)) = tool.booking(&invocation.work(&tenant))
    {
        let (recorded, tried) = storage.record_and_book(org, record, &booking).await?;
        return Ok((recorded, tried.and_then(|tried| booked(tried, &booking))));
    }
    Ok((storage.record(org, record).await?, None))
}

/// Runs the tool, or gives the answer of the run that came first.
pub(crate) async fn once(
    storage: &Storage,
    org: &VerifiedOrg,
    invocation: &Invocation<'_>,
) -> Result<ToolRun, StorageError> {
    let (tenant, tool) = invocation.read(storage, org).await?;
    let tool = match tool {
        Ok(tool) => tool,
        Err(misfit) => return Ok(misfit),
    };
    let (work, now) = (invocation.work(&tenant), invocation.caller.now);
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
    if let Some(key) = work.effect
        && let Reservation::Done { answer, succeeded: true, effect, is_undone: false } =
            scope.tool_results().reserve(&invocation.reservation(key), now).await?
    {
        let ran = ToolRun { answer, succeeded: true, made: effect, effect: "same_effect" };
        store(&mut scope, invocation.keys.call, &ran).await?;
        scope.commit().await?;
        return Ok(ran);
    }
    let ran = tool.run(&mut scope, &work).await?;
    store(&mut scope, invocation.keys.call, &ran).await?;
    if ran.succeeded {
        store(&mut scope, work.effect, &ran).await?;
    }
    scope.commit().await?;
    Ok(ran)
}

/// What a booking comes to; `None` where every place that was tried is taken.
pub(super) fn booked(booked: Booked, booking: &NewBooking<'_>) -> Option<ToolRun> {
    let ran = |answer, succeeded, made, effect| Some(ToolRun { answer, succeeded, made, effect });
    match booked {
        Booked::Made(id) => {
            let call_id = Shown(booking.call.vapi_call_id);
            tracing::debug!(%call_id, appointment_id = %id.0, "booked an appointment");
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
