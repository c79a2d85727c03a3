//! Refusals, counted: how an operator finds an assistant that nobody declared, or an old secret, by its id.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use org_resolver::OrgId;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::StorageError;
use crate::schema::refusals;

/// Most refusals that are taken at once.
pub const REFUSALS_AT_ONCE: usize = 1000;

/// Messages that were refused alike: one row each. The table holds at most 10,000 of them, half of them for organizations
/// that were claimed; of the others those go first that were seen once, and then those that were not seen for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable, Selectable)]
#[diesel(table_name = refusals)]
pub struct RefusalCount {
    /// The verdict, as the log has it.
    pub reason: String,
    /// The step of the lookup chain that decided, or had the first value to look up; empty where there was none.
    pub step: String,
    /// The value of that step: at most 80 characters of `A-Za-z0-9+:@._-`, so that it is safe wherever it is shown.
    pub identifier: String,
    /// The organization that its identifiers point at.
    pub organization_id: Option<Uuid>,
    /// How many there were.
    pub count: i64,
    /// The first of them.
    pub first_at: DateTime<Utc>,
    /// The last of them.
    pub last_at: DateTime<Utc>,
}

/// Which refusals are listed.
#[derive(Clone, Copy, Debug)]
pub struct RefusalFilter {
    /// Those that claim this organization; `None` is all.
    pub organization: Option<OrgId>,
    /// Those that were seen at or after this instant.
    pub since: DateTime<Utc>,
    /// Most rows, the latest first.
    pub limit: i64,
}

impl RefusalCount {
    /// The value of an identifier as it is kept and logged: what is not in the alphabet is left out, and what is too long is
    /// cut.
    pub fn identifier_of(found: &str) -> String {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || "+:@._-".contains(*c);
        found.chars().filter(is_plain).take(80).collect()
    }
}

/// The refusals as the statement of either database takes them.
pub(crate) fn document(found: &[RefusalCount]) -> Value {
    let instant = |at: DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
    let each = found.iter().take(REFUSALS_AT_ONCE).map(|refusal| {
        json!({
            "reason": refusal.reason, "step": refusal.step, "identifier": refusal.identifier,
            "organization_id": refusal.organization_id, "count": refusal.count,
            "first_at": instant(refusal.first_at), "last_at": instant(refusal.last_at),
        })
    });
    each.collect()
}

/// A backend's duties towards operators who look for refusals.
#[async_trait]
pub(crate) trait RefusalStore: Send {
    /// Refusals, the latest first.
    async fn refusals(&mut self, filter: RefusalFilter) -> Result<Vec<RefusalCount>, StorageError>;
}
