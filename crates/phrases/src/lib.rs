#![doc = include_str!("../README.md")]

mod language;
mod phrase;

pub use language::Language;
pub use phrase::{FieldKind, Phrase};
