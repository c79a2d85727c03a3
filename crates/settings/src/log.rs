//! The log.

use serde::Deserialize;

use crate::section::section;

section! {
    /// The log.
    LogSettings {
        /// The lines to log, in the notation of the `tracing` crates.
        filter: String = "info".to_owned(), ["RUST_LOG"];
        /// `json` writes one object a line.
        format: LogFormat = LogFormat::Text;
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
