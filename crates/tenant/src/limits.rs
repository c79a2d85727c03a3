//! How much an organization may send.

use serde::{Deserialize, Serialize};

/// Messages a minute that an organization may send, by class; `None` leaves the deployment's limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(description = "Messages a minute that an organization may send, by class; at least 1.")
)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Messages that the provider waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<u32>,
    /// Events of calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_events: Option<u32>,
    /// Streams: transcripts, speech and conversation updates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<u32>,
    /// Bytes of bodies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
}

impl Limits {
    /// Reads a hand-written document: a limit that makes no sense is none.
    #[cfg(feature = "declared")]
    pub fn read(document: &serde_json::Value) -> Self {
        let limit = |name: &str| document.get(name)?.as_u64().and_then(|limit| u32::try_from(limit).ok());
        Self {
            waiting: limit("waiting"),
            call_events: limit("call_events"),
            streams: limit("streams"),
            bytes: limit("bytes"),
        }
    }

    /// Each limit by its name.
    pub const fn named(&self) -> [(&'static str, Option<u32>); 4] {
        let Self { waiting, call_events, streams, bytes } = *self;
        [("waiting", waiting), ("call_events", call_events), ("streams", streams), ("bytes", bytes)]
    }
}
