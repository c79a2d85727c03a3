//! Checks one request against one credential.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::algorithm::{Algorithm, Encoding};
use crate::credential::{Check, Credential, HmacCheck, StaticCheck};
use crate::header::{Headers, one};
use crate::mismatch::Mismatch;
use crate::payload::Parts;
use crate::timestamp;

/// Most values that are read of a signature header that is a list.
const MAX_SIGNATURES: usize = 16;
/// Longest encoded signature: SHA-512 in hexadecimal.
const MAX_SIGNATURE_TEXT: usize = 128;

/// Signatures come from machines, so only the padding is left open.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A verifier's input: the request as it was received, before anything was parsed.
#[derive(Clone, Copy)]
pub struct SignedRequest<'a> {
    /// The method as received, for example `POST`.
    pub method: &'a str,
    /// The public URL as configured, never one made from the Host header. `None` where no recipe
    /// signs it; a recipe that does then refuses.
    pub url: Option<&'a str>,
    /// The headers.
    pub headers: &'a dyn Headers,
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

impl Check {
    pub(crate) fn verify(&self, request: &SignedRequest<'_>, now: DateTime<Utc>) -> Result<(), Mismatch> {
        match self {
            Self::Hmac(check) => check.verify(request, Some(now)),
            Self::Static(check) => check.verify(request),
        }
    }
}

impl Credential {
    /// SHA-256 of what a request that this credential proves has signed: the same for the same signed bytes, whatever else
    /// is sent with them. `None` where the credential signs nothing that makes a request its own: neither a timestamp nor a
    /// message id.
    ///
    /// For requests whose signature does not cover everything that they ask for, so that one that was captured is known
    /// again.
    #[must_use]
    pub fn signed_digest(&self, request: &SignedRequest<'_>) -> Option<[u8; 32]> {
        let Check::Hmac(check) = &self.check else { return None };
        let text = |name: &Option<String>, is_used| {
            let name = name.as_ref().filter(|_| is_used)?;
            one(request.headers, name).ok()
        };
        let (has_timestamp, has_id) = (check.format.uses_timestamp(), check.format.uses_message_id());
        let parts = Parts {
            timestamp: text(&check.recipe.timestamp_header, has_timestamp).unwrap_or_default(),
            message_id: text(&check.recipe.message_id_header, has_id).unwrap_or_default(),
            method: request.method,
            url: request.url.unwrap_or_default(),
            body: request.body,
        };
        let mut hasher = Sha256::new();
        check.format.feed(|bytes| hasher.update(bytes), &parts);
        (has_timestamp || has_id).then(|| hasher.finalize().into())
    }
}

impl HmacCheck {
    /// Checks headers, then the window, then the signature. Without `now` any readable timestamp
    /// passes; only the doctor asks for that.
    pub(crate) fn verify(
        &self,
        request: &SignedRequest<'_>,
        now: Option<DateTime<Utc>>,
    ) -> Result<(), Mismatch> {
        let signature = one(request.headers, &self.recipe.signature_header)?;
        let timestamp = match &self.recipe.timestamp_header {
            Some(name) if self.recipe.include_timestamp => Some(one(request.headers, name)?),
            _ => None,
        };
        let message_id = match &self.recipe.message_id_header {
            Some(name) if self.format.uses_message_id() => Some(one(request.headers, name)?),
            _ => None,
        };

        let signatures = self.decode(signature)?;
        let instant =
            timestamp.map(|text| timestamp::parse(text).ok_or(Mismatch::MalformedHeader)).transpose()?;
        if message_id
            .is_some_and(|id| !id.iter().all(u8::is_ascii_graphic) || !self.format.is_unambiguous(id))
        {
            return Err(Mismatch::MalformedHeader);
        }
        if self.format.uses_url() && request.url.is_none() {
            return Err(Mismatch::MissingUrl);
        }
        if let (Some(instant), Some(now)) = (instant, now)
            && !timestamp::is_fresh(instant, now)
        {
            return Err(Mismatch::StaleTimestamp);
        }

        let mut mac = self.mac.clone();
        let parts = Parts {
            timestamp: timestamp.unwrap_or_default(),
            message_id: message_id.unwrap_or_default(),
            method: request.method,
            url: request.url.unwrap_or_default(),
            body: request.body,
        };
        self.format.feed(|bytes| mac.update(bytes), &parts);
        // Every candidate is compared, so the time does not tell which one matched.
        let matched = signatures.iter().fold(false, |matched, code| mac.clone().matches(code) | matched);
        if matched { Ok(()) } else { Err(Mismatch::InvalidSignature) }
    }

    /// Takes the prefix off and decodes; of a list, what has our version and the right length.
    fn decode(&self, value: &[u8]) -> Result<Vec<Vec<u8>>, Mismatch> {
        let text = std::str::from_utf8(value).map_err(|_not_text| Mismatch::MalformedHeader)?;
        let prefix = self.recipe.prefix.as_deref().unwrap_or_default();
        let decode_one = |text: &str| {
            decode_signature(text.strip_prefix(prefix)?, self.recipe.encoding, self.recipe.algorithm)
        };
        let codes: Vec<_> = if self.is_list {
            if text.split(' ').count() > MAX_SIGNATURES {
                return Err(Mismatch::MalformedHeader);
            }
            text.split(' ').filter_map(decode_one).collect()
        } else {
            decode_one(text).into_iter().collect()
        };
        if codes.is_empty() { Err(Mismatch::MalformedHeader) } else { Ok(codes) }
    }
}

impl StaticCheck {
    pub(crate) fn verify(&self, request: &SignedRequest<'_>) -> Result<(), Mismatch> {
        let value = one(request.headers, &self.header)?;
        let token = self.token(value).ok_or(Mismatch::MalformedHeader)?;
        if self.is_secret(token) { Ok(()) } else { Err(Mismatch::InvalidSignature) }
    }

    /// Says whether a header value is the prefix and the secret.
    pub(crate) fn matches(&self, value: &[u8]) -> bool {
        self.token(value).is_some_and(|token| self.is_secret(token))
    }

    /// Takes the prefix off; `None` if it is not there or nothing follows it.
    fn token<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        value.strip_prefix(prefix.as_bytes()).filter(|token| !token.is_empty())
    }

    /// Compares digests: they have one length, so the time tells nothing about the secret.
    fn is_secret(&self, token: &[u8]) -> bool {
        let presented: [u8; 32] = Sha256::digest(token).into();
        presented.ct_eq(&*self.digest).into()
    }
}

/// Decodes a signature without its prefix; `None` if it is not in that encoding or not as long as
/// the algorithm's codes are.
pub(crate) fn decode_signature(text: &str, encoding: Encoding, algorithm: Algorithm) -> Option<Vec<u8>> {
    if text.len() > MAX_SIGNATURE_TEXT {
        return None;
    }
    let code = match encoding {
        Encoding::Hex => hex::decode(text).ok()?,
        Encoding::Base64 => BASE64.decode(text).ok()?,
    };
    (code.len() == algorithm.code_bytes()).then_some(code)
}
