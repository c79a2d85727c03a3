//! The deployment's own secrets.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de};
use signature::{Credential, CredentialError, CredentialId, KeyRing, Preset, SecretKey};
use uuid::Uuid;

use crate::section::section;
use crate::words;

section! {
    /// The deployment's own secrets.
    AuthSettings {
        /// The secret of organizations that never had one of their own: 8 characters at least, and better 16.
        #[serde(deserialize_with = "filled")]
        webhook_secret: Option<SecretString> = None, ["VAPI_WEBHOOK_SECRET"];
        /// The recipes that the shared secret is tried with.
        #[serde(deserialize_with = "words::list")]
        shared_presets: Vec<Preset> = vec![Preset::XVapiSignature, Preset::XVapiSecret];
        /// Base64 of the 32 bytes that seal secrets at rest; in development a generated file stands in.
        #[serde(deserialize_with = "filled")]
        master_key: Option<SecretString> = None, ["GATEWAY_MASTER_KEY"];
        /// The key of the provider's API, for provisioning, which is not there yet.
        #[serde(deserialize_with = "filled")]
        vapi_api_key: Option<SecretString> = None, ["VAPI_API_KEY"];
        /// The operator's token, for the admin API, which is not there yet.
        #[serde(deserialize_with = "filled")]
        admin_token: Option<SecretString> = None, ["ADMIN_TOKEN"];
    }
}

/// A shared secret of fewer characters is refused.
const MIN_SECRET: usize = 8;
/// A shared secret of fewer characters is warned of.
const LONG_SECRET: usize = 16;

/// The shared secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SharedSecretError {
    /// It can be guessed.
    #[error("VAPI_WEBHOOK_SECRET has fewer than {MIN_SECRET} characters")]
    Short,
    /// It does not fit one of the recipes that it is to be tried with.
    #[error("VAPI_WEBHOOK_SECRET does not fit the preset {preset} of auth.shared_presets")]
    Misfit {
        /// The preset's name.
        preset: &'static str,
        /// Why.
        #[source]
        cause: CredentialError,
    },
}

impl AuthSettings {
    /// The shared secret under each recipe that messages are tried with; empty without a secret.
    ///
    /// # Errors
    /// [`SharedSecretError`] when the secret is too short to serve, or a recipe does not take it.
    pub fn serving_keys(&self) -> Result<KeyRing, SharedSecretError> {
        if self.shared_length().is_some_and(|length| length < MIN_SECRET) {
            return Err(SharedSecretError::Short);
        }
        self.shared_keys()
    }

    /// The shared secret under each recipe that it is tried with, however short; empty without a secret.
    ///
    /// # Errors
    /// [`SharedSecretError::Misfit`] when a recipe does not take the secret.
    pub fn shared_keys(&self) -> Result<KeyRing, SharedSecretError> {
        let Some(secret) = &self.webhook_secret else { return Ok(KeyRing::new(Vec::new())) };
        let credentials = self.shared_presets.iter().map(|preset| {
            let refused = |cause| SharedSecretError::Misfit { preset: preset.as_str(), cause };
            let key = SecretKey::new(secret.expose_secret())
                .map_err(|_empty| refused(CredentialError::SecretEmpty))?;
            let label = format!("VAPI_WEBHOOK_SECRET as {preset}");
            let id = CredentialId::new(Uuid::nil());
            Credential::new(id, label, preset.scheme(), key, None, None).map_err(refused)
        });
        credentials.collect::<Result<_, _>>().map(KeyRing::new)
    }

    /// True when there is a shared secret that is taken and may be guessed.
    #[must_use]
    pub fn is_shared_secret_short(&self) -> bool {
        self.shared_length().is_some_and(|length| length < LONG_SECRET)
    }

    fn shared_length(&self) -> Option<usize> {
        self.webhook_secret.as_ref().map(|secret| secret.expose_secret().chars().count())
    }
}

/// Reads a secret that may be left out but not left empty; white space around it is removed.
fn filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    let Some(secret) = Option::<SecretString>::deserialize(deserializer)? else { return Ok(None) };
    match secret.expose_secret().trim() {
        "" => Err(de::Error::custom("a secret is not empty")),
        text => Ok(Some(SecretString::from(text))),
    }
}
