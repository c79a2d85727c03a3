//! Runs a tool once: its key, its effect and its answer commit together.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::VerifiedOrg;
use phrases::Language;
use serde_json::{Map, Value};
use storage::repo::{EffectId, KeyHash, NewToolResult, Reservation, ToolAnswer};
use storage::{OrgScope, Storage, StorageError};
use tenant::Profile;

use super::definition::ToolDefinition;
use super::keys::RunKeys;

/// A tool that runs inside one organization's scope.
#[async_trait]
pub(crate) trait Tool: Send + Sync {
    /// What it is called and what it takes.
    fn definition(&self) -> &ToolDefinition;

    /// Does the work. The arguments have been checked.
    async fn run(&self, scope: &mut OrgScope, work: &Work<'_>) -> Result<ToolRun, StorageError>;
}

/// The phone call that a tool is called in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// The provider's id of the call; empty outside a call.
    pub(crate) call_id: &'a str,
}

/// One tool call, ready to run.
pub(crate) struct Invocation<'a> {
    pub(crate) tool: &'a dyn Tool,
    pub(crate) arguments: &'a Map<String, Value>,
    pub(crate) caller: Caller<'a>,
    pub(crate) tool_call_id: &'a str,
    pub(crate) keys: RunKeys,
    pub(crate) now: DateTime<Utc>,
}

/// What a tool works with.
pub(crate) struct Work<'a> {
    pub(crate) arguments: &'a Map<String, Value>,
    pub(crate) caller: Caller<'a>,
    pub(crate) tool_call_id: &'a str,
    pub(crate) profile: &'a Profile,
    pub(crate) now: DateTime<Utc>,
}

/// What a run gave.
pub(crate) struct ToolRun {
    pub(crate) answer: ToolAnswer,
    /// True when the effect took place; a refusal for business reasons is an answer without one.
    pub(crate) succeeded: bool,
    pub(crate) made: Option<EffectId>,
    /// A short word for the log.
    pub(crate) effect: &'static str,
}

/// Runs the tool, or gives the answer of the run that came first.
pub(crate) async fn once(
    storage: &Storage,
    org: &VerifiedOrg,
    invocation: &Invocation<'_>,
) -> Result<ToolRun, StorageError> {
    let mut scope = storage.scope(org).await?;
    let definition = invocation.tool.definition();
    let profile = scope.declared().profile().await?;
    if let Err(misfit) = definition.check(invocation.arguments, profile.region) {
        // The tool does not run, so there is nothing to keep: the same arguments give the same sentence.
        scope.rollback().await?;
        let sentence = Language::of(&profile.primary_language).say(&misfit);
        return Ok(ToolRun {
            answer: ToolAnswer::Error(sentence),
            succeeded: false,
            made: None,
            effect: "bad_arguments",
        });
    }
    if let Some(key) = invocation.keys.call
        && let Reservation::Done { answer, succeeded, effect, .. } =
            reserve(&mut scope, invocation, key).await?
    {
        scope.rollback().await?;
        return Ok(ToolRun { answer, succeeded, made: effect, effect: "answered_again" });
    }
    let effect_key = invocation.keys.effect.filter(|_| definition.is_effectful);
    if let Some(key) = effect_key
        && let Reservation::Done { answer, succeeded: true, effect, is_undone: false } =
            reserve(&mut scope, invocation, key).await?
    {
        let ran = ToolRun { answer, succeeded: true, made: effect, effect: "same_effect" };
        store(&mut scope, invocation.keys.call, &ran).await?;
        scope.commit().await?;
        return Ok(ran);
    }
    let work = Work {
        arguments: invocation.arguments,
        caller: invocation.caller,
        tool_call_id: invocation.tool_call_id,
        profile: &profile,
        now: invocation.now,
    };
    let ran = invocation.tool.run(&mut scope, &work).await?;
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
        tool_call_id: invocation.tool_call_id,
        tool: invocation.tool.definition().name,
    };
    scope.tool_results().reserve(&call, invocation.now).await
}

async fn store(scope: &mut OrgScope, key: Option<KeyHash>, ran: &ToolRun) -> Result<(), StorageError> {
    match key {
        Some(key) => scope.tool_results().store(key, &ran.answer, ran.succeeded, ran.made).await,
        None => Ok(()),
    }
}
