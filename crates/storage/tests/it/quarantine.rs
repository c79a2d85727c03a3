//! The quarantine through the operator's door, and the operator's way into one organization.

use std::sync::Arc;

use serde_json::json;
use storage::repo::{After, EventVerdict};
use storage::{CallUpdate, NewEvent, QuarantinedMessage, Record, StorageError};
use uuid::Uuid;

use crate::support::{A, B, Fixture, now, on_both, org};

on_both!(
    messages_are_listed_page_by_page,
    a_message_is_read_with_its_body,
    a_message_is_removed_once,
    whoever_enters_an_organization_is_written_down_first,
    an_entered_scope_sees_one_organization,
    nobody_enters_without_a_name_or_where_nothing_is,
);

const BODY: &[u8] = br#"{"message":{"type":"status-update"}}"#;

async fn keep(fixture: &Fixture, request_id: &str) {
    let message = QuarantinedMessage {
        kind: "status-update",
        vapi_call_id: Some("call-1"),
        dedupe_key: "status-update/call-1/ringing",
        identifiers: json!([{"step": "assistant_id", "value": "asst_x"}]),
        body: BODY,
        request_id,
        received_at: now(),
    };
    assert!(fixture.storage.quarantine(&message).await.unwrap());
}

async fn messages_are_listed_page_by_page(fixture: Fixture) {
    for nth in 0..5 {
        keep(&fixture, &format!("request-{nth}")).await;
    }
    // All at one instant: then the id says which comes after.
    fixture.execute("UPDATE quarantine SET received_at = '2026-11-21T12:00:00.000000Z'").await;
    let mut door = fixture.storage.operator("ann", "looking").await.unwrap();
    let mut requests = Vec::new();
    let mut after: Option<After> = None;
    loop {
        let page = door.list_quarantined(after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        requests.extend(page.into_iter().map(|entry| entry.request_id));
    }
    door.commit().await.unwrap();
    requests.sort();
    assert_eq!(requests, ["request-0", "request-1", "request-2", "request-3", "request-4"]);
    assert_eq!(fixture.count("audit_log", "actor = 'ann' AND action = 'open'").await, 1);
}

async fn a_message_is_read_with_its_body(fixture: Fixture) {
    keep(&fixture, "request-0").await;
    let mut door = fixture.storage.operator("ann", "looking").await.unwrap();
    let listed = door.list_quarantined(None, 10).await.unwrap().remove(0);
    let (entry, body) = door.quarantined(listed.id).await.unwrap().unwrap();
    assert_eq!(body, BODY);
    assert_eq!(entry, listed);
    assert_eq!(
        (entry.kind.as_str(), entry.vapi_call_id.as_deref(), entry.dedupe_key.as_str(), entry.body_bytes),
        ("status-update", Some("call-1"), "status-update/call-1/ringing", 36)
    );
    assert_eq!(entry.identifiers, json!([{"step": "assistant_id", "value": "asst_x"}]));
    assert_eq!(door.quarantined(Uuid::nil()).await.unwrap(), None);
    door.commit().await.unwrap();
    let read = format!("actor = 'ann' AND action = 'read quarantined message' AND subject = '{}'", entry.id);
    assert_eq!(fixture.count("audit_log", &read).await, 1);

    let garbage = if fixture.is_postgres() { r"'\xffffffff00'" } else { "x'ffffffff00'" };
    fixture.execute(&format!("UPDATE quarantine SET body = {garbage}")).await;
    let mut door = fixture.storage.operator("ann", "looking").await.unwrap();
    let corrupt = door.quarantined(entry.id).await.unwrap_err();
    assert!(matches!(corrupt, StorageError::Inconsistent { table: "quarantine", .. }), "{corrupt:?}");
}

async fn a_message_is_removed_once(fixture: Fixture) {
    keep(&fixture, "request-0").await;
    keep(&fixture, "request-1").await;
    let mut door = fixture.storage.operator("ann", "tidying").await.unwrap();
    let ids: Vec<Uuid> =
        door.list_quarantined(None, 10).await.unwrap().into_iter().map(|entry| entry.id).collect();
    assert!(door.remove_quarantined(ids[0], Some(org(A))).await.unwrap());
    assert!(!door.remove_quarantined(ids[0], Some(org(A))).await.unwrap());
    door.rollback().await.unwrap();
    assert_eq!(fixture.count("quarantine", "true").await, 2);

    let mut door = fixture.storage.operator("ann", "tidying").await.unwrap();
    assert!(door.remove_quarantined(ids[0], Some(org(A))).await.unwrap());
    assert!(door.remove_quarantined(ids[1], None).await.unwrap());
    door.commit().await.unwrap();
    assert_eq!(fixture.count("quarantine", "true").await, 0);
    for (id, action, detail) in
        [(ids[0], "claim quarantined message", A), (ids[1], "drop quarantined message", "tidying")]
    {
        let line =
            format!("action = '{action}' AND subject = '{id}' AND CAST(detail AS text) LIKE '%{detail}%'");
        assert_eq!(fixture.count("audit_log", &line).await, 1, "{action}");
    }
}

async fn whoever_enters_an_organization_is_written_down_first(fixture: Fixture) {
    let entered = fixture.storage.enter(org(A), "ann", "replaying").await.unwrap().unwrap();
    assert_eq!((entered.id(), entered.entry().slug.as_deref()), (org(A), Some("northgate")));
    // Before any scope was opened.
    let line = format!(
        "actor = 'ann' AND action = 'enter' AND subject = 'organization {A}' AND
         CAST(detail AS text) LIKE '%replaying%'"
    );
    assert_eq!(fixture.count("audit_log", &line).await, 1);
    drop(entered);
    assert_eq!(fixture.count("audit_log", &line).await, 1);
}

async fn an_entered_scope_sees_one_organization(fixture: Fixture) {
    let event = NewEvent {
        kind: "hang",
        vapi_call_id: Some("call-1"),
        dedupe_key: "k1",
        verdict: EventVerdict::Accepted,
        trace: "{}",
        body: b"{}",
        request_id: "request-1",
        received_at: now(),
    };
    for verified in [&fixture.a, &fixture.b] {
        let mut scope = fixture.storage.scope(verified).await.unwrap();
        let record = Record::new(&event).with_call_update(CallUpdate::default());
        scope.events().record(Arc::new(record)).await.unwrap();
        scope.commit().await.unwrap();
    }
    let entered = fixture.storage.enter(org(B), "ann", "replaying").await.unwrap().unwrap();
    let mut scope = fixture.storage.entered_scope(&entered).await.unwrap();
    assert_eq!(scope.org_id(), org(B));
    assert_eq!(scope.events().count(None).await.unwrap(), 1);
    let say = |call: &'static str, key: &'static str| {
        let update = CallUpdate { call_type: Some("theirs".to_owned()), ..CallUpdate::default() };
        let event = NewEvent { vapi_call_id: Some(call), dedupe_key: key, ..event.clone() };
        Arc::new(Record::new(&event).with_call_update(update))
    };
    scope.events().record(say("call-1", "k2")).await.unwrap();
    scope.commit().await.unwrap();
    assert_eq!(
        fixture.count("call_logs", &format!("organization_id = '{B}' AND call_type = 'theirs'")).await,
        1
    );
    assert_eq!(fixture.count("call_logs", "call_type = 'theirs'").await, 1);
    // Like every other scope, it changes nothing unless it is committed.
    let mut scope = fixture.storage.entered_scope(&entered).await.unwrap();
    scope.events().record(say("call-2", "k3")).await.unwrap();
    drop(scope);
    let mut scope = fixture.storage.entered_scope(&entered).await.unwrap();
    assert_eq!(scope.calls().get("call-2").await.unwrap(), None);
}

async fn nobody_enters_without_a_name_or_where_nothing_is(fixture: Fixture) {
    for (actor, reason) in [("", "why"), ("ann", " ")] {
        let refused = fixture.storage.enter(org(A), actor, reason).await.unwrap_err();
        assert!(matches!(refused, StorageError::Configuration(_)), "{refused:?}");
    }
    let nowhere = org("99999999-9999-4999-8999-999999999999");
    assert!(fixture.storage.enter(nowhere, "ann", "why").await.unwrap().is_none());
    assert_eq!(fixture.count("audit_log", "true").await, 0);
}
