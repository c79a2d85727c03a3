//! The directory as the resolver asks it: owners of identifiers, pins, keys.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::{
    IdentifierKind, KeySource, Limits, Lookup, LookupError, LookupKey, OrgAccess, OrgId, Owners, Ownership,
};
use signature::{Credential, CredentialId, KeyRing};

use crate::backend::Backend;
use crate::error::StorageError;
use crate::recipe;
use crate::rows::SecretRow;
use crate::seal::Sealer;
use crate::stored;

/// Reads the directory, uncached: wrap it into `org_resolver`'s caches.
pub struct Directory {
    backend: Arc<dyn Backend>,
    sealer: Sealer,
}

impl Directory {
    pub(crate) fn new(backend: Arc<dyn Backend>, sealer: Sealer) -> Self {
        Self { backend, sealer }
    }

    /// Identifiers of a kind that there are or were, in their order after one of them; a bounded number, and none at the end.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn identifiers(
        &self,
        kind: IdentifierKind,
        after: Option<&str>,
    ) -> Result<Vec<LookupKey>, StorageError> {
        let values = self.backend.identifiers(kind, after.unwrap_or_default()).await?;
        Ok(values.into_iter().map(|value| LookupKey { kind, value: value.into() }).collect())
    }

    pub(crate) fn ring(&self, org: OrgId, rows: Vec<SecretRow>) -> KeyRing {
        let credentials = rows.into_iter().filter_map(|row| {
            let id = row.id;
            // One that cannot be used is left out, which refuses its messages. It never lets one pass: that the
            // organization has credentials of its own is a column, not the length of this list.
            let credential = self.credential(row);
            if let Err(error) = &credential {
                tracing::error!(org_id = %org, credential = %id, %error, "a stored credential cannot be used");
            }
            credential.ok()
        });
        KeyRing::new(credentials.collect())
    }

    fn credential(&self, row: SecretRow) -> Result<Credential, Box<dyn Error>> {
        let scheme = recipe::decode(&row.recipe)?;
        let secret = stored::secret(&row, &scheme, &self.sealer)?;
        let id = CredentialId::new(row.id);
        Ok(Credential::new(id, row.label, scheme, secret, row.not_before, row.not_after)?)
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

#[async_trait]
impl Lookup for Directory {
    async fn owners(&self, keys: &[LookupKey]) -> Result<Owners, LookupError> {
        if keys.is_empty() {
            return Ok(Owners::default());
        }
        let rows = self.backend.owners(keys).await.map_err(LookupError::new)?;
        let mut found: HashMap<(String, String), Vec<Ownership>> = HashMap::new();
        for row in rows {
            let beginning = DateTime::<Utc>::MIN_UTC;
            found.entry((row.kind, row.value)).or_default().push(Ownership {
                org: row.organization_id.map(OrgId::new),
                is_active: row.is_active,
                valid_from: Some(row.valid_from).filter(|from| *from > beginning),
                valid_to: row.valid_to,
            });
        }
        let history = |key: &LookupKey| {
            let pair = (key.kind.as_str().to_owned(), key.value.to_string());
            found.get(&pair).map_or_else(|| Arc::from([]), |rows| Arc::from(rows.as_slice()))
        };
        Ok(Owners { histories: keys.iter().map(history).collect(), cached: vec![false; keys.len()] })
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, LookupError> {
        if call_id.contains('\0') {
            return Ok(Vec::new());
        }
        self.backend.pins(call_id).await.map_err(LookupError::new)
    }
}

#[async_trait]
impl KeySource for Directory {
    async fn access(&self, org: OrgId) -> Result<Option<Arc<OrgAccess>>, LookupError> {
        let access = self.backend.access(org).await.map_err(LookupError::new)?;
        Ok(access.map(|(state, credentials)| {
            Arc::new(OrgAccess {
                is_active: state.is_active,
                vapi_org_id: state.vapi_org_id.map(String::into_boxed_str),
                has_own_credentials: state.has_own_credentials,
                keys: self.ring(org, credentials),
                limits: Limits::read(&state.limits),
                language: state.primary_language.into_boxed_str(),
            })
        }))
    }
}
