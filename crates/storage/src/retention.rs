//! How long an organization keeps what, as a step of clearing away takes it.

use org_resolver::OrgId;
use tenant::Retention;

/// Most rows of a kind that one step works on: some milliseconds.
const ROWS: i64 = 200;

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

/// What a step came to, in rows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cleared {
    /// Counted or cleared away; none is the end.
    pub(crate) worked: u64,
    /// Cleared away.
    pub(crate) removed: u64,
}

impl Step {
    pub(crate) fn new(org: OrgId, kept: Retention) -> Self {
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
