//! Black-box tests of the booking rules.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is how a test fails")]

mod civil;
mod hours;
mod parsing;
mod placing;
mod properties;
mod slots;
mod support;
