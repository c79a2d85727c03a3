//! Black-box tests of the buckets.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bounds;
mod limits;
mod properties;
