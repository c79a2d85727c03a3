//! How much is let in.

use crate::section::section;

section! {
    /// How much is let in a minute.
    LimitsSettings {
        /// Unverified messages of one address; of IPv6, of one /64.
        unverified_per_address: u32 = 100;
        /// Unverified messages in all.
        unverified_total: u32 = 6_000;
        /// Messages of one organization that the provider waits for.
        waiting: u32 = 600;
        /// Events of one organization's calls.
        call_events: u32 = 6_000;
        /// Transcripts, speech and conversation updates of one organization.
        streams: u32 = 12_000;
        /// Bytes of one organization's bodies.
        bytes: u32 = 256 << 20;
        /// Largest body, in bytes, of a message that is not the report of a call's end.
        max_other_body_bytes: usize = 2 << 20;
    }
}
