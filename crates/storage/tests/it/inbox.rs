//! The inbox, read again.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;
use storage::repo::{
    EventId, EventVerdict, KeyHash, NewToolResult, OrgState, SecurityEntry, StoredMessage, ToolAnswer,
};
use storage::{NewEvent, OrgScope, Record, StorageError};
use uuid::Uuid;

use crate::support::{A, Fixture, erase, hold_call, now, on_both};

on_both!(
    a_message_is_read_as_it_was_stored,
    a_call_is_listed_page_by_page_in_the_order_of_arrival,
    a_verdict_changes_and_no_delivery_is_counted,
    an_erased_call_is_known_as_one,
    pins_alarms_and_answers_are_seen,
    the_standing_is_the_scopes_own,
    the_inbox_of_another_organization_is_out_of_reach,
);

fn event(key: &str) -> NewEvent<'_> {
    NewEvent {
        kind: "status-update",
        vapi_call_id: Some("call-1"),
        dedupe_key: key,
        verdict: EventVerdict::Conflict,
        trace: r#"{"steps":[]}"#,
        body: b"{\"message\":{}}",
        request_id: "request-1",
        received_at: now(),
    }
}

async fn stored(scope: &mut OrgScope, event: &NewEvent<'_>) -> EventId {
    let record = Record::new(event).without_pin();
    assert!(scope.events().record(Arc::new(record)).await.unwrap().is_new, "the key is known");
    scope.inbox().find_by_key(event.dedupe_key).await.unwrap().unwrap().id
}

async fn a_message_is_read_as_it_was_stored(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let id = stored(&mut scope, &event("k1")).await;
    let expected = StoredMessage {
        id,
        kind: "status-update".to_owned(),
        vapi_call_id: Some("call-1".to_owned()),
        dedupe_key: "k1".to_owned(),
        verdict: EventVerdict::Conflict,
        body_bytes: 14,
        request_id: "request-1".to_owned(),
        received_at: now(),
        deliveries: 1,
    };
    assert_eq!(scope.inbox().get(id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(scope.inbox().find_by_key("k1").await.unwrap(), Some(expected));
    assert_eq!(scope.inbox().find_by_key("k2").await.unwrap(), None);
    assert_eq!(scope.inbox().get(EventId(Uuid::nil())).await.unwrap(), None);
    scope.commit().await.unwrap();

    fixture.execute("UPDATE webhook_events SET verdict = 'odd'").await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let corrupt = scope.inbox().get(id).await.unwrap_err();
    assert!(matches!(corrupt, StorageError::Inconsistent { column: "verdict", .. }), "{corrupt:?}");
}

async fn a_call_is_listed_page_by_page_in_the_order_of_arrival(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let keys = ["k0", "k1", "k2", "k3", "k4"];
    // Stored backwards, and two at the same instant.
    for (nth, key) in keys.iter().enumerate().rev() {
        let later = TimeDelta::seconds(i64::try_from(nth / 2).unwrap());
        stored(&mut scope, &NewEvent { received_at: now() + later, ..event(key) }).await;
    }
    stored(&mut scope, &NewEvent { vapi_call_id: Some("call-2"), ..event("other") }).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = scope.inbox().list("call-1", after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        seen.extend(page);
    }
    let mut found: Vec<&str> = seen.iter().map(|message| message.dedupe_key.as_str()).collect();
    assert!(seen.is_sorted_by_key(|message| (message.received_at, message.id.0)), "{found:?}");
    found.sort_unstable();
    assert_eq!(found, keys, "each of them once");
    assert_eq!(scope.inbox().list("call-3", None, 2).await.unwrap(), []);
}

async fn a_verdict_changes_and_no_delivery_is_counted(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let id = stored(&mut scope, &event("k1")).await;
    scope.inbox().set_verdict(id, EventVerdict::Accepted).await.unwrap();
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "verdict = 'accepted' AND deliveries = 1").await, 1);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let gone = scope.inbox().set_verdict(EventId(Uuid::nil()), EventVerdict::Accepted).await.unwrap_err();
    assert!(matches!(gone, StorageError::Inconsistent { .. }), "{gone:?}");
}

