//! Tests of what the other tests stand on.

mod clock;
mod database;
mod pg_url;
mod signing;
