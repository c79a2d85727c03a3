#![doc = include_str!("../README.md")]

mod clock;
mod database;
mod page;
mod pg_url;
mod signing;

pub use clock::FixedClock;
pub use database::TestDb;
pub use page::assert_page;
pub use pg_url::{with_database, with_login};
pub use signing::{Headers, bearer, sign_standard_webhooks, sign_vapi_hmac, sign_x_vapi, x_vapi_secret};
