//! A tool: a struct of its arguments, and the work that is done with them.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use phrases::{Language, Phrase};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use storage::repo::{EffectId, KeyHash, NewBooking, NewToolResult, ToolAnswer};
use storage::{OrgScope, StorageError, TenantData};
use tenant::phone::Region;

use super::arguments::Arguments;

/// The arguments of one call, ready to run inside one organization's scope.
///
/// The struct is the single source of a tool: its fields and their comments make the schema that the model reads, the
/// check, and what the tool works with.
#[async_trait]
pub(crate) trait Tool: Send + Sync {
    /// Its name, and how it runs.
    fn definition() -> ToolDefinition
    where
        Self: Sized;

    /// The booking that the work comes down to when everything is free, for a tool that books and arguments that fit the
    /// calendar. It is tried before anything is read.
    fn booking<'a>(&'a self, _work: &Work<'a>) -> Result<Option<NewBooking<'a>>, StorageError> {
        Ok(None)
    }

    /// Does the work.
    async fn run(&self, scope: &mut OrgScope, work: &Work<'_>) -> Result<ToolRun, StorageError>;
}

/// One tool, for those who find, publish and call it.
#[derive(Debug)]
pub struct ToolDefinition {
    /// The name that assistants call it by.
    pub name: &'static str,
    /// Further names, compared without regard to case.
    pub aliases: &'static [&'static str],
    /// True when it changes data, so that a repetition must not run it again.
    pub is_effectful: bool,
    pub(super) arguments: Arguments,
    pub(super) make: fn(Value) -> serde_json::Result<Box<dyn Tool>>,
}

impl ToolDefinition {
    /// A tool that only reads, under its one name.
    pub(crate) fn of<T: Tool + DeserializeOwned + JsonSchema + 'static>(name: &'static str) -> Self {
        Self {
            name,
            aliases: &[],
            is_effectful: false,
            arguments: Arguments::of::<T>(),
            make: |arguments| Ok(Box::new(serde_json::from_value::<T>(arguments)?)),
        }
    }

    /// Its purpose, for the model that decides to call it.
    pub fn description(&self) -> &str {
        &self.arguments.description
    }

    /// The JSON Schema of its arguments. Unknown ones are ignored.
    pub fn schema(&self) -> &Value {
        &self.arguments.schema
    }

    /// Reads the arguments of a call; the error says which of them does not fit, and what it has to be.
    pub(crate) fn read(
        &self,
        arguments: &Map<String, Value>,
        region: Region,
    ) -> Result<Box<dyn Tool>, Phrase<'_>> {
        let arguments = self.arguments.read(arguments, region)?;
        // Every field has been read as the struct declares it, so that nothing is left to fail.
        (self.make)(Value::Object(arguments)).ok().ok_or(Phrase::ArgumentsUnreadable(self.name))
    }
}

/// A tool's caller, and the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller<'a> {
    /// The provider's id of the phone call; empty outside a call.
    pub(crate) call_id: &'a str,
    /// The provider's id of the tool call; may be empty.
    pub(crate) tool_call_id: &'a str,
    pub(crate) now: DateTime<Utc>,
}

/// A tool's surroundings beside its arguments.
pub(crate) struct Work<'a> {
    pub(crate) caller: Caller<'a>,
    /// The tool call with the key of its own; `None` for what nobody repeats.
    pub(crate) call: Option<NewToolResult<'a>>,
    /// The key of its effect.
    pub(crate) effect: Option<KeyHash>,
    pub(crate) tenant: &'a TenantData,
}

impl Work<'_> {
    /// An answer in the organization's language.
    pub(crate) fn say(&self, phrase: &Phrase<'_>) -> ToolAnswer {
        ToolAnswer::Result(Language::of(&self.tenant.profile().primary_language).say(phrase))
    }
}

/// The result of a run.
pub(crate) struct ToolRun {
    pub(crate) answer: ToolAnswer,
    /// True when the effect took place; a refusal for business reasons is an answer without one.
    pub(crate) succeeded: bool,
    pub(crate) made: Option<EffectId>,
    /// A short word for the log.
    pub(crate) effect: &'static str,
}
