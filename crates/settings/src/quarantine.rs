//! Messages without an organization.

use crate::section::section;

section! {
    /// How much is kept of messages that the shared secret proves and that belong to no organization.
    QuarantineSettings {
        /// Most messages.
        max_messages: u32 = 10_000;
        /// Most bytes of bodies.
        max_bytes: u64 = 256 << 20;
        /// Oldest message, in hours.
        max_age_hours: u32 = 7 * 24;
    }
}
