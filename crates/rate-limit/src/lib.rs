#![doc = include_str!("../README.md")]

mod bucket;
mod keyed;
mod quota;

pub use bucket::Bucket;
pub use keyed::KeyedLimiter;
pub use quota::{Quota, RetryAfter};
