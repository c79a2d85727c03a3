//! Makes the headers that a sender would send: for outgoing signed requests and simulated calls.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::algorithm::Encoding;
use crate::credential::{Check, Credential};
use crate::payload::Parts;

/// Returns the headers that prove `credential` for this request, names in lower case.
///
/// `url` and `message_id` are needed only by recipes that sign them; the timestamp is `now` in epoch
/// seconds. The credential's window is not looked at: the receiver judges it.
///
/// ```
/// use chrono::DateTime;
/// use signature::{Credential, CredentialId, Preset, SecretKey, sign::sign};
///
/// let id = CredentialId::new(uuid::Uuid::from_u128(1));
/// let secret = SecretKey::new("s3cret")?;
/// let credential = Credential::new(id, "2026", Preset::XVapiSignature.scheme(), secret, None, None)?;
/// let now = DateTime::from_timestamp(1_767_225_600, 0).ok_or("out of range")?;
/// let headers = sign(&credential, "POST", None, None, b"{}", now)?;
/// assert_eq!(headers[0].0, "x-vapi-signature");
/// assert_eq!(headers[1], ("x-vapi-timestamp".to_owned(), "1767225600".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`SignError`] if the recipe needs something that was not given, or if a value cannot stand in a
/// header.
pub fn sign(
    credential: &Credential,
    method: &str,
    url: Option<&str>,
    message_id: Option<&str>,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Vec<(String, String)>, SignError> {
    let check = match &credential.check {
        Check::Hmac(check) => check,
        Check::Static(check) => {
            let secret = std::str::from_utf8(credential.secret().expose())
                .ok()
                .filter(|secret| secret.bytes().all(|byte| matches!(byte, b' '..=b'~')))
                .ok_or(SignError::SecretNotPrintable)?;
            let prefix = check.prefix.as_deref().unwrap_or_default();
            return Ok(vec![(check.header.clone(), format!("{prefix}{secret}"))]);
        }
    };
    let recipe = &check.recipe;
    if check.format.uses_url() && url.is_none() {
        return Err(SignError::MissingUrl);
    }
    if check.format.uses_message_id() {
        let id = message_id.ok_or(SignError::MissingMessageId)?;
        let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || !check.format.is_unambiguous(id.as_bytes()) {
            return Err(SignError::MessageId);
        }
    }
    let timestamp = now.timestamp().to_string();
    let mut mac = check.mac.clone();
    let parts = Parts {
        timestamp: timestamp.as_bytes(),
        message_id: message_id.unwrap_or_default().as_bytes(),
        method,
        url: url.unwrap_or_default(),
        body,
    };
    check.format.feed(|bytes| mac.update(bytes), &parts);
    let code = mac.into_code();
    let encoded = match recipe.encoding {
        Encoding::Hex => hex::encode(code),
        Encoding::Base64 => STANDARD.encode(code),
    };
    let prefix = recipe.prefix.as_deref().unwrap_or_default();
    let mut headers = vec![(recipe.signature_header.clone(), format!("{prefix}{encoded}"))];
    if let Some(name) = recipe.timestamp_header.as_ref().filter(|_| recipe.include_timestamp) {
        headers.push((name.clone(), timestamp));
    }
    if let (Some(name), Some(id)) = (&recipe.message_id_header, message_id)
        && check.format.uses_message_id()
    {
        headers.push((name.clone(), id.to_owned()));
    }
    Ok(headers)
}

/// Why no headers could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignError {
    /// The recipe signs the URL, and none was given.
    #[error("the recipe signs a url, and none was given")]
    MissingUrl,
    /// The recipe signs a message id, and none was given.
    #[error("the recipe signs a message id, and none was given")]
    MissingMessageId,
    /// The message id is empty, not printable ASCII, or holds the separator that ends it.
    #[error("the message id cannot be used with this recipe")]
    MessageId,
    /// The secret is to be sent as it is and has bytes that a header does not carry.
    #[error("the secret cannot stand in a header")]
    SecretNotPrintable,
}
