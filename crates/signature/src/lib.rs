#![doc = include_str!("../README.md")]

mod algorithm;
mod credential;
pub mod doctor;
mod equalise_time;
mod header;
mod key;
mod mac;
mod mismatch;
mod names;
mod payload;
mod preset;
mod recipe;
mod ring;
mod scheme;
pub mod sign;
mod timestamp;
mod verifier;

pub use crate::algorithm::{Algorithm, Encoding};
pub use crate::credential::{Credential, CredentialError, CredentialId};
pub use crate::equalise_time::equalise_time;
pub use crate::header::{Found, Headers, MAX_HEADER_BYTES};
pub use crate::key::{EmptySecret, SecretKey};
pub use crate::mismatch::Mismatch;
pub use crate::names::UnknownName;
pub use crate::payload::{PayloadFormat, PayloadFormatError};
pub use crate::preset::Preset;
pub use crate::recipe::{HmacRecipe, RecipeError};
pub use crate::ring::{KeyRing, MAX_ACTIVE};
pub use crate::scheme::Scheme;
pub use crate::timestamp::TOLERANCE;
pub use crate::verifier::SignedRequest;
