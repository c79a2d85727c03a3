//! Settings as a program reads them.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod layers;
