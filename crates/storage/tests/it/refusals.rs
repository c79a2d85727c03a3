//! Messages that are refused or claimed by nobody: recorded where they belong, and within bounds.

use chrono::TimeDelta;
use org_resolver::{OrgId, RefusalReason, RefusedOrg};
use serde_json::json;
use storage::repo::{EventVerdict, SecurityEntry};
use storage::{NewEvent, QuarantineBounds, QuarantinedMessage, Record, RefusalCount, RefusalFilter};

use crate::support::{A, B, Fixture, now, on_both, on_postgres, org};

on_both!(
    a_refused_message_is_recorded_for_its_organization,
    the_security_log_of_another_organization_is_out_of_reach,
    quarantine_keeps_the_latest,
    quarantine_keeps_bytes_within_bounds,
    old_messages_leave_quarantine,
    one_identifier_does_not_fill_the_quarantine,
    a_full_quarantine_waits_to_be_trimmed,
    refusals_alike_are_one_row,
    made_up_identifiers_push_out_none_that_comes_again,
);
on_postgres!(the_working_role_chooses_no_bounds, quarantine_takes_no_connection_of_tools);

fn unresolved(identifier: &str) -> RefusalCount {
    RefusalCount {
        reason: "unresolved".to_owned(),
        step: "assistant_id".to_owned(),
        identifier: identifier.to_owned(),
        organization_id: None,
        count: 1,
        first_at: now(),
        last_at: now(),
    }
}

async fn listed(fixture: &Fixture, organization: Option<OrgId>) -> Vec<RefusalCount> {
    let mut door = fixture.storage.operator("ann", "looking").await.unwrap();
    let filter = RefusalFilter { organization, since: now() - TimeDelta::days(1), limit: 20_000 };
    let found = door.refusals(filter).await.unwrap();
    door.commit().await.unwrap();
    found
}

async fn refusals_alike_are_one_row(fixture: Fixture) {
    let of = |org: &str| RefusalCount { organization_id: Some(org.parse().unwrap()), ..unresolved("asst_x") };
    let later = now() + TimeDelta::seconds(9);
    let again = RefusalCount { count: 4, first_at: later, last_at: later, ..unresolved("asst_x") };
    let gone = "99999999-9999-4999-8999-999999999999";
    // Of an organization that is gone by now, the claim is left out, and the row is the one without.
    fixture.storage.count_refusals(&[unresolved("asst_x"), of(A), of(gone)]).await.unwrap();
    fixture.storage.count_refusals(&[again]).await.unwrap();
    let found = listed(&fixture, None).await;
    assert_eq!(found, [RefusalCount { count: 6, last_at: later, ..unresolved("asst_x") }, of(A)]);
    assert_eq!(listed(&fixture, Some(org(A))).await, [of(A)]);
    assert_eq!(listed(&fixture, Some(org(B))).await, []);
    fixture.execute(&format!("DELETE FROM organizations WHERE id = '{A}'")).await;
    assert_eq!(listed(&fixture, None).await.len(), 1);
}

async fn made_up_identifiers_push_out_none_that_comes_again(fixture: Fixture) {
    let comes_again = RefusalCount { count: 2, ..unresolved("asst_real") };
    let claimed = RefusalCount { organization_id: Some(A.parse().unwrap()), ..unresolved("asst_old_secret") };
    let later = now() + TimeDelta::seconds(1);
    fixture.storage.count_refusals(&[comes_again, claimed, unresolved("asst_once")]).await.unwrap();
    for round in 0..6 {
        let flood =
            (0..1500).map(|nth| RefusalCount { last_at: later, ..unresolved(&format!("{round}-{nth}")) });
        fixture.storage.count_refusals(&flood.collect::<Vec<_>>()).await.unwrap();
    }
    let found = listed(&fixture, None).await;
    assert_eq!(found.len(), 5001, "half of the table is for claims");
    let has = |identifier: &str| found.iter().any(|row| row.identifier == identifier);
    assert!(has("asst_real") && has("asst_old_secret") && has("5-999"));
    assert!(!has("asst_once") && !has("5-1000"));
}

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
        identifiers: json!([{"step": "assistant_id", "value": "asst_\u{0}x"}]),
        body,
        request_id,
        received_at: now(),
    }
}

/// So old that no message of a test is over it, whatever day it is.
const AGELESS: QuarantineBounds =
    QuarantineBounds { max_messages: 3, max_bytes: 1_000_000, max_age_hours: 876_000 };

/// Keeps a message that came so many minutes after the first.
async fn keep(fixture: &Fixture, number: i64, message: QuarantinedMessage<'_>) -> bool {
    let message = QuarantinedMessage { received_at: now() + TimeDelta::minutes(number), ..message };
    fixture.storage.quarantine(&message).await.unwrap()
}

async fn quarantine_keeps_the_latest(fixture: Fixture) {
    fixture.storage.bound_quarantine(AGELESS).await.unwrap();
    for number in 0..6 {
        assert!(keep(&fixture, number, unclaimed(&format!("request-{number}"), b"{}")).await);
    }
    assert_eq!(fixture.count("quarantine", "true").await, 6, "trimming is nothing for a request");
    assert_eq!(fixture.storage.trim_quarantine().await.unwrap(), 3);
    let latest = "request_id IN ('request-3', 'request-4', 'request-5') AND body_bytes = 2";
    assert_eq!(fixture.count("quarantine", latest).await, 3);
    assert_eq!(
        fixture
            .value("SELECT CAST(identifiers AS text) AS v FROM quarantine LIMIT 1")
            .await
            .unwrap()
            .replace(' ', ""),
        r#"[{"step":"assistant_id","value":"asst_x"}]"#
    );
    assert_eq!(fixture.storage.trim_quarantine().await.unwrap(), 0);
    fixture.storage.bound_quarantine(QuarantineBounds { max_messages: 0, ..AGELESS }).await.unwrap();
    assert!(!keep(&fixture, 6, unclaimed("request-6", b"{}")).await);
}

