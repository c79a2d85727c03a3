//! The gateway from outside: the walkthroughs of its users, and the effects of attacks and accidents.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod answers;
mod bad_input;
mod booking;
mod conflicts;
mod encoding;
mod harness;
mod idempotency;
mod inactive;
mod isolation;
mod languages;
mod ledger;
mod limits;
mod logging;
mod mappings;
mod neighbours;
mod nodes;
mod odd_messages;
mod outage;
mod quarantine;
mod refusals;
mod replay;
mod shared_secret;
mod signals;
mod signatures;
mod support;
mod tools_route;
mod walkthroughs;
