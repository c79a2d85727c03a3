//! `checkAvailability`: the free times of a day.

use async_trait::async_trait;
use phrases::{Language, Phrase};
use scheduling::free_slots;
use storage::repo::ToolAnswer;
use storage::{OrgScope, StorageError};

use super::book::{DATE, DURATION, SERVICE, busy_around};
use super::definition::{self, TOOL_DEADLINE, ToolDefinition, text_of};
use super::run::{Tool, ToolRun, Work};

/// How many times are read out; more than a handful nobody remembers.
const MAX_SLOTS: usize = 6;

const DEFINITION: ToolDefinition = ToolDefinition {
    name: "checkAvailability",
    aliases: &[],
    description: "Lists the free appointment times of a day.",
    fields: &[DATE, SERVICE, DURATION],
    is_effectful: false,
    deadline: TOOL_DEADLINE,
};

/// Lists free times.
pub(crate) struct CheckAvailability;

#[async_trait]
impl Tool for CheckAvailability {
    fn definition(&self) -> &ToolDefinition {
        &DEFINITION
    }

    async fn run(&self, scope: &mut OrgScope, work: &Work<'_>) -> Result<ToolRun, StorageError> {
        let calendar = scope.declared().calendar().await?;
        let service = text_of(work.arguments, "serviceType");
        let asked = work.arguments.get("duration").and_then(definition::integer);
        let minutes =
            calendar.minutes_for(service.as_deref(), asked.and_then(|minutes| u16::try_from(minutes).ok()));
        let slots = match work.arguments.get("appointmentDate").and_then(definition::date) {
            Some(date) => {
                let busy = busy_around(scope, &calendar, date).await?;
                free_slots(&calendar, date, minutes, service.as_deref(), &busy, work.now, MAX_SLOTS)
            }
            None => Vec::new(),
        };
        let sentence = Language::of(&work.profile.primary_language).say(&Phrase::Free(&slots));
        Ok(ToolRun {
            answer: ToolAnswer::Result(sentence),
            succeeded: true,
            made: None,
            effect: "availability",
        })
    }
}
