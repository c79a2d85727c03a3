//! A secret given on the command line, for work without a database.

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use signature::{Credential, CredentialId, Preset, SecretKey};
use uuid::Uuid;

use crate::environment;

/// A secret and how it is used.
#[derive(Args, Clone, Debug)]
pub(crate) struct GivenSecret {
    /// The secret itself, instead of a stored one (others on this machine may see it: prefer --secret-env)
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_env")]
    pub(crate) secret: Option<SecretString>,
    /// The variable that holds the secret, of the environment or of .env files
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// How the given secret is used: vapi-hmac, x-vapi-signature, x-vapi-secret, bearer, standard-webhooks
    #[arg(long, default_value = Preset::XVapiSignature.as_str())]
    pub(crate) preset: Preset,
}

impl GivenSecret {
    /// The credential that was given; `None` when none was.
    ///
    /// # Errors
    /// When the variable is not set, or the secret does not fit the preset.
    pub(crate) fn credential(&self) -> anyhow::Result<Option<Credential>> {
        let secret = match (&self.secret, &self.secret_env) {
            (Some(secret), _) => secret.expose_secret().to_owned(),
            (None, Some(name)) => {
                let value = environment::variables()?.remove(name);
                value.with_context(|| format!("the variable {name} is not set"))?
            }
            (None, None) => return Ok(None),
        };
        let refused = || format!("the secret does not fit the preset {}", self.preset);
        let key = SecretKey::new(secret).with_context(refused)?;
        let id = CredentialId::new(Uuid::nil());
        let credential = Credential::new(id, "given", self.preset.scheme(), key, None, None);
        credential.with_context(refused).map(Some)
    }
}
