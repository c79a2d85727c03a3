//! The resolver from outside: chain, gate, cache and numbers.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a helper of tests fails the test it serves"
)]

mod cache;
mod chain;
mod gate;
mod resolver;
mod support;
