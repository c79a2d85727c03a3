//! The directory as the resolver asks it: owners of identifiers, pins, keys.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::{KeySource, Limits, Lookup, LookupError, LookupKey, OrgAccess, OrgId, Owners, Ownership};
use signature::{Credential, CredentialId, KeyRing, SecretKey};

use crate::backend::{AccessRow, Backend, CredentialRow};
use crate::recipe;
use crate::seal::{Purpose, Sealer};

/// Reads the directory, uncached: wrap it into `org_resolver`'s caches.
pub struct Directory {
    backend: Arc<dyn Backend>,
    sealer: Sealer,
}

impl Directory {
    pub(crate) fn new(backend: Arc<dyn Backend>, sealer: Sealer) -> Self {
        Self { backend, sealer }
    }

    pub(crate) fn ring(&self, org: OrgId, rows: Vec<CredentialRow>) -> KeyRing {
        let credentials = rows.into_iter().filter_map(|row| {
            let id = row.id;
            // One that cannot be used is left out, which refuses its messages. It never lets one pass: that the
            // organization has credentials of its own is a column, not the length of this list.
            let credential = self.credential(org, row);
            if let Err(error) = &credential {
                tracing::error!(org_id = %org, credential = %id, %error, "a stored credential cannot be used");
            }
            credential.ok()
        });
        KeyRing::new(credentials.collect())
    }

    fn credential(&self, org: OrgId, row: CredentialRow) -> Result<Credential, Box<dyn std::error::Error>> {
        let scheme = recipe::decode(&row.recipe)?;
        let purpose = Purpose::Credential(row.id);
        let secret = self.sealer.open(org, purpose, &row.sealed_secret, &row.sealing_key_id)?;
        let secret = SecretKey::new(secret.as_slice())?;
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
                org: OrgId::new(row.org),
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
        let row = self.backend.access(org).await.map_err(LookupError::new)?;
        Ok(row.map(|row| {
            let AccessRow { is_active, vapi_org_id, has_own_credentials, limits, language, credentials } =
                row;
            Arc::new(OrgAccess {
                is_active,
                vapi_org_id: vapi_org_id.map(String::into_boxed_str),
                has_own_credentials,
                keys: self.ring(org, credentials),
                limits: Limits::read(&limits),
                language: language.into_boxed_str(),
            })
        }))
    }
}
