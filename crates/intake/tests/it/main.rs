//! Messages from bytes to answer over a store of their own, without HTTP.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bodies;
mod messages;
mod strangers;
mod support;
