//! The canary: a word that the master key has sealed, so that a wrong key is told at the start and not by messages that
//! nobody can verify.

use org_resolver::OrgId;
use uuid::Uuid;

use crate::backend::Backend;
use crate::error::StorageError;
use crate::seal::{Purpose, Sealed, Sealer, key_of};

/// Its name among the deployment's values.
pub(crate) const NAME: &str = "canary";

const WORD: &[u8] = b"vapi-gateway";
/// It is nobody's secret.
const OWNER: OrgId = OrgId::new(Uuid::nil());

/// Opens the canary with the keys at hand, and seals it anew where the current key is another than the one that did. Where
/// there is none, the current key seals the first.
pub(crate) async fn prove(backend: &dyn Backend, sealer: &Sealer) -> Result<(), StorageError> {
    let Some(current) = sealer.key_id() else { return Ok(()) };
    let new = || sealer.seal(OWNER, Purpose::Canary, WORD).map(Sealed::packed);
    let mut stored = backend.deployment(NAME).await?;
    if stored.is_none() {
        backend.put_deployment(NAME, &new()?, false).await?;
        // Another process may have been first: its key counts.
        stored = backend.deployment(NAME).await?;
    }
    let stored = stored.ok_or_else(|| StorageError::inconsistent("deployment", "value", &NAME))?;
    let sealed_by = key_of(&stored).unwrap_or("of no name");
    if sealer.open_packed(OWNER, Purpose::Canary, &stored).is_err() {
        return Err(StorageError::Configuration(format!(
            "the secrets in this database cannot be opened with the master key {current}: the key {sealed_by} has sealed \
             them. Put that key back (GATEWAY_MASTER_KEY, or the file master.key); where it is lost, give every secret \
             anew after DELETE FROM deployment WHERE name = 'canary'"
        )));
    }
    if sealed_by != current {
        backend.put_deployment(NAME, &new()?, true).await?;
    }
    Ok(())
}
