//! The inbox.

use futures::future::join_all;
use serde_json::json;
use storage::StorageError;
use storage::repo::{EventId, EventVerdict, Inserted, NewEvent};

use crate::support::{A, B, Fixture, now, on_both};

on_both!(
    a_message_is_stored_once,
    parallel_deliveries_are_one_message,
    a_delivery_after_a_rolled_back_one_is_new,
    bodies_come_back_as_they_were,
    answers_are_kept,
    messages_are_counted,
    a_message_of_another_organization_is_a_missing_one,
);

fn event(key: &str) -> NewEvent<'_> {
    NewEvent {
        kind: "status-update",
        vapi_call_id: Some("call-1"),
        dedupe_key: key,
        verdict: EventVerdict::Accepted,
        trace: json!({"steps": []}),
        body: br#"{"message":{"type":"status-update"}}"#,
        request_id: "request-1",
        received_at: now(),
    }
}

fn id(inserted: &Inserted) -> EventId {
    match inserted {
        Inserted::New(id) | Inserted::Again { id, .. } => *id,
    }
}

async fn a_message_is_stored_once(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let first = scope.events().insert(&event("k1")).await.unwrap();
    assert!(matches!(first, Inserted::New(_)));
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let again = scope.events().insert(&event("k1")).await.unwrap();
    assert_eq!(again, Inserted::Again { id: id(&first), answer: None });
    assert!(matches!(scope.events().insert(&event("k2")).await.unwrap(), Inserted::New(_)));
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'k1' AND deliveries = 2").await, 1);
    assert_eq!(
        fixture
            .count(
                "webhook_events",
                &format!(
                    "organization_id = '{A}' AND kind = 'status-update' AND vapi_call_id = 'call-1' AND
                     verdict = 'accepted' AND request_id = 'request-1' AND body_bytes = 36"
                )
            )
            .await,
        2
    );
}

async fn parallel_deliveries_are_one_message(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..12).map(|_| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let inserted = scope.events().insert(&event("k1")).await.unwrap();
        if let Inserted::New(id) = inserted {
            scope.events().save_answer(id, &json!({"results": []})).await.unwrap();
        }
        scope.commit().await.unwrap();
        inserted
    });
    let inserted = join_all(work).await;
    assert_eq!(inserted.iter().filter(|one| matches!(one, Inserted::New(_))).count(), 1);
    // Every other delivery has waited for the first, and has its answer.
    let answer = Some(json!({"results": []}));
    let again = Inserted::Again { id: id(&inserted[0]), answer };
    assert_eq!(inserted.iter().filter(|one| **one == again).count(), 11);
    assert_eq!(fixture.count("webhook_events", "deliveries = 12").await, 1);
}

async fn a_delivery_after_a_rolled_back_one_is_new(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.events().insert(&event("k1")).await.unwrap();
    drop(scope);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(matches!(scope.events().insert(&event("k1")).await.unwrap(), Inserted::New(_)));
    scope.commit().await.unwrap();
}

async fn bodies_come_back_as_they_were(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    // Not UTF-8, with NUL, and long enough to be worth compressing.
    let mut body = vec![0_u8, 255, 254];
    body.extend("{\"a\":\"\\u0000\\ud800\"}".repeat(10_000).bytes());
    let stored = scope.events().insert(&NewEvent { body: &body, ..event("k1") }).await.unwrap();
    assert_eq!(scope.events().body(id(&stored)).await.unwrap().unwrap(), body);
    scope.events().replace_body(id(&stored), b"fuller").await.unwrap();
    assert_eq!(scope.events().body(id(&stored)).await.unwrap().unwrap(), b"fuller");
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "body_bytes = 6").await, 1);

    // A length of 4 GiB in front: nothing like that was ever stored.
    let garbage = if fixture.is_postgres() { r"'\xffffffff00'" } else { "x'ffffffff00'" };
    fixture.execute(&format!("UPDATE webhook_events SET body = {garbage}")).await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let corrupt = scope.events().body(id(&stored)).await.unwrap_err();
    assert!(matches!(corrupt, StorageError::Inconsistent { column: "body", .. }), "{corrupt:?}");
}

async fn answers_are_kept(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let stored = scope.events().insert(&event("k1")).await.unwrap();
    let answer = json!({"results": [{"toolCallId": "t", "result": "Booked\u{0}."}]});
    scope.events().save_answer(id(&stored), &answer).await.unwrap();
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let Inserted::Again { answer, .. } = scope.events().insert(&event("k1")).await.unwrap() else {
        panic!("the key is known");
    };
    assert_eq!(answer, Some(json!({"results": [{"toolCallId": "t", "result": "Booked."}]})));
}

async fn messages_are_counted(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.events().insert(&event("k1")).await.unwrap();
    scope.events().insert(&event("k2")).await.unwrap();
    scope.events().insert(&NewEvent { vapi_call_id: None, ..event("k3") }).await.unwrap();
    assert_eq!(scope.events().count(Some("call-1")).await.unwrap(), 2);
    assert_eq!(scope.events().count(Some("call-2")).await.unwrap(), 0);
    assert_eq!(scope.events().count(None).await.unwrap(), 3);
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.events().count(None).await.unwrap(), 0);
    assert_eq!(scope.events().count(Some("call-1")).await.unwrap(), 0);
}

async fn a_message_of_another_organization_is_a_missing_one(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let own = id(&scope.events().insert(&event("k1")).await.unwrap());
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.events().body(own).await.unwrap(), None);
    let refused = scope.events().replace_body(own, b"overwritten").await.unwrap_err();
    assert!(matches!(refused, StorageError::Inconsistent { .. }));
    let refused = scope.events().save_answer(own, &json!({})).await.unwrap_err();
    assert!(matches!(refused, StorageError::Inconsistent { .. }));
    // The same dedupe key is another message here.
    assert!(matches!(scope.events().insert(&event("k1")).await.unwrap(), Inserted::New(_)));
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.events().body(own).await.unwrap().unwrap(), event("k1").body);
    assert_eq!(
        fixture
            .count(
                "webhook_events",
                &format!("organization_id = '{A}' AND deliveries = 1 AND answer IS NULL")
            )
            .await,
        1
    );
    assert_eq!(fixture.count("webhook_events", &format!("organization_id = '{B}'")).await, 1);
}
