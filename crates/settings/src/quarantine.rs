//! Messages without an organization.

use crate::section::section;

section! {
    /// How much is kept of messages that the shared secret proves and that belong to no organization.
    QuarantineSettings {
        /// Messages a minute that this node keeps; beyond, the sender is told to come back (429).
        per_minute: u32 = 60;
        /// Most messages; of one identifier at most 100.
        max_messages: u32 = 10_000;
        /// Most bytes, as they are stored: bodies are compressed.
        max_bytes: u64 = 256 << 20;
        /// Oldest message, in hours.
        max_age_hours: u32 = 7 * 24;
    }
}
