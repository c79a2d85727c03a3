//! Integration tests of the crate.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod case;
mod doctor;
mod hostile;
mod secrets;
mod signing;
mod vectors;
