#![doc = include_str!("../README.md")]

#[cfg(feature = "declared")]
mod entry;
mod kind;
mod limits;
#[cfg(feature = "declared")]
mod number;
#[cfg(feature = "declared")]
mod organization;
pub mod phone;
mod retention;
#[cfg(feature = "declared")]
mod settings;

#[cfg(feature = "declared")]
pub use entry::{Entry, Section, hours_from_value, hours_to_value};
pub use kind::IdentifierKind;
pub use limits::Limits;
#[cfg(feature = "declared")]
pub use number::{PhoneNumber, Route};
#[cfg(feature = "declared")]
pub use organization::{Assistant, CredentialSpec, Document, Organization, Profile, Transfer};
pub use retention::Retention;
#[cfg(feature = "declared")]
pub use settings::{CallingHours, Settings};
