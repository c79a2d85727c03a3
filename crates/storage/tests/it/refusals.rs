//! Messages that are refused or claimed by nobody: recorded where they belong, and within bounds.

use std::time::Duration;

use chrono::TimeDelta;
use org_resolver::{RefusalReason, RefusedOrg};
use serde_json::json;
use storage::repo::{EventVerdict, SecurityEntry};
use storage::{NewEvent, QuarantineBounds, QuarantinedMessage, Record};

use crate::support::{A, B, Fixture, now, on_both, org};

on_both!(
    a_refused_message_is_recorded_for_its_organization,
    the_security_log_of_another_organization_is_out_of_reach,
    quarantine_keeps_what_fits,
    quarantine_keeps_bytes_within_bounds,
    old_messages_leave_quarantine,
);

fn event() -> NewEvent<'static> {
    NewEvent {
        kind: "tool-calls",
        vapi_call_id: Some("call-1"),
        dedupe_key: "k1",
        verdict: EventVerdict::Conflict,
        trace: r#"{"conflicts":[{"path":"message.call.metadata.org_id"}]}"#,
        body: b"{}",
        request_id: "request-1",
        received_at: now(),
    }
}

fn entry() -> SecurityEntry<'static> {
    SecurityEntry {
        event: "conflict",
        detail: json!({"paths": ["message.call.metadata.org_id\u{0}"]}),
        vapi_call_id: Some("call-1"),
        request_id: "request-1",
    }
}

async fn a_refused_message_is_recorded_for_its_organization(fixture: Fixture) {
    let refused = RefusedOrg::for_tests(org(A), RefusalReason::Conflict(Vec::new()));
    fixture.storage.record_refusal(&refused, Record::new(&event()), &entry()).await.unwrap();
    // A second delivery is counted, and is no second incident.
    fixture.storage.record_refusal(&refused, Record::new(&event()), &entry()).await.unwrap();
    let own = format!("organization_id = '{A}'");
    assert_eq!(
        fixture.count("webhook_events", &format!("{own} AND verdict = 'conflict' AND deliveries = 2")).await,
        1
    );
    assert_eq!(
        fixture
            .count("security_log", &format!("{own} AND event = 'conflict' AND vapi_call_id = 'call-1'"))
            .await,
        1
    );
    assert_eq!(fixture.count("webhook_events", &format!("organization_id = '{B}'")).await, 0);
    assert_eq!(fixture.count("security_log", &format!("organization_id = '{B}'")).await, 0);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.security_log().count().await.unwrap(), 1);
}

async fn the_security_log_of_another_organization_is_out_of_reach(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.security_log().insert(&entry(), now()).await.unwrap();
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.security_log().count().await.unwrap(), 0);
    scope.security_log().insert(&SecurityEntry { event: "inactive", ..entry() }, now()).await.unwrap();
    scope.commit().await.unwrap();
    assert_eq!(
        fixture.count("security_log", &format!("organization_id = '{A}' AND event = 'conflict'")).await,
        1
    );
    assert_eq!(
        fixture.count("security_log", &format!("organization_id = '{B}' AND event = 'inactive'")).await,
        1
    );
}

fn unclaimed<'a>(request_id: &'a str, body: &'a [u8]) -> QuarantinedMessage<'a> {
    QuarantinedMessage {
        kind: "status-update",
        vapi_call_id: Some("call-1"),
        dedupe_key: "status-update/call-1/ringing",
        identifiers: json!([{"kind": "assistant_id", "value": "asst_\u{0}x"}]),
        body,
        request_id,
        received_at: now(),
    }
}

const BOUNDS: QuarantineBounds =
    QuarantineBounds { max_messages: 3, max_bytes: 1_000_000, max_age: Duration::from_secs(3600) };

async fn quarantine_keeps_what_fits(fixture: Fixture) {
    for number in 0..6 {
        fixture.storage.quarantine(&unclaimed(&format!("request-{number}"), b"{}"), BOUNDS).await.unwrap();
    }
    assert_eq!(fixture.count("quarantine", "true").await, 3);
    // The latest is kept whatever the clock says of the others.
    assert_eq!(fixture.count("quarantine", "request_id = 'request-5' AND body_bytes = 2").await, 1);
    assert_eq!(
        fixture
            .value("SELECT CAST(identifiers AS text) AS v FROM quarantine LIMIT 1")
            .await
            .unwrap()
            .replace(' ', ""),
        r#"[{"kind":"assistant_id","value":"asst_x"}]"#
    );
    let none = QuarantineBounds { max_messages: 0, ..BOUNDS };
    fixture.storage.quarantine(&unclaimed("request-6", b"{}"), none).await.unwrap();
    assert_eq!(fixture.count("quarantine", "request_id = 'request-6'").await, 0);
}

async fn quarantine_keeps_bytes_within_bounds(fixture: Fixture) {
    // Bytes that do not compress: each is 1000 long, and a little more once packed.
    let mut state = 1_u32;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(1000)
    .collect();
    let bounds = QuarantineBounds { max_messages: 100, max_bytes: 2500, ..BOUNDS };
    for number in 0..4 {
        fixture.storage.quarantine(&unclaimed(&format!("request-{number}"), &body), bounds).await.unwrap();
    }
    assert_eq!(fixture.count("quarantine", "true").await, 2);
    // Alone over the bound: it is not kept, and pushes nobody out.
    let small = QuarantineBounds { max_bytes: 900, ..bounds };
    fixture.storage.quarantine(&unclaimed("request-9", &body), small).await.unwrap();
    assert_eq!(fixture.count("quarantine", "true").await, 2);
    assert_eq!(fixture.count("quarantine", "request_id = 'request-9'").await, 0);
}

async fn old_messages_leave_quarantine(fixture: Fixture) {
    fixture.storage.quarantine(&unclaimed("request-0", b"{}"), BOUNDS).await.unwrap();
    fixture.execute("UPDATE quarantine SET received_at = '2020-01-01T00:00:00.000000Z'").await;
    let later =
        QuarantinedMessage { received_at: now() + TimeDelta::minutes(1), ..unclaimed("request-1", b"{}") };
    fixture.storage.quarantine(&later, BOUNDS).await.unwrap();
    assert_eq!(fixture.count("quarantine", "request_id = 'request-1'").await, 1);
    assert_eq!(fixture.count("quarantine", "true").await, 1);
}
