//! The sample organizations in the database: made once, the same on every later start.

use anyhow::Context;
use manifest::{Manifest, Source};
use signature::Credential;
use storage::Storage;
use tenant::Organization;

const DECLARED: &str = include_str!("organizations.toml");
const SECRET_BYTES: usize = 24;

/// A sample organization with its credential.
pub(super) struct Sample {
    pub(super) organization: Organization,
    pub(super) credential: Credential,
}

/// Declares the samples as `apply` would, and reads their credentials.
///
/// # Errors
/// When the database refuses them, or a secret cannot be opened.
pub(super) async fn store(storage: &Storage) -> anyhow::Result<Vec<Sample>> {
    let mut wanted = declared()?;
    let mut scope = storage.operator("demo", "vapi-gateway serve --demo").await?;
    let stored = scope.organizations().await.context("the data directory holds secrets of another key")?;
    for organization in &mut wanted {
        keep_secrets(organization, &stored);
    }
    let plan = manifest::plan(&stored, &wanted, false)?;
    operations::apply(&mut scope, &plan).await.context("the sample organizations cannot be made")?;
    let mut samples = Vec::new();
    for organization in wanted {
        let entry = scope.find_organization(&organization.slug).await?;
        let ring = scope.credentials(entry.context("a sample organization is not there")?.id).await?;
        let label = organization.credentials.first().map(|credential| credential.label.as_str());
        let credential = ring.iter().find(|credential| Some(credential.label()) == label).cloned();
        let credential = credential.context("a sample organization has lost its credential")?;
        samples.push(Sample { organization, credential });
    }
    scope.commit().await?;
    Ok(samples)
}

/// The samples, every credential with a new random secret.
fn declared() -> anyhow::Result<Vec<Organization>> {
    let mut bytes = [0; SECRET_BYTES * 2];
    getrandom::fill(&mut bytes)?;
    let secrets: Vec<String> = bytes.chunks(SECRET_BYTES).map(hex::encode).collect();
    let mut organizations = Vec::new();
    for secret in secrets {
        let vars = |_: &str| Some(secret.clone());
        let manifest = Manifest::from_toml(DECLARED, &Source::new(&vars, "."))?;
        // Each reading of the file gives every organization one secret; each organization takes its own reading.
        organizations.extend(manifest.organizations.into_iter().nth(organizations.len()));
    }
    Ok(organizations)
}

/// Leaves out the new secret of a credential that is stored already, which keeps the stored one.
fn keep_secrets(organization: &mut Organization, stored: &[Organization]) {
    let Some(stored) = stored.iter().find(|stored| stored.slug == organization.slug) else { return };
    for credential in &mut organization.credentials {
        if stored.credentials.iter().any(|other| other.label == credential.label) {
            credential.secret = None;
        }
    }
}
