//! Organizations, messages and signatures for the tests.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    ChainConfig, ClaimedOrg, Lookup, OrgHints, OrgId, Resolution, ResolverChain, Trace, Unresolved,
};
use sha2::Sha256;
use signature::{Credential, CredentialId, Preset, SecretKey};
use uuid::Uuid;

pub(crate) const NOW: i64 = 1_760_000_000;

pub(crate) fn now() -> DateTime<Utc> {
    at(NOW)
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn org(number: u128) -> OrgId {
    OrgId::new(Uuid::from_u128(number))
}

pub(crate) fn credential(secret: &str) -> Credential {
    let id = CredentialId::new(Uuid::from_u128(7));
    let secret = SecretKey::new(secret).unwrap();
    Credential::new(id, "test", Preset::XVapiSignature.scheme(), secret, None, None).unwrap()
}

/// Signs with the hash crates directly, so that the verifier is not its own witness.
pub(crate) fn signed(secret: &str, body: &str) -> Vec<(String, String)> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{NOW}.{body}").as_bytes());
    vec![
        ("x-vapi-timestamp".to_owned(), NOW.to_string()),
        ("x-vapi-signature".to_owned(), hex::encode(mac.finalize().into_bytes())),
    ]
}

pub(crate) fn hints(body: &str) -> OrgHints {
    OrgHints::from_envelope(&vapi_types::Envelope::parse(body.as_bytes()).unwrap())
}

pub(crate) fn chain(directory: &Arc<MemoryDirectory>) -> ResolverChain {
    let directory: Arc<dyn Lookup> = directory.clone();
    ResolverChain::new(directory, ChainConfig::default())
}

pub(crate) async fn resolve(directory: &Arc<MemoryDirectory>, body: &str) -> Resolution {
    chain(directory).resolve(&hints(body), now()).await.unwrap()
}

pub(crate) async fn claim(directory: &Arc<MemoryDirectory>, body: &str) -> ClaimedOrg {
    match resolve(directory, body).await {
        Resolution::Claimed(claim) => *claim,
        Resolution::Unresolved(unresolved) => panic!("unresolved: {unresolved:?}"),
    }
}

pub(crate) async fn miss(directory: &Arc<MemoryDirectory>, body: &str) -> Unresolved {
    match resolve(directory, body).await {
        Resolution::Claimed(claim) => panic!("claimed: {claim:?}"),
        Resolution::Unresolved(unresolved) => unresolved,
    }
}

/// The trace as one line a look: `step value result`.
pub(crate) fn lines(trace: &Trace) -> Vec<String> {
    trace.steps.iter().map(|look| format!("{} {} {:?}", look.step, look.value, look.result)).collect()
}