async fn quarantine_keeps_bytes_within_bounds(fixture: Fixture) {
    // Bytes that do not compress: each is 1000 long, and a little more with what stands beside it.
    let mut state = 1_u32;
    let body: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(1000)
    .collect();
    let bounds = QuarantineBounds { max_messages: 100, max_bytes: 2500, ..AGELESS };
    fixture.storage.bound_quarantine(bounds).await.unwrap();
    for number in 0..4 {
        assert!(keep(&fixture, number, unclaimed(&format!("request-{number}"), &body)).await);
    }
    assert_eq!(fixture.storage.trim_quarantine().await.unwrap(), 2);
    assert_eq!(fixture.count("quarantine", "request_id IN ('request-2', 'request-3')").await, 2);
    // Alone over the bound: it is not kept, and pushes nobody out.
    fixture.storage.bound_quarantine(QuarantineBounds { max_bytes: 900, ..bounds }).await.unwrap();
    assert!(!keep(&fixture, 9, unclaimed("request-9", &body)).await);
    assert_eq!(fixture.count("quarantine", "true").await, 2);
    assert_eq!(fixture.count("quarantine", "request_id = 'request-9'").await, 0);
}

async fn old_messages_leave_quarantine(fixture: Fixture) {
    fixture.storage.bound_quarantine(QuarantineBounds { max_age_hours: 1, ..AGELESS }).await.unwrap();
    for number in 0..2 {
        assert!(keep(&fixture, number, unclaimed(&format!("request-{number}"), b"{}")).await);
    }
    for (number, year) in [(0, 2020), (1, 2200)] {
        let at = format!("{year}-01-01T00:00:00.000000Z");
        fixture
            .execute(&format!(
                "UPDATE quarantine SET received_at = '{at}' WHERE request_id = 'request-{number}'"
            ))
            .await;
    }
    assert_eq!(fixture.storage.trim_quarantine().await.unwrap(), 1);
    assert_eq!(fixture.count("quarantine", "request_id = 'request-1'").await, 1);
}

async fn one_identifier_does_not_fill_the_quarantine(fixture: Fixture) {
    fixture.storage.bound_quarantine(QuarantineBounds { max_messages: 1000, ..AGELESS }).await.unwrap();
    let other = json!([{"step": "phone_number", "value": "+15552010100"}, {"step": "call_id", "value": "c"}]);
    let other = QuarantinedMessage { identifiers: other, ..unclaimed("another", b"{}") };
    assert!(keep(&fixture, 0, other).await);
    // Named twice in one message is named once.
    let named = json!([{"step": "assistant_id", "value": "asst_x", "path": "message.assistant.id"},
                       {"step": "assistant_id", "value": "asst_x", "path": "message.call.assistantId"}]);
    for number in 1..=103 {
        let request = format!("request-{number}");
        let message = QuarantinedMessage { identifiers: named.clone(), ..unclaimed(&request, b"{}") };
        assert!(keep(&fixture, number, message).await);
    }
    assert_eq!(fixture.storage.trim_quarantine().await.unwrap(), 3);
    let first = "request_id IN ('request-1', 'request-2', 'request-3')";
    assert_eq!(fixture.count("quarantine", first).await, 0);
    assert_eq!(fixture.count("quarantine", "request_id = 'another'").await, 1);
}

async fn a_full_quarantine_waits_to_be_trimmed(fixture: Fixture) {
    fixture.storage.bound_quarantine(AGELESS).await.unwrap();
    // Three and the hundred that come between two trimmings.
    for number in 0..103 {
        assert!(keep(&fixture, number, unclaimed("early", b"{}")).await, "{number}");
    }
    assert!(!keep(&fixture, 103, unclaimed("late", b"{}")).await);
    assert_eq!(fixture.storage.trim_quarantine().await.unwrap(), 100);
    assert!(keep(&fixture, 104, unclaimed("late", b"{}")).await);
}

async fn the_working_role_chooses_no_bounds(fixture: Fixture) {
    fixture.storage.bound_quarantine(AGELESS).await.unwrap();
    assert!(keep(&fixture, 0, unclaimed("request-0", b"{}")).await);
    let may = |what: &str| format!("SELECT CAST({what} AS text) AS v");
    let asked = may("has_function_privilege('gateway_app', 'quarantine_bounds()', 'EXECUTE')");
    assert_eq!(fixture.value(&asked).await.as_deref(), Some("false"));
    let asked = may("has_table_privilege('gateway_app', 'deployment', 'SELECT, INSERT, UPDATE, DELETE')");
    assert_eq!(fixture.value(&asked).await.as_deref(), Some("false"));
    // Nothing that it may call takes a bound, and an odd list of identifiers stops nothing.
    fixture
        .execute(
            "SET ROLE gateway_app;
             SELECT quarantine_message('k', NULL, 'key', claims, '\\x00', 0, 'odd')
             FROM unnest(ARRAY['7', '\"text\"', '{}', '[null, 1]', 'null']::jsonb[]) claims;
             SELECT trim_quarantine();",
        )
        .await;
    assert_eq!(fixture.count("quarantine", "true").await, 3);
}

async fn quarantine_takes_no_connection_of_tools(fixture: Fixture) {
    let storage = fixture.reopened(|config| config.max_connections = 1).await;
    let held = storage.scope(&fixture.a).await.unwrap();
    assert!(storage.quarantine(&unclaimed("request-0", b"{}")).await.unwrap());
    storage.trim_quarantine().await.unwrap();
    held.rollback().await.unwrap();
}
