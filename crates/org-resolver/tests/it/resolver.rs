//! The short form: one call, every reason.

use std::sync::Arc;

use chrono::DateTime;
use org_resolver::memory::MemoryDirectory;
use org_resolver::{CacheConfig, IdentifierKind, OrgId, Resolver};
use signature::{Credential, CredentialId, Preset, SecretKey, SignedRequest};
use uuid::Uuid;

const A: OrgId = OrgId::new(Uuid::from_u128(1));
const B: OrgId = OrgId::new(Uuid::from_u128(2));

fn directory() -> Arc<MemoryDirectory> {
    let directory = Arc::new(MemoryDirectory::new());
    for (org, secret, assistant) in [(A, "secret of a", "asst_a"), (B, "secret of b", "asst_b")] {
        let id = CredentialId::new(org.as_uuid());
        let secret = SecretKey::new(secret).unwrap();
        let credential = Credential::new(id, "x", Preset::XVapiSecret.scheme(), secret, None, None).unwrap();
        directory.put_organization(org, vec![credential]);
        directory.map(IdentifierKind::AssistantId, assistant, org).unwrap();
    }
    directory
}

async fn code_of(resolver: &Resolver, secret: &str, body: &str) -> Result<OrgId, &'static str> {
    let headers = [("X-Vapi-Secret", secret)];
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body: body.as_bytes() };
    let verified = resolver.verify(&request, DateTime::UNIX_EPOCH).await;
    verified.map(|org| org.id()).map_err(|rejection| rejection.code())
}

#[tokio::test]
async fn every_end_has_its_code() {
    let bare = Resolver::builder(directory()).build();
    let cached = Resolver::builder(directory()).cached(CacheConfig::default()).build();
    let of = |assistant: &str| {
        format!(r#"{{"message":{{"type":"hang","call":{{"assistantId":"{assistant}"}}}}}}"#)
    };
    let both = r#"{"message":{"type":"hang","call":{"assistantId":"asst_a"},"assistant":{"id":"asst_b"}}}"#;
    for resolver in [&bare, &cached, &cached] {
        assert_eq!(code_of(resolver, "secret of a", &of("asst_a")).await, Ok(A));
        assert_eq!(code_of(resolver, "secret of b", &of("asst_b")).await, Ok(B));
        assert_eq!(code_of(resolver, "secret of b", &of("asst_a")).await, Err("unauthorized"));
        assert_eq!(code_of(resolver, "secret of a", &of("asst_x")).await, Err("unresolved_organization"));
        assert_eq!(code_of(resolver, "secret of a", both).await, Err("conflicting_organizations"));
        assert_eq!(code_of(resolver, "secret of b", both).await, Err("unauthorized"));
        assert_eq!(code_of(resolver, "secret of a", "[]").await, Err("unreadable_payload"));
    }
}

#[cfg(feature = "http")]
#[tokio::test]
async fn headers_of_the_http_crate_are_read() {
    let resolver = Resolver::builder(directory()).build();
    let body = br#"{"message":{"type":"hang","call":{"assistantId":"asst_a"}}}"#;
    let mut headers = http::HeaderMap::new();
    headers.insert("x-vapi-secret", "secret of a".parse().unwrap());
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body };
    assert_eq!(resolver.verify(&request, DateTime::UNIX_EPOCH).await.unwrap().id(), A);
    headers.append("x-vapi-secret", "secret of a".parse().unwrap());
    let repeated = SignedRequest { method: "POST", url: None, headers: &headers, body };
    assert_eq!(resolver.verify(&repeated, DateTime::UNIX_EPOCH).await.unwrap_err().code(), "unauthorized");
}
