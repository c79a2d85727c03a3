#![doc = include_str!("../README.md")]

mod burn;
mod credential;
pub mod doctor;
mod header;
mod key;
mod mac;
mod payload;
mod preset;
mod recipe;
mod refusal;
mod ring;
mod scheme;
pub mod sign;
mod timestamp;
mod verifier;

pub use crate::burn::burn;
pub use crate::credential::{Credential, CredentialError, CredentialId};
pub use crate::header::{Found, Headers, MAX_HEADER_BYTES};
pub use crate::key::{EmptySecret, SecretKey};
pub use crate::payload::{PayloadFormat, PayloadFormatError};
pub use crate::preset::Preset;
pub use crate::recipe::{Algorithm, Encoding, HmacRecipe, RecipeError, UnknownName};
pub use crate::refusal::Refusal;
pub use crate::ring::{KeyRing, MAX_ACTIVE};
pub use crate::scheme::Scheme;
pub use crate::timestamp::TOLERANCE;
pub use crate::verifier::SignedRequest;
