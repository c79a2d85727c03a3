#![doc = include_str!("../README.md")]

mod apply;

pub use apply::apply;
