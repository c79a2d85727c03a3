//! Clearing away what organizations keep no longer, in the background and in short steps.

use std::time::Duration;

use org_resolver::OrgId;
use serde_json::Value;
use tenant::Retention;
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::Backend;
use crate::error::StorageError;
use crate::retention::Step;

/// A pause after a step that found work, so that it takes no more than its part of the database.
const PAUSE: Duration = Duration::from_millis(20);

/// Goes once through all organizations; gives how many rows are gone.
pub(crate) async fn pass(backend: &dyn Backend, default: Retention) -> Result<u64, StorageError> {
    let (mut removed, mut after) = (0, Uuid::nil());
    loop {
        let page: Vec<(Uuid, Value)> = backend.retentions(after).await?;
        let Some((last, _)) = page.last() else { return Ok(removed) };
        after = *last;
        for (org, own) in page {
            let step = Step::new(OrgId::new(org), Retention::read(&own).or(default));
            loop {
                let cleared = backend.clear_away(step).await?;
                if cleared.worked == 0 {
                    break;
                }
                removed += cleared.removed;
                sleep(PAUSE).await;
            }
        }
    }
}
