//! The inbox, through a scope. A record's other effects are in `records`.

use std::sync::Arc;

use futures::future::join_all;
use storage::repo::EventVerdict;
use storage::{NewEvent, OrgScope, Record, Recorded, StorageError};

use crate::support::{A, B, Fixture, event, hold_call, on_both};

on_both!(
    a_message_is_stored_once,
    parallel_deliveries_are_one_message,
    a_delivery_after_a_rolled_back_one_is_new,
    bodies_come_back_as_they_were,
    verdicts_are_stored_by_name,
    messages_are_counted,
    a_message_of_another_organization_is_a_missing_one,
);

const NEW: Recorded = Recorded {
    is_new: true,
    is_contested: false,
    ledger_changed: false,
    has_contact: false,
    is_erased: false,
};
const AGAIN: Recorded = Recorded { is_new: false, ..NEW };

async fn record(scope: &mut OrgScope, event: &NewEvent<'_>) -> Recorded {
    scope.events().record(Arc::new(Record::new(event))).await.unwrap()
}

async fn a_message_is_stored_once(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(record(&mut scope, &event("k1", "call-1")).await, NEW);
    scope.commit().await.unwrap();
    let first = fixture.event_id(A, "k1").await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let later = NewEvent { request_id: "request-2", ..event("k1", "call-1") };
    assert_eq!(record(&mut scope, &later).await, AGAIN);
    assert_eq!(record(&mut scope, &event("k2", "call-1")).await, NEW);
    assert_eq!(record(&mut scope, &event("k2", "call-1")).await, AGAIN, "in the same scope too");
    scope.commit().await.unwrap();
    assert_eq!(fixture.event_id(A, "k1").await, first);
    assert_eq!(
        fixture
            .count(
                "webhook_events",
                &format!(
                    "organization_id = '{A}' AND kind = 'status-update' AND vapi_call_id = 'call-1' AND
                     verdict = 'accepted' AND request_id = 'request-1' AND body_bytes = 36 AND deliveries = 2"
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
        let recorded = record(&mut scope, &event("k1", "call-1")).await;
        if recorded.is_new {
            hold_call(&mut scope, "call-2").await;
        }
        // Every other delivery has waited for the first, and sees what it did.
        assert!(scope.calls().get("call-2").await.unwrap().is_some());
        scope.commit().await.unwrap();
        recorded
    });
    let recorded = join_all(work).await;
    assert_eq!(recorded.iter().filter(|one| one.is_new).count(), 1);
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'k1' AND deliveries = 12").await, 1);
}

async fn a_delivery_after_a_rolled_back_one_is_new(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    record(&mut scope, &event("k1", "call-1")).await;
    drop(scope);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(record(&mut scope, &event("k1", "call-1")).await, NEW);
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 1);
}

async fn bodies_come_back_as_they_were(fixture: Fixture) {
    // Not UTF-8, with NUL, and long enough to be worth compressing.
    let mut body = vec![0_u8, 255, 254];
    body.extend("{\"a\":\"\\u0000\\ud800\"}".repeat(10_000).bytes());
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    record(&mut scope, &NewEvent { body: &body, ..event("k1", "call-1") }).await;
    scope.commit().await.unwrap();
    let id = fixture.event_id(A, "k1").await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.events().body(id).await.unwrap().unwrap(), body);
    scope.commit().await.unwrap();
    // 3, and 10,000 times the 20 of the repeated text.
    assert_eq!(fixture.count("webhook_events", "body_bytes = 200003").await, 1);

    // A length of 4 GiB in front: nothing like that was ever stored.
    let garbage = if fixture.is_postgres() { r"'\xffffffff00'" } else { "x'ffffffff00'" };
    fixture.execute(&format!("UPDATE webhook_events SET body = {garbage}")).await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let corrupt = scope.events().body(id).await.unwrap_err();
    assert!(matches!(corrupt, StorageError::Inconsistent { column: "body", .. }), "{corrupt:?}");
}

async fn verdicts_are_stored_by_name(fixture: Fixture) {
    let verdicts = [
        (EventVerdict::Accepted, "accepted"),
        (EventVerdict::Drifted, "drifted"),
        (EventVerdict::Conflict, "conflict"),
        (EventVerdict::Inactive, "inactive"),
    ];
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    for (verdict, name) in verdicts {
        record(&mut scope, &NewEvent { verdict, ..event(name, "call-1") }).await;
    }
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "verdict = dedupe_key").await, 4);
}

async fn messages_are_counted(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    record(&mut scope, &event("k1", "call-1")).await;
    record(&mut scope, &event("k2", "call-1")).await;
    record(&mut scope, &NewEvent { vapi_call_id: None, ..event("k3", "") }).await;
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
    record(&mut scope, &event("k1", "call-1")).await;
    scope.commit().await.unwrap();
    let own = fixture.event_id(A, "k1").await;

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.events().body(own).await.unwrap(), None);
    // The same dedupe key is another message here, and its fuller body replaces nobody's.
    let fuller = NewEvent { body: &[b'x'; 100], ..event("k1", "call-2") };
    assert_eq!(record(&mut scope, &fuller).await, NEW);
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.events().body(own).await.unwrap().unwrap(), event("k1", "call-1").body);
    for organization in [A, B] {
        let condition = format!("organization_id = '{organization}' AND deliveries = 1");
        assert_eq!(fixture.count("webhook_events", &condition).await, 1);
    }
}
