//! How long data is kept.

use crate::section::section;

section! {
    /// How long the data of organizations is kept that say nothing of it themselves.
    RetentionSettings {
        /// Days that messages are kept as they came, with what was answered; 0 is for good.
        bodies_days: u32 = 30;
        /// Days that a call's report and the answers of its tools are kept; 0 is for good.
        transcripts_days: u32 = 90;
        /// Days that the ledger's row of a call is kept, with all that belongs to it; 0 is for good.
        calls_days: u32 = 730;
        /// Bytes of one organization's messages as they are stored, beyond which the oldest go first; 0 is without end.
        stored_bytes: u64 = 10 << 30;
        /// How often what is kept no longer is cleared away, in minutes.
        every_minutes: u32 = 60;
    }
}
