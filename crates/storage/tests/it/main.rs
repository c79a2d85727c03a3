//! The store's tests. Every case of the conformance suite runs on a SQLite file and on a PostgreSQL database of its own.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of tests are tests too: what cannot go on fails there"
)]

mod support;

mod appointments;
mod bookings;
mod calls;
mod contacts;
mod declared;
mod directory;
mod events;
mod inbox;
mod mappings;
mod migrations;
mod operator;
mod poolers;
mod quarantine;
mod records;
mod refusals;
mod retention;
mod rules;
mod scopes;
mod sessions;
mod tool_results;
mod turns;
mod watching;
