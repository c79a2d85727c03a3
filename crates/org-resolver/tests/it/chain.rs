//! Which identifier decides, and what contradicts it.

use std::sync::Arc;

use org_resolver::memory::MemoryDirectory;
use org_resolver::{ChainConfig, IdentifierKind, LookupStep, OrgHints, Resolution, ResolverChain};
use proptest::prelude::*;

use crate::support::{at, chain, claim, hints, lines, miss, now, org, resolve};

fn two_clinics() -> Arc<MemoryDirectory> {
    let directory = MemoryDirectory::new();
    for (number, name) in [(1, "a"), (2, "b")] {
        let id = org(number);
        directory.put_organization(id, Vec::new());
        directory.map(IdentifierKind::Organization, &format!("clinic-{name}"), id).unwrap();
        directory.map(IdentifierKind::AssistantId, &format!("asst-{name}"), id).unwrap();
        directory.map(IdentifierKind::PhoneNumberId, &format!("pn-{name}"), id).unwrap();
        directory.map(IdentifierKind::PhoneNumber, &format!("+1555201010{number}"), id).unwrap();
        directory.map(IdentifierKind::SquadId, &format!("squad-{name}"), id).unwrap();
    }
    Arc::new(directory)
}

#[tokio::test]
async fn every_step_finds_its_organization() {
    let directory = two_clinics();
    directory.pin("call-b", org(2));
    for (body, step) in [
        (r#"{"message":{"call":{"assistantId":"asst-b"}}}"#, LookupStep::AssistantId),
        (r#"{"message":{"assistant":{"id":"asst-b"}}}"#, LookupStep::AssistantId),
        (r#"{"assistantId":"asst-b"}"#, LookupStep::AssistantId),
        (r#"{"message":{"call":{"phoneNumberId":"pn-b"}}}"#, LookupStep::PhoneNumberId),
        (r#"{"message":{"phoneNumber":{"number":"+1 (555) 201-0102"}}}"#, LookupStep::PhoneNumber),
        (r#"{"message":{"call":{"id":"call-b"}}}"#, LookupStep::CallId),
        (r#"{"message":{"call":{"squadId":"squad-b"}}}"#, LookupStep::SquadId),
        (r#"{"customer":{"metadata":{"org_id":"clinic-b"}},"message":{}}"#, LookupStep::Metadata),
        (r#"{"message":{"call":{"metadata":{"organizationId":"CLINIC-B"}}}}"#, LookupStep::Metadata),
        (r#"{"message":{"call":{"metadata":{"assistantId":"asst-b"}}}}"#, LookupStep::Metadata),
    ] {
        let claim = claim(&directory, body).await;
        assert_eq!((claim.id(), claim.via()), (org(2), step), "{body}");
        assert!(claim.trace().conflicts.is_empty(), "{body}");
    }
}

#[tokio::test]
async fn a_later_path_is_looked_up_when_the_first_is_unknown() {
    let body = r#"{"message":{"assistantId":"gone","call":{"assistantId":"asst-a"}}}"#;
    let claim = claim(&two_clinics(), body).await;
    assert_eq!(claim.id(), org(1));
    assert_eq!(lines(claim.trace()), ["assistant_id gone Miss", "assistant_id asst-a Hit"]);
}

#[tokio::test]
async fn a_second_organization_is_a_conflict_wherever_it_stands() {
    for other in [
        r#""assistantId":"asst-b""#,
        r#""phoneNumber":{"number":"+15552010102"}"#,
        r#""phoneNumberId":"pn-b""#,
        r#""metadata":{"orgId":"clinic-b"}"#,
        r#""metadata":{"assistantId":"asst-b"}"#,
        r#""customer":{"metadata":{"tenantId":"clinic-b"}}"#,
        r#""chat":{"squadId":"squad-b"}"#,
    ] {
        let body =
            format!(r#"{{"message":{{"type":"hang","call":{{"id":"c","assistantId":"asst-a"}},{other}}}}}"#);
        let claim = claim(&two_clinics(), &body).await;
        let conflicts = &claim.trace().conflicts;
        assert_eq!(conflicts.len(), 1, "{body}");
        assert_eq!(
            conflicts[0].organization_id,
            Some(if claim.id() == org(1) { org(2) } else { org(1) }),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_repeated_key_hides_nothing() {
    let body = r#"{"message":{"assistantId":"asst-a","assistantId":"asst-b"}}"#;
    let claim = claim(&two_clinics(), body).await;
    assert_eq!((claim.id(), claim.trace().conflicts.len()), (org(1), 1));
}

#[tokio::test]
async fn metadata_never_outranks_a_mapping_whatever_the_order_says() {
    let directory = two_clinics();
    let config = ChainConfig { order: vec![LookupStep::Metadata, LookupStep::AssistantId] };
    let chain = ResolverChain::new(directory, config);
    let body = r#"{"message":{"call":{"assistantId":"asst-a","metadata":{"org_id":"clinic-b"}}}}"#;
    let Resolution::Claimed(claim) = chain.resolve(&hints(body), now()).await.unwrap() else { panic!() };
    assert_eq!((claim.id(), claim.via()), (org(1), LookupStep::AssistantId));
    assert_eq!(claim.trace().conflicts[0].organization_id, Some(org(2)));
}

#[tokio::test]
async fn a_pin_decides_only_without_a_mapping() {
    let directory = two_clinics();
    directory.pin("call-1", org(2));
    let mapped = claim(&directory, r#"{"message":{"call":{"id":"call-1","assistantId":"asst-a"}}}"#).await;
    assert_eq!(mapped.id(), org(1));
    assert_eq!(lines(mapped.trace()), ["assistant_id asst-a Hit", "call_id call-1 Skipped"]);
    let pinned = claim(&directory, r#"{"message":{"call":{"id":"call-1","assistantId":"gone"}}}"#).await;
    assert_eq!((pinned.id(), pinned.via()), (org(2), LookupStep::CallId));
    directory.pin("call-1", org(1));
    let contested = miss(&directory, r#"{"message":{"call":{"id":"call-1"}}}"#).await;
    assert_eq!(lines(&contested.trace), ["call_id call-1 Miss"]);
}

#[tokio::test]
async fn a_pin_and_metadata_of_another_conflict() {
    let directory = two_clinics();
    directory.pin("call-1", org(1));
    let body = r#"{"message":{"call":{"id":"call-1","metadata":{"org_id":"clinic-b"}}}}"#;
    let claim = claim(&directory, body).await;
    assert_eq!((claim.id(), claim.trace().conflicts.len()), (org(1), 1));
}

#[tokio::test]
async fn an_inactive_mapping_is_a_miss_that_says_so() {
    let directory = two_clinics();
    directory.set_mapping_active(IdentifierKind::AssistantId, "asst-a", false);
    let body = r#"{"message":{"call":{"assistantId":"asst-a"}}}"#;
    let unresolved = miss(&directory, body).await;
    assert!(unresolved.is_inactive);
    assert_eq!(unresolved.detail(), "Organization not found for this assistant");
    let body = r#"{"message":{"call":{"assistantId":"asst-a","phoneNumberId":"pn-a"}}}"#;
    assert_eq!(claim(&directory, body).await.via(), LookupStep::PhoneNumberId);
}

#[tokio::test]
async fn nothing_else_identifies() {
    for body in [
        r#"{"message":{"type":"hang"}}"#,
        r#"{"message":{"assistantId":"","call":{"assistantId":null,"phoneNumberId":"*"}}}"#,
        r#"{"message":{"customer":{"number":"+15552010101"}}}"#,
        r#"{"message":{"call":{"customer":{"number":"+15552010101"}}}}"#,
        r#"{"message":{"call":{"orgId":"clinic-a"}}}"#,
        r#"{"message":{"call":{"assistantOverrides":{"variableValues":{"org_id":"clinic-a"}}}}}"#,
        r#"{"message":{"toolCallList":[{"id":"t","function":{"name":"x","arguments":{"org_id":"clinic-a","assistantId":"asst-a"}}}]}}"#,
        r#"{"message":{"destination":{"number":"+15552010101"},"transcript":"+15552010101"}}"#,
        r#"{"message":{"phoneNumber":{"number":"5552010101"}}}"#,
    ] {
        assert!(matches!(resolve(&two_clinics(), body).await, Resolution::Unresolved(_)), "{body}");
    }
}

#[tokio::test]
async fn two_null_numbers_never_match_each_other() {
    let directory = MemoryDirectory::new();
    for number in [1, 2] {
        directory.put_organization(org(number), Vec::new());
        for nothing in ["", "  ", "*", "none"] {
            directory.map(IdentifierKind::PhoneNumber, nothing, org(number)).unwrap();
        }
    }
    let unresolved = miss(&Arc::new(directory), r#"{"message":{"phoneNumber":{"number":""}}}"#).await;
    assert_eq!(unresolved.tried, None);
}

#[tokio::test]
async fn a_late_report_goes_to_the_owner_at_the_time() {
    let directory = two_clinics();
    directory.unmap(IdentifierKind::PhoneNumber, "+15552010101", at(1_700_000_000));
    directory.map(IdentifierKind::PhoneNumber, "+15552010101", org(2)).unwrap();
    let body = |created: &str| {
        format!(
            r#"{{"message":{{"phoneNumber":{{"number":"+15552010101"}},"call":{{"id":"c","createdAt":{created}}}}}}}"#
        )
    };
    // 2023-11-14T22:13:20Z is 1,700,000,000 seconds after the epoch (`date -ud @1700000000`).
    assert_eq!(claim(&directory, &body(r#""2023-11-14T22:13:19.999Z""#)).await.id(), org(1));
    assert_eq!(claim(&directory, &body(r#""2023-11-14T22:13:20.000Z""#)).await.id(), org(2));
    assert_eq!(claim(&directory, &body("null")).await.id(), org(2));
    assert_eq!(claim(&directory, &body(r#""2999-01-01T00:00:00Z""#)).await.id(), org(2));
}

#[tokio::test]
async fn the_past_of_a_removed_organization_is_nobodys() {
    let directory = two_clinics();
    directory.remove_organization(org(1), at(1_700_000_000));
    directory.map(IdentifierKind::PhoneNumber, "+15552010101", org(2)).unwrap();
    let body = |created: &str| {
        format!(
            r#"{{"message":{{"phoneNumber":{{"number":"+15552010101"}},"call":{{"id":"c","createdAt":{created}}}}}}}"#
        )
    };
    // 2023-11-14T22:13:20Z is 1,700,000,000 seconds after the epoch (`date -ud @1700000000`).
    let unresolved = miss(&directory, &body(r#""2023-11-14T22:13:19.999Z""#)).await;
    assert!(unresolved.was_owned && !unresolved.is_inactive);
    assert_eq!(claim(&directory, &body(r#""2023-11-14T22:13:20.000Z""#)).await.id(), org(2));
    assert_eq!(claim(&directory, &body("null")).await.id(), org(2));
    let unknown = miss(&directory, r#"{"message":{"call":{"assistantId":"asst-of-nobody"}}}"#).await;
    assert!(!unknown.was_owned);
}

#[tokio::test]
async fn a_declared_claim_names_an_organization_by_id_or_slug() {
    let directory = two_clinics();
    for name in ["clinic-a", &org(1).to_string()] {
        let hints = OrgHints::declared(name, "x-organization-id");
        let Resolution::Claimed(claim) = chain(&directory).resolve(&hints, now()).await.unwrap() else {
            panic!()
        };
        assert_eq!(claim.id(), org(1));
    }
}

#[tokio::test]
async fn missing_metadata_is_noticed_only_beside_another_decision() {
    let directory = two_clinics();
    assert!(
        claim(&directory, r#"{"message":{"call":{"assistantId":"asst-a"}}}"#).await.is_metadata_missing()
    );
    let body = r#"{"message":{"call":{"assistantId":"asst-a","metadata":{"org_id":"clinic-a"}}}}"#;
    assert!(!claim(&directory, body).await.is_metadata_missing());
    let body = r#"{"message":{"call":{"metadata":{"org_id":"clinic-a"}}}}"#;
    assert!(!claim(&directory, body).await.is_metadata_missing());
}

proptest! {
    #[test]
    fn whatever_else_a_message_holds_the_mapped_assistant_decides(
        org_id in "[a-z]{0,12}", number in "\\+?[0-9 -]{0,20}", call in "[a-z0-9-]{0,40}",
    ) {
        let body = serde_json::json!({"message": {"type": "hang", "phoneNumber": {"number": number},
            "call": {"id": call, "assistantId": "asst-a", "metadata": {"org_id": org_id}}}});
        let directory = two_clinics();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let claim = runtime.block_on(claim(&directory, &body.to_string()));
        prop_assert_eq!(claim.id(), org(1));
        prop_assert_eq!(claim.via(), LookupStep::AssistantId);
    }
}
