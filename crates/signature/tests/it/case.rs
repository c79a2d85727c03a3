//! The form of a case in `vectors.json` and `doctor.json`, and how it becomes a ring and a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use signature::{
    Credential, CredentialError, CredentialId, HmacRecipe, KeyRing, PayloadFormat, Preset, Scheme, SecretKey,
    SignedRequest,
};
use uuid::Uuid;

/// One case; `because` is a word for the verifier and a list for the doctor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case<B> {
    pub(crate) name: String,
    pub(crate) now: DateTime<Utc>,
    pub(crate) method: String,
    pub(crate) url: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
    pub(crate) credentials: Vec<Spec>,
    pub(crate) verdict: String,
    pub(crate) because: B,
}

/// One credential. An absent field keeps the default; a null one removes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Spec {
    pub(crate) label: String,
    pub(crate) secret: String,
    preset: Option<String>,
    scheme: Option<String>,
    header: Option<String>,
    #[serde(default, deserialize_with = "present")]
    prefix: Option<Option<String>>,
    algorithm: Option<String>,
    signature_header: Option<String>,
    #[serde(default, deserialize_with = "present")]
    timestamp_header: Option<Option<String>>,
    message_id_header: Option<String>,
    encoding: Option<String>,
    secret_is_base64: Option<bool>,
    include_timestamp: Option<bool>,
    payload_format: Option<String>,
    not_before: Option<DateTime<Utc>>,
    not_after: Option<DateTime<Utc>>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Spec {
    fn scheme(&self) -> Result<Scheme, &'static str> {
        if let Some(preset) = &self.preset {
            return Ok(preset.parse::<Preset>().unwrap().scheme());
        }
        Ok(match self.scheme.as_deref() {
            Some("bearer") => {
                Scheme::Bearer { header: self.header.clone().unwrap(), prefix: self.prefix.clone().unwrap() }
            }
            Some("secret_header") => Scheme::SecretHeader { header: self.header.clone().unwrap() },
            Some("hmac") => Scheme::Hmac(self.recipe()?),
            other => panic!("unknown scheme {other:?}"),
        })
    }

    fn recipe(&self) -> Result<HmacRecipe, &'static str> {
        let mut recipe = HmacRecipe::default();
        if let Some(format) = &self.payload_format {
            recipe.payload_format = PayloadFormat::parse(format).map_err(|_error| "payload_format")?;
        }
        if let Some(algorithm) = &self.algorithm {
            recipe.algorithm = algorithm.parse().unwrap();
        }
        if let Some(encoding) = &self.encoding {
            recipe.encoding = encoding.parse().unwrap();
        }
        if let Some(header) = &self.signature_header {
            recipe.signature_header.clone_from(header);
        }
        if let Some(header) = &self.timestamp_header {
            recipe.timestamp_header.clone_from(header);
        }
        if let Some(prefix) = &self.prefix {
            recipe.prefix.clone_from(prefix);
        }
        recipe.message_id_header.clone_from(&self.message_id_header);
        recipe.secret_is_base64 = self.secret_is_base64.unwrap_or(recipe.secret_is_base64);
        recipe.include_timestamp = self.include_timestamp.unwrap_or(recipe.include_timestamp);
        Ok(recipe)
    }

    pub(crate) fn credential(&self) -> Result<Credential, &'static str> {
        let secret = SecretKey::new(self.secret.as_str()).map_err(|_empty| "empty_secret")?;
        let id = CredentialId::new(Uuid::from_u128(1));
        Credential::new(id, self.label.as_str(), self.scheme()?, secret, self.not_before, self.not_after)
            .map_err(|error| match error {
                CredentialError::Recipe(_) => "recipe",
                CredentialError::SecretNotBase64 => "secret_not_base64",
                CredentialError::SecretEmpty => "secret_empty",
                CredentialError::EmptyWindow => "empty_window",
                _ => "other",
            })
    }
}

impl<B> Case<B> {
    /// The ring, or what is wrong with a credential.
    pub(crate) fn ring(&self) -> Result<KeyRing, &'static str> {
        Ok(KeyRing::new(self.credentials.iter().map(Spec::credential).collect::<Result<_, _>>()?))
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        match (&self.body, &self.body_base64) {
            (Some(text), None) => text.clone().into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).unwrap(),
            _ => panic!("{}: one body", self.name),
        }
    }

    pub(crate) fn request<'a>(&'a self, body: &'a [u8]) -> SignedRequest<'a> {
        SignedRequest { method: &self.method, url: self.url.as_deref(), headers: &self.headers, body }
    }
}
