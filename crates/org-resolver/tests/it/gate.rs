//! Admission: whose messages, with whose credential.

use std::sync::Arc;

use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    Admission, AdmitError, Gate, GatePolicy, IdentifierKind, KeySource, Limits, OrgAccess, OrgHints,
    RefusalReason, Resolution,
};
use signature::{KeyRing, Mismatch, SignedRequest};

use crate::support::{chain, claim, credential, now, org, signed};

const BY_ASSISTANT: &str = r#"{"message":{"type":"hang","call":{"id":"c","assistantId":"asst-a"}}}"#;
const BY_METADATA: &str = r#"{"message":{"type":"hang","call":{"id":"c","metadata":{"org_id":"clinic-a"}}}}"#;

fn directory(own: Option<&str>) -> Arc<MemoryDirectory> {
    let directory = MemoryDirectory::new();
    directory.put_organization(org(1), own.map(credential).into_iter().collect());
    directory.put_organization(org(2), vec![credential("secret-b")]);
    directory.map(IdentifierKind::AssistantId, "asst-a", org(1)).unwrap();
    directory.map(IdentifierKind::Organization, "clinic-a", org(1)).unwrap();
    directory.map(IdentifierKind::AssistantId, "asst-b", org(2)).unwrap();
    Arc::new(directory)
}

fn gate(directory: &Arc<MemoryDirectory>, shared: Option<&str>, policy: GatePolicy) -> Gate {
    let shared = KeyRing::new(shared.map(credential).into_iter().collect());
    let keys: Arc<dyn KeySource> = directory.clone();
    Gate::new(keys, shared, policy)
}

async fn admit(
    directory: &Arc<MemoryDirectory>,
    gate: &Gate,
    body: &str,
    secret: &str,
) -> Result<Admission, Mismatch> {
    let claim = claim(directory, body).await;
    let headers = signed(secret, body);
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body: body.as_bytes() };
    gate.admit(claim, &request, now()).await.map_err(|error| match error {
        AdmitError::Rejected(refusal) => refusal,
        other => panic!("{other}"),
    })
}

#[tokio::test]
async fn only_the_deciding_organizations_secret_admits() {
    let directory = directory(Some("secret-a"));
    let gate = gate(&directory, Some("shared"), GatePolicy::default());
    let admitted = admit(&directory, &gate, BY_ASSISTANT, "secret-a").await.unwrap();
    assert!(
        matches!(admitted, Admission::Admitted(org_a) if org_a.id() == org(1) && org_a.credential().is_some())
    );
    for wrong in ["secret-b", "shared", "", "secret-A"] {
        let body = BY_ASSISTANT;
        let verdict = if wrong.is_empty() {
            let claim = claim(&directory, body).await;
            let headers: Vec<(String, String)> = Vec::new();
            let request =
                SignedRequest { method: "POST", url: None, headers: &headers, body: body.as_bytes() };
            gate.admit(claim, &request, now()).await.is_err()
        } else {
            admit(&directory, &gate, body, wrong).await.is_err()
        };
        assert!(verdict, "{wrong:?} was admitted");
    }
}

#[tokio::test]
async fn the_shared_secret_serves_until_the_first_own_credential() {
    let before = directory(None);
    let gate_before = gate(&before, Some("shared"), GatePolicy::default());
    let admitted = admit(&before, &gate_before, BY_ASSISTANT, "shared").await.unwrap();
    assert!(matches!(admitted, Admission::Admitted(org_a) if org_a.credential().is_none()));

    // All own credentials are gone again: the shared secret stays out for good.
    before.put_access(
        org(1),
        OrgAccess {
            is_active: true,
            vapi_org_id: None,
            has_own_credentials: true,
            keys: KeyRing::new(Vec::new()),
            limits: Limits::default(),
            language: "es".into(),
        },
    );
    assert_eq!(
        admit(&before, &gate_before, BY_ASSISTANT, "shared").await.unwrap_err(),
        Mismatch::NoCredential
    );
}

#[tokio::test]
async fn without_any_secret_nothing_is_admitted() {
    let directory = directory(None);
    let gate = gate(&directory, None, GatePolicy::default());
    assert_eq!(admit(&directory, &gate, BY_ASSISTANT, "anything").await.unwrap_err(), Mismatch::NoCredential);
}

