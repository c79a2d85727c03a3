//! `checkAvailability`: the free times of a day.

use async_trait::async_trait;
use chrono::NaiveDate;
use phrases::Phrase;
use scheduling::free_slots;
use schemars::JsonSchema;
use serde::Deserialize;
use storage::{OrgScope, StorageError};

use super::book::busy_around;
use super::definition::{Tool, ToolDefinition, ToolRun, Work};

/// How many times are read out; more than a handful nobody remembers.
const MAX_SLOTS: usize = 6;

/// Lists the free appointment times of a day.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckAvailability {
    /// The date, YYYY-MM-DD, in the organization's time zone
    appointment_date: NaiveDate,
    /// What the appointment is for, such as a consultation
    #[schemars(length(max = 200))]
    service_type: Option<String>,
    /// The length in minutes; the service's own length when left out
    #[schemars(range(min = 15, max = 240))]
    duration: Option<u16>,
}

#[async_trait]
impl Tool for CheckAvailability {
    fn definition() -> ToolDefinition {
        ToolDefinition::of::<Self>("checkAvailability")
    }

    async fn run(&self, scope: &mut OrgScope, work: &Work<'_>) -> Result<ToolRun, StorageError> {
        let calendar = work.tenant.calendar()?;
        let service = self.service_type.as_deref();
        let minutes = calendar.minutes_for(service, self.duration);
        let busy = busy_around(scope, calendar, self.appointment_date).await?;
        let now = work.caller.now;
        let slots = free_slots(calendar, self.appointment_date, minutes, service, &busy, now, MAX_SLOTS);
        Ok(ToolRun {
            answer: work.say(&Phrase::Free(&slots)),
            succeeded: true,
            made: None,
            effect: "availability",
        })
    }
}
