//! Signed requests, computed here from the algorithms alone: the crate under test must not sign its own exam.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Header names and values, in the order in which they are to be sent.
pub type Headers = Vec<(String, String)>;

/// Signs a body by the `x-vapi-signature` preset: hex HMAC-SHA256 of `{timestamp}.{body}`.
///
/// The timestamp's text goes into the signature and the header as it prints (seconds, milliseconds or ISO).
#[must_use]
pub fn sign_x_vapi(secret: &str, timestamp: impl Display, body: &[u8]) -> Headers {
    hex_headers("x-vapi-signature", "x-vapi-timestamp", secret, &timestamp.to_string(), body)
}

/// Signs a body by the `vapi-hmac` preset: like [`sign_x_vapi`], in `x-signature` and `x-timestamp`.
#[must_use]
pub fn sign_vapi_hmac(secret: &str, timestamp: impl Display, body: &[u8]) -> Headers {
    hex_headers("x-signature", "x-timestamp", secret, &timestamp.to_string(), body)
}

/// Signs a body by Standard Webhooks: base64 HMAC-SHA256 of `{id}.{timestamp}.{body}` behind `v1,`.
///
/// # Panics
/// If the secret is not base64, with or without `whsec_` in front.
#[must_use]
pub fn sign_standard_webhooks(secret: &str, id: &str, timestamp: impl Display, body: &[u8]) -> Headers {
    let timestamp = timestamp.to_string();
    let Ok(key) = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)) else {
        panic!("a Standard Webhooks secret is base64");
    };
    let tag = hmac_sha256(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    vec![
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), timestamp),
        ("webhook-signature".to_owned(), format!("v1,{}", STANDARD.encode(tag))),
    ]
}

/// Returns the header of the `x-vapi-secret` preset: the secret as it is.
#[must_use]
pub fn x_vapi_secret(secret: &str) -> Headers {
    vec![("x-vapi-secret".to_owned(), secret.to_owned())]
}

/// Returns the header of the `bearer` preset.
#[must_use]
pub fn bearer(token: &str) -> Headers {
    vec![("authorization".to_owned(), format!("Bearer {token}"))]
}

fn hex_headers(
    signature_header: &str,
    timestamp_header: &str,
    secret: &str,
    timestamp: &str,
    body: &[u8],
) -> Headers {
    let tag = hmac_sha256(secret.as_bytes(), &[timestamp.as_bytes(), b".", body]);
    vec![(signature_header.to_owned(), hex::encode(tag)), (timestamp_header.to_owned(), timestamp.to_owned())]
}

fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { panic!("HMAC takes keys of any length") };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
