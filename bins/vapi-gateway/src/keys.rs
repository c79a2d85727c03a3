//! An organization as the database holds it, with its secrets opened: for the commands that need them.

use anyhow::{Context, bail};
use org_resolver::KeySource;
use settings::{ProcessVars, Settings, Vars};
use signature::KeyRing;
use storage::{OperatorScope, OrgEntry, Storage};
use tenant::Organization;

/// Where the provider sends its messages.
pub(crate) const WEBHOOK_PATH: &str = "/api/webhooks/vapi";

/// An organization and the credentials that prove its messages.
#[derive(Debug)]
pub(crate) struct Keyed {
    pub(crate) organization: Organization,
    /// Its own credentials, or the deployment's where it never had one.
    pub(crate) ring: KeyRing,
}

/// Reads an organization by slug or id. Reading secrets is an operator's act, and audited with `purpose`.
///
/// # Errors
/// When there is no such organization, or the database or the key does not open it.
pub(crate) async fn of_organization(
    storage: &Storage,
    settings: &Settings,
    name: &str,
    purpose: &str,
) -> anyhow::Result<Keyed> {
    let mut scope = storage.operator(&actor(), purpose).await?;
    let entry = find(&mut scope, name).await?;
    let own = scope.credentials(entry.id).await?;
    let stored = scope.organization(entry.id).await?;
    scope.commit().await?;
    let organization = stored.with_context(|| format!("organization {name} has just been removed"))?;
    if let Some(closed) = organization.credentials.iter().find(|credential| credential.secret.is_none()) {
        bail!(
            "the secret of {name}'s credential {:?} cannot be opened with the master key at hand, or its recipe or validity was \
             changed in the row alone: apply a file that gives the secret",
            closed.label
        );
    }
    let access = storage.directory().access(entry.id).await?;
    let is_served_by_shared = access.is_some_and(|access| !access.has_own_credentials);
    let ring = if is_served_by_shared { settings.auth.shared_keys()? } else { own };
    Ok(Keyed { organization, ring })
}

/// The entry of an organization by slug or id.
///
/// # Errors
/// When there is no such organization, or the database does not answer.
pub(crate) async fn find(scope: &mut OperatorScope, name: &str) -> anyhow::Result<OrgEntry> {
    if let Some(entry) = scope.find_organization(name).await? {
        return Ok(entry);
    }
    let known = scope.list_organizations().await?;
    let known: Vec<String> =
        known.into_iter().map(|entry| entry.slug.unwrap_or_else(|| entry.id.to_string())).collect();
    match known.as_slice() {
        [] => bail!("there is no organization {name}: none is declared yet (`vapi-gateway apply`)"),
        _ => bail!("there is no organization {name}: known are {}", known.join(", ")),
    }
}

/// The user at the keyboard, for the audit log.
pub(crate) fn actor() -> String {
    ProcessVars.get("USER").filter(|name| !name.is_empty()).unwrap_or_else(|| "operator".to_owned())
}

/// The webhook's URL as recipes that sign it see it, when it is configured.
pub(crate) fn public_url(settings: &Settings) -> Option<String> {
    let base = settings.server.backend_url.as_deref()?;
    Some(format!("{}{WEBHOOK_PATH}", base.trim_end_matches('/')))
}
