//! Black-box tests of what callers hear.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod files;
mod hostile;
mod sentences;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn civil(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M").unwrap()
}
