//! Black-box tests of the organizations file.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod credentials;
mod knowledge;
mod mistakes;
mod ownership;
mod plan;
mod properties;
mod sample;
mod support;
mod values;
