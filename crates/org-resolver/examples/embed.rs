//! The resolver in another service: a request in, a proven organization or a reason out.
//!
//! Run it with `cargo run -p org-resolver --example embed`.

use std::sync::Arc;

use org_resolver::memory::MemoryDirectory;
use org_resolver::{CacheConfig, IdentifierKind, OrgId, Resolver};
use signature::{Credential, CredentialId, Preset, SecretKey, SignedRequest};

#[expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let org: OrgId = "46cf2995-2bee-44e3-838b-24151486fe4e".parse()?;
    let (id, secret) = (CredentialId::new(org.as_uuid()), SecretKey::new("northgate-secret")?);
    let credential = Credential::new(id, "demo", Preset::XVapiSecret.scheme(), secret, None, None)?;
    let directory = Arc::new(MemoryDirectory::new());
    directory.put_organization(org, vec![credential]);
    directory.map(IdentifierKind::AssistantId, "asst_sarah", org)?;
    let resolver = Resolver::builder(directory).cached(CacheConfig::default()).build();

    let body = br#"{"message":{"type":"hang","call":{"id":"call-1","assistantId":"asst_sarah"}}}"#;
    for secret in ["northgate-secret", "a guess"] {
        let headers = [("x-vapi-secret", secret)];
        let request = SignedRequest { method: "POST", url: None, headers: &headers, body };
        match resolver.verify(&request, chrono::DateTime::UNIX_EPOCH).await {
            Ok(org) => println!("{} by its {}", org.id(), org.via()),
            Err(rejection) => println!("{}: {rejection}", rejection.code()),
        }
    }
    Ok(())
}
