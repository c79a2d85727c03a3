//! Runs a tool once: its key, its effect and its answer commit together.

use org_resolver::VerifiedOrg;
use phrases::Language;
use serde_json::{Map, Value};
use storage::repo::{KeyHash, NewToolResult, Reservation, ToolAnswer};
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
    let mut scope = storage.scope(org).await?;
    let profile = scope.declared().profile().await?;
    let tool = match invocation.definition.read(invocation.arguments, profile.region) {
        Ok(tool) => tool,
        Err(misfit) => {
            // The tool does not run, so there is nothing to keep: the same arguments give the same sentence.
            scope.rollback().await?;
            let answer = ToolAnswer::Error(Language::of(&profile.primary_language).say(&misfit));
            return Ok(ToolRun { answer, succeeded: false, made: None, effect: "bad_arguments" });
        }
    };
    if let Some(key) = invocation.keys.call
        && let Reservation::Done { answer, succeeded, effect, .. } =
            reserve(&mut scope, invocation, key).await?
    {
        scope.rollback().await?;
        return Ok(ToolRun { answer, succeeded, made: effect, effect: "answered_again" });
    }
    let effect_key = invocation.keys.effect.filter(|_| invocation.definition.is_effectful);
    if let Some(key) = effect_key
        && let Reservation::Done { answer, succeeded: true, effect, is_undone: false } =
            reserve(&mut scope, invocation, key).await?
    {
        let ran = ToolRun { answer, succeeded: true, made: effect, effect: "same_effect" };
        store(&mut scope, invocation.keys.call, &ran).await?;
        scope.commit().await?;
        return Ok(ran);
    }
    let ran = tool.run(&mut scope, &Work { caller: invocation.caller, profile: &profile }).await?;
    store(&mut scope, invocation.keys.call, &ran).await?;
    if ran.succeeded {
        store(&mut scope, effect_key, &ran).await?;
    }
    scope.commit().await?;
    Ok(ran)
}

async fn reserve(
    scope: &mut OrgScope,
    invocation: &Invocation<'_>,
    key: KeyHash,
) -> Result<Reservation, StorageError> {
    let call = NewToolResult {
        key,
        vapi_call_id: invocation.caller.call_id,
        tool_call_id: invocation.caller.tool_call_id,
        tool: invocation.definition.name,
    };
    scope.tool_results().reserve(&call, invocation.caller.now).await
}

async fn store(scope: &mut OrgScope, key: Option<KeyHash>, ran: &ToolRun) -> Result<(), StorageError> {
    match key {
        Some(key) => scope.tool_results().store(key, &ran.answer, ran.succeeded, ran.made).await,
        None => Ok(()),
    }
}
