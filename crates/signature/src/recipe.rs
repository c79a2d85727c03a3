//! The HMAC recipe: everything that a sender can choose about its signature, as data.

use thiserror::Error;

use crate::algorithm::{Algorithm, Encoding};
use crate::payload::PayloadFormat;

/// Longest prefix that is taken, in bytes.
const MAX_PREFIX_BYTES: usize = 64;
/// Longest header name that is taken, in bytes.
const MAX_NAME_BYTES: usize = 128;

/// How a sender computes and sends its HMAC.
///
/// The default is the provider's own default; change single fields with
/// `HmacRecipe { algorithm: Algorithm::Sha512, ..HmacRecipe::default() }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HmacRecipe {
    /// The hash function.
    pub algorithm: Algorithm,
    /// The header that carries the signature, in any case.
    pub signature_header: String,
    /// The header that carries the timestamp. Needed when `include_timestamp` is set, and not read
    /// otherwise.
    pub timestamp_header: Option<String>,
    /// The header that carries the message id. Needed when the payload format has `{svix-id}`, and
    /// not read otherwise.
    pub message_id_header: Option<String>,
    /// The text before the encoded signature, to the letter. `None` and an empty text: nothing.
    ///
    /// A prefix that names a version in the manner of Standard Webhooks (`v1,`) makes the header a
    /// list: up to 16 values, separated by a space; other versions are skipped, one match is enough.
    pub prefix: Option<String>,
    /// How the signature bytes are written.
    pub encoding: Encoding,
    /// Whether the secret is base64 and the key is what it decodes to. A leading `whsec_` is dropped.
    pub secret_is_base64: bool,
    /// Whether the sender sends a timestamp, and it has to be fresh.
    ///
    /// Without it, the default payload format means the body alone; the provider does not say what
    /// it does there, and this is the only reading that needs no header.
    pub include_timestamp: bool,
    /// The form of the signed text.
    pub payload_format: PayloadFormat,
}

impl Default for HmacRecipe {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            signature_header: "x-signature".to_owned(),
            timestamp_header: Some("x-timestamp".to_owned()),
            message_id_header: None,
            prefix: None,
            encoding: Encoding::Hex,
            secret_is_base64: false,
            include_timestamp: true,
            payload_format: PayloadFormat::default(),
        }
    }
}

impl HmacRecipe {
    /// Checks that the parts fit together and writes header names in lower case.
    ///
    /// # Errors
    /// [`RecipeError`] names the part that does not fit.
    pub fn validated(self) -> Result<Self, RecipeError> {
        let recipe = Self {
            signature_header: header_name(self.signature_header)?,
            timestamp_header: self.timestamp_header.map(header_name).transpose()?,
            message_id_header: self.message_id_header.map(header_name).transpose()?,
            prefix: prefix(self.prefix)?,
            ..self
        };
        if recipe.include_timestamp && recipe.timestamp_header.is_none() {
            return Err(RecipeError::TimestampHeaderMissing);
        }
        let implied = recipe.payload_format == PayloadFormat::default();
        if !recipe.include_timestamp && recipe.payload_format.uses_timestamp() && !implied {
            return Err(RecipeError::TimestampNotIncluded);
        }
        if recipe.payload_format.uses_message_id() && recipe.message_id_header.is_none() {
            return Err(RecipeError::MessageIdHeaderMissing);
        }
        Ok(recipe)
    }

    /// The format that is in force: see [`Self::include_timestamp`].
    pub(crate) fn effective_format(&self) -> PayloadFormat {
        if !self.include_timestamp && self.payload_format == PayloadFormat::default() {
            PayloadFormat::body_only()
        } else {
            self.payload_format.clone()
        }
    }

    /// Whether the header is a list of versioned values.
    pub(crate) fn is_list(&self) -> bool {
        self.prefix.as_deref().and_then(|prefix| prefix.strip_prefix('v')?.strip_suffix(',')).is_some_and(
            |version| !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        )
    }
}

/// Why a recipe cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The text is no HTTP header name, or longer than 128 bytes.
    #[error("{0:?} is no header name")]
    HeaderName(String),
    /// The prefix is longer than 64 bytes or holds something else than printable ASCII.
    #[error("the prefix must be at most {MAX_PREFIX_BYTES} bytes of printable ascii")]
    Prefix,
    /// A timestamp is asked for, but no header carries it.
    #[error("include_timestamp needs a timestamp header")]
    TimestampHeaderMissing,
    /// A payload format of one's own signs a timestamp that the recipe says is not there.
    #[error("the payload format has {{timestamp}}, but include_timestamp is off")]
    TimestampNotIncluded,
    /// The payload format signs a message id, but no header carries it.
    #[error("the payload format has {{svix-id}}, but there is no message id header")]
    MessageIdHeaderMissing,
}

/// Checks a header name and writes it in lower case.
pub(crate) fn header_name(mut name: String) -> Result<String, RecipeError> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_token) {
        return Err(RecipeError::HeaderName(name));
    }
    name.make_ascii_lowercase();
    Ok(name)
}

/// Checks a prefix; an empty one is none.
pub(crate) fn prefix(prefix: Option<String>) -> Result<Option<String>, RecipeError> {
    match prefix.filter(|prefix| !prefix.is_empty()) {
        Some(prefix) if prefix.len() > MAX_PREFIX_BYTES => Err(RecipeError::Prefix),
        Some(prefix) if !prefix.bytes().all(|byte| matches!(byte, b' '..=b'~')) => Err(RecipeError::Prefix),
        prefix => Ok(prefix),
    }
}
