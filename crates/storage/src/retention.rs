//! Clearing away what organizations keep no longer, in the background and in short steps.

use std::time::Duration;

use org_resolver::OrgId;
use serde_json::Value;
use tenant::Retention;
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::Backend;
use crate::error::StorageError;

/// Most rows of a kind that one step works on: some milliseconds.
const ROWS: i64 = 200;
/// A pause after a step that found work, so that it takes no more than its part of the database.
const PAUSE: Duration = Duration::from_millis(20);

/// One step for one organization. Days and bytes of 0 are without end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) org: OrgId,
    pub(crate) bodies_days: i32,
    pub(crate) transcripts_days: i32,
    pub(crate) calls_days: i32,
    pub(crate) stored_bytes: i64,
    /// Most rows of each kind.
    pub(crate) rows: i64,
}

impl Step {
    fn new(org: OrgId, kept: Retention) -> Self {
        // A bound that no number holds is none that is ever reached.
        let days = |days: Option<u32>| days.map_or(0, |days| i32::try_from(days.min(36_500)).unwrap_or(0));
        Self {
            org,
            bodies_days: days(kept.bodies_days),
            transcripts_days: days(kept.transcripts_days),
            calls_days: days(kept.calls_days),
            stored_bytes: kept.stored_bytes.map_or(0, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            rows: ROWS,
        }
    }
}

/// Goes once through all organizations; gives how many rows were worked on.
pub(crate) async fn pass(backend: &dyn Backend, default: Retention) -> Result<u64, StorageError> {
    let (mut worked, mut after) = (0, Uuid::nil());
    loop {
        let page: Vec<(Uuid, Value)> = backend.retentions(after).await?;
        let Some((last, _)) = page.last() else { return Ok(worked) };
        after = *last;
        for (org, own) in page {
            let step = Step::new(OrgId::new(org), Retention::read(&own).or(default));
            loop {
                let some = backend.clear_away(step).await?;
                if some == 0 {
                    break;
                }
                worked += some;
                sleep(PAUSE).await;
            }
        }
    }
}