#[tokio::test]
async fn metadata_alone_needs_the_organizations_own_credential() {
    let own = directory(Some("secret-a"));
    let gate_own = gate(&own, Some("shared"), GatePolicy::default());
    assert!(admit(&own, &gate_own, BY_METADATA, "secret-a").await.is_ok());

    let without = directory(None);
    let strict = gate(&without, Some("shared"), GatePolicy::default());
    assert_eq!(admit(&without, &strict, BY_METADATA, "shared").await.unwrap_err(), Mismatch::NoCredential);
    let lifted = gate(&without, Some("shared"), GatePolicy { metadata_with_shared_secret: true });
    assert!(admit(&without, &lifted, BY_METADATA, "shared").await.is_ok());
}

#[tokio::test]
async fn a_declared_claim_is_never_served_by_the_shared_secret() {
    let directory = directory(None);
    let gate = gate(&directory, Some("shared"), GatePolicy { metadata_with_shared_secret: true });
    let body = r#"{"appointmentDate":"2026-11-24"}"#;
    let hints = OrgHints::declared("clinic-a", "x-organization-id");
    let Resolution::Claimed(claim) = chain(&directory).resolve(&hints, now()).await.unwrap() else {
        panic!()
    };
    let headers = signed("shared", body);
    let request = SignedRequest { method: "POST", url: None, headers: &headers, body: body.as_bytes() };
    assert!(matches!(
        gate.admit(*claim, &request, now()).await,
        Err(AdmitError::Rejected(Mismatch::NoCredential))
    ));
}

#[tokio::test]
async fn a_conflict_is_told_only_to_who_can_sign() {
    let directory = directory(Some("secret-a"));
    let gate = gate(&directory, None, GatePolicy::default());
    let body =
        r#"{"message":{"type":"hang","call":{"id":"c","assistantId":"asst-a"},"assistant":{"id":"asst-b"}}}"#;
    let refused = admit(&directory, &gate, body, "secret-a").await.unwrap();
    let Admission::Refused(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.id(), org(1));
    assert!(
        matches!(refused.reason(), RefusalReason::Conflict(found) if found[0].organization_id == Some(org(2)))
    );
    // What is stored of it says that somebody else owns the value, and not who.
    let trace = refused.trace();
    assert_eq!((trace.conflicts.len(), trace.conflicts[0].organization_id), (1, None));
    assert!(trace.steps.iter().any(|step| step.organization_id == Some(org(1))), "{trace:?}");
    assert!(!format!("{trace:?}").contains(&org(2).to_string()), "{trace:?}");
    assert_eq!(admit(&directory, &gate, body, "secret-b").await.unwrap_err(), Mismatch::InvalidSignature);
}

#[tokio::test]
async fn an_inactive_organization_decides_and_is_refused() {
    let directory = directory(Some("secret-a"));
    let access = OrgAccess {
        is_active: false,
        vapi_org_id: None,
        has_own_credentials: true,
        keys: KeyRing::new(vec![credential("secret-a")]),
        limits: Limits::default(),
        language: "es".into(),
    };
    directory.put_access(org(1), access);
    let gate = gate(&directory, None, GatePolicy::default());
    let refused = admit(&directory, &gate, BY_ASSISTANT, "secret-a").await.unwrap();
    assert!(matches!(refused, Admission::Refused(refused) if *refused.reason() == RefusalReason::Inactive));
    assert!(admit(&directory, &gate, BY_ASSISTANT, "secret-b").await.is_err());
}

#[tokio::test]
async fn another_account_of_the_provider_is_a_conflict_once_registered() {
    let directory = directory(Some("secret-a"));
    let access = OrgAccess {
        is_active: true,
        vapi_org_id: Some("account-1".into()),
        has_own_credentials: true,
        keys: KeyRing::new(vec![credential("secret-a")]),
        limits: Limits::default(),
        language: "es".into(),
    };
    directory.put_access(org(1), access);
    let gate = gate(&directory, None, GatePolicy::default());
    let body = |account: &str| {
        format!(
            r#"{{"message":{{"type":"hang","call":{{"id":"c","orgId":"{account}","assistantId":"asst-a"}}}}}}"#
        )
    };
    let same = admit(&directory, &gate, &body("account-1"), "secret-a").await.unwrap();
    assert!(matches!(same, Admission::Admitted(_)));
    let other = admit(&directory, &gate, &body("account-2"), "secret-a").await.unwrap();
    let Admission::Refused(other) = other else { panic!("{other:?}") };
    assert_eq!(other.trace().conflicts[0].path, "message.call.orgId");
}
