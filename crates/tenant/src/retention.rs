//! How long an organization's data is kept.

use serde::{Deserialize, Serialize};

/// How long an organization's data is kept, in days, and how much of it; 0 is for good, and `None` leaves the deployment's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(description = "How long data is kept, in days, and how much of it; 0 is for good.")
)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Messages as they came, with what was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies_days: Option<u32>,
    /// What was said in a call: its report, and the answers of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transcripts_days: Option<u32>,
    /// The ledger's row of a call, with all that belongs to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls_days: Option<u32>,
    /// Bytes of messages as they are stored; beyond, the oldest go first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_bytes: Option<u64>,
}

impl Retention {
    /// Reads a hand-written document: a value that makes no sense is none.
    #[cfg(feature = "declared")]
    pub fn read(document: &serde_json::Value) -> Self {
        let number = |name: &str| document.get(name)?.as_u64();
        let days = |name: &str| number(name).and_then(|days| u32::try_from(days).ok());
        Self {
            bodies_days: days("bodies_days"),
            transcripts_days: days("transcripts_days"),
            calls_days: days("calls_days"),
            stored_bytes: number("stored_bytes"),
        }
    }

    /// Its own values, and another one's where it has none.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            bodies_days: self.bodies_days.or(other.bodies_days),
            transcripts_days: self.transcripts_days.or(other.transcripts_days),
            calls_days: self.calls_days.or(other.calls_days),
            stored_bytes: self.stored_bytes.or(other.stored_bytes),
        }
    }

    /// Each value by its name.
    pub fn named(&self) -> [(&'static str, Option<u64>); 4] {
        [
            ("bodies_days", self.bodies_days.map(u64::from)),
            ("transcripts_days", self.transcripts_days.map(u64::from)),
            ("calls_days", self.calls_days.map(u64::from)),
            ("stored_bytes", self.stored_bytes),
        ]
    }
}
