//! A secret given on the command line, for work without a database.

use anyhow::Context;
use clap::Args;
use signature::{Credential, CredentialId, Preset, SecretKey};
use uuid::Uuid;

use crate::environment;

/// A secret and how it is used.
#[derive(Args, Clone)]
pub(crate) struct GivenSecret {
    /// The secret itself, instead of a stored one (others on this machine may see it: prefer --secret-env)
    #[arg(long, value_name = "SECRET", conflicts_with = "secret_env")]
    pub(crate) secret: Option<String>,
    /// The variable that holds the secret, of the environment or of .env files
    #[arg(long, value_name = "NAME")]
    pub(crate) secret_env: Option<String>,
    /// How the given secret is used: vapi-hmac, x-vapi-signature, x-vapi-secret, bearer, standard-webhooks
    #[arg(long, default_value = Preset::XVapiSignature.as_str())]
    pub(crate) preset: Preset,
}

impl std::fmt::Debug for GivenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GivenSecret")
            .field("secret_env", &self.secret_env)
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}

impl GivenSecret {
    /// The credential that was given; `None` when none was.
    ///
    /// # Errors
    /// When the variable is not set, or the secret does not fit the preset.
    pub(crate) fn credential(&self) -> anyhow::Result<Option<Credential>> {
        let secret = match (&self.secret, &self.secret_env) {
            (Some(secret), _) => secret.clone(),
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