async fn an_erased_call_is_known_as_one(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let id = stored(&mut scope, &event("k1")).await;
    erase(&mut scope, "call-1").await;
    assert!(scope.calls().get("call-1").await.unwrap().unwrap().is_erased());
    assert!(scope.calls().get("call-2").await.unwrap().is_none());
    assert!(scope.inbox().get(id).await.unwrap().unwrap().is_erased());
}

async fn pins_alarms_and_answers_are_seen(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let key = KeyHash([7; 32]);
    assert!(!scope.inbox().is_pinned("call-1").await.unwrap());
    assert!(!scope.inbox().is_answered(key).await.unwrap());
    hold_call(&mut scope, "call-1").await;
    assert!(scope.inbox().is_pinned("call-1").await.unwrap());
    let entry =
        SecurityEntry { event: "conflict", detail: json!({}), vapi_call_id: Some("call-1"), request_id: "r" };
    scope.security_log().insert(&entry, now()).await.unwrap();
    assert_eq!(scope.inbox().alarms("call-1").await.unwrap(), 1);
    assert_eq!(scope.inbox().alarms("call-2").await.unwrap(), 0);
    let call = NewToolResult { key, vapi_call_id: "call-1", tool_call_id: "t", tool: "book" };
    scope.tool_results().reserve(&call, now()).await.unwrap();
    assert!(!scope.inbox().is_answered(key).await.unwrap(), "claimed and not answered yet");
    scope.tool_results().store(key, &ToolAnswer::Result("Booked.".to_owned()), true, None).await.unwrap();
    assert!(scope.inbox().is_answered(key).await.unwrap());
}

async fn the_standing_is_the_scopes_own(fixture: Fixture) {
    fixture
        .execute(&format!(
            "UPDATE organizations SET vapi_org_id = 'account', is_active = false, has_own_credentials = true
             WHERE id = '{A}'"
        ))
        .await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(
        scope.inbox().standing().await.unwrap(),
        OrgState { is_active: false, has_own_credentials: true, vapi_org_id: Some("account".to_owned()) }
    );
    drop(scope);
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(
        scope.inbox().standing().await.unwrap(),
        OrgState { is_active: true, has_own_credentials: false, vapi_org_id: None }
    );
}

async fn the_inbox_of_another_organization_is_out_of_reach(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let id = stored(&mut scope, &event("k1")).await;
    erase(&mut scope, "call-1").await;
    hold_call(&mut scope, "call-1").await;
    let entry =
        SecurityEntry { event: "conflict", detail: json!({}), vapi_call_id: Some("call-1"), request_id: "r" };
    scope.security_log().insert(&entry, now()).await.unwrap();
    let key = KeyHash([7; 32]);
    let call = NewToolResult { key, vapi_call_id: "call-1", tool_call_id: "t", tool: "book" };
    scope.tool_results().reserve(&call, now()).await.unwrap();
    scope.tool_results().store(key, &ToolAnswer::Result("Booked.".to_owned()), true, None).await.unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.inbox().get(id).await.unwrap(), None);
    assert_eq!(scope.inbox().find_by_key("k1").await.unwrap(), None);
    assert_eq!(scope.inbox().list("call-1", None, 10).await.unwrap(), []);
    assert!(!scope.inbox().is_pinned("call-1").await.unwrap());
    assert_eq!(scope.inbox().alarms("call-1").await.unwrap(), 0);
    assert!(!scope.inbox().is_answered(key).await.unwrap());
    let refused = scope.inbox().set_verdict(id, EventVerdict::Accepted).await.unwrap_err();
    assert!(matches!(refused, StorageError::Inconsistent { .. }), "{refused:?}");
    drop(scope);
    assert_eq!(fixture.count("webhook_events", "verdict = 'conflict'").await, 1);
}
