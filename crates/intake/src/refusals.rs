//! Refusals, counted in memory until they are written.

use std::collections::HashMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use org_resolver::{LookupStep, OrgId};
use storage::{REFUSALS_AT_ONCE, RefusalCount};

use crate::record::Record;

/// Messages that were refused since they were written last. Beyond the bound, another kind of refusal is not counted.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    seen: Mutex<HashMap<Kind, Times>>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Kind {
    reason: Box<str>,
    step: Option<LookupStep>,
    identifier: Box<str>,
    claimed: Option<OrgId>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    count: i64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
}

impl Refusals {
    /// Counts a message that was refused.
    pub(crate) fn note(&self, record: &Record, now: DateTime<Utc>) {
        let kind = Kind {
            reason: record.verdict.into(),
            step: record.step,
            identifier: record.identifier.clone().unwrap_or_default(),
            claimed: record.claimed,
        };
        self.add(kind, Times { count: 1, first_at: now, last_at: now });
    }

    /// What was counted since this was asked last.
    pub(crate) fn take(&self) -> Vec<RefusalCount> {
        let seen = mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let counted = seen.into_iter().map(|(kind, times)| RefusalCount {
            reason: kind.reason.into(),
            step: kind.step.map_or("", LookupStep::as_str).to_owned(),
            identifier: kind.identifier.into(),
            organization_id: kind.claimed.map(OrgId::as_uuid),
            count: times.count,
            first_at: times.first_at,
            last_at: times.last_at,
        });
        counted.collect()
    }

    /// Counts on from what could not be written.
    pub(crate) fn put_back(&self, counted: Vec<RefusalCount>) {
        for refusal in counted {
            let RefusalCount { count, first_at, last_at, .. } = refusal;
            let kind = Kind {
                reason: refusal.reason.into(),
                step: refusal.step.parse().ok(),
                identifier: refusal.identifier.into(),
                claimed: refusal.organization_id.map(OrgId::new),
            };
            self.add(kind, Times { count, first_at, last_at });
        }
    }

    fn add(&self, kind: Kind, more: Times) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = seen.len() >= REFUSALS_AT_ONCE;
        if let Some(times) = seen.get_mut(&kind) {
            times.count += more.count;
            times.first_at = times.first_at.min(more.first_at);
            times.last_at = times.last_at.max(more.last_at);
        } else if !is_full {
            seen.insert(kind, more);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use chrono::TimeDelta;

    use super::*;

    fn refused(identifier: &str) -> Record {
        let mut record = Record::new(IpAddr::V4(Ipv4Addr::LOCALHOST));
        record.refused("unresolved");
        record.step = Some(LookupStep::AssistantId);
        record.identifier = Some(identifier.into());
        record
    }

    #[test]
    fn the_same_refusal_is_one_row_also_after_a_failure_to_write_it() {
        let (refusals, start) = (Refusals::default(), DateTime::UNIX_EPOCH);
        for second in 0..3 {
            refusals.note(&refused("asst_x"), start + TimeDelta::seconds(second));
        }
        let taken = refusals.take();
        assert!(refusals.take().is_empty());
        refusals.note(&refused("asst_x"), start + TimeDelta::seconds(9));
        refusals.put_back(taken);
        let [row] = refusals.take().try_into().unwrap();
        let expected = RefusalCount {
            reason: "unresolved".to_owned(),
            step: "assistant_id".to_owned(),
            identifier: "asst_x".to_owned(),
            organization_id: None,
            count: 4,
            first_at: start,
            last_at: start + TimeDelta::seconds(9),
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn made_up_identifiers_take_a_bounded_room() {
        let refusals = Refusals::default();
        for nth in 0..5000 {
            refusals.note(&refused(&format!("asst_{nth}")), DateTime::UNIX_EPOCH);
        }
        // What was seen before is counted on.
        refusals.note(&refused("asst_0"), DateTime::UNIX_EPOCH);
        let taken = refusals.take();
        assert_eq!(taken.len(), REFUSALS_AT_ONCE);
        assert!(taken.iter().any(|row| row.identifier == "asst_0" && row.count == 2));
    }
}
