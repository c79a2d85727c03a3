//! Bodies that are no message.

use crate::scan::ScanError;

/// Why a body is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The bytes are not one JSON value in UTF-8.
    #[error("the body is not JSON")]
    NotJson,
    /// The body is JSON, but not an object.
    #[error("the body is not a JSON object")]
    NotAnObject,
    /// Objects and arrays are nested more than 128 levels deep.
    #[error("the body is nested too deeply")]
    TooDeep,
    /// The body repeats identifiers more often than any real message does.
    #[error("the body names too many identifiers")]
    TooManyIdentifiers,
}

impl From<ScanError> for EnvelopeError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Syntax(_) => Self::NotJson,
            ScanError::TooDeep => Self::TooDeep,
        }
    }
}
