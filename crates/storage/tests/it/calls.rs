//! The ledger and the pins.

use std::sync::Arc;

use chrono::TimeDelta;
use futures::future::join_all;
use serde_json::json;
use storage::{NewEvent, Record, StorageError};

use crate::support::{A, B, Fixture, at, event, now, on_both};

on_both!(
    a_call_is_made_once_and_written_back_whole,
    unknown_fields_can_be_cleared_again,
    a_locked_call_makes_the_next_message_wait,
    calls_are_listed_latest_first,
    a_call_of_another_organization_is_a_missing_one,
    control_urls_are_sealed,
    nul_never_reaches_the_database,
    a_call_in_the_ledger_is_pinned,
    pins_tell_of_others_without_naming_them,
    erasing_a_call_leaves_the_rows,
);

async fn a_call_is_made_once_and_written_back_whole(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.calls().get("call-1").await.unwrap().is_none());
    let mut call = scope.calls().lock("call-1", now()).await.unwrap();
    assert_eq!(
        (call.vapi_call_id.as_str(), call.status.as_str(), call.status_rank),
        ("call-1", "unknown", 0)
    );
    assert_eq!((&call.metadata, call.created_at), (&json!({}), now()));

    call.call_type = Some("inboundPhoneCall".into());
    call.status = "ended".into();
    call.status_rank = 50;
    call.vapi_assistant_id = Some("asst_1".into());
    call.phone_number_id = Some("pn_1".into());
    call.customer_number = Some("+15552010100".into());
    call.contact_id = Some(uuid::Uuid::from_u128(7));
    call.metadata = json!({"leadId": "lead-456", "nested": {"a": [1, 2.5, null]}});
    call.started_at = Some(at(9, 0));
    call.ended_at = Some(at(9, 5));
    call.ended_reason = Some("customer-ended-call".into());
    call.duration_ms = Some(300_000);
    call.cost = Some(0.1234);
    call.transcript = Some("Hällo \u{1F600}\nline two".into());
    call.summary = Some("A summary".into());
    call.structured_data = Some(json!({"booked": true}));
    call.success_evaluation = Some("true".into());
    call.recording_url = Some("https://example.org/r.wav".into());
    call.stereo_recording_url = Some("https://example.org/s.wav".into());
    call.control_url = Some("https://example.org/control".into());
    scope.calls().update(&call, at(12, 1)).await.unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.calls().get("call-1").await.unwrap().unwrap(), call);
    // Found, not made again.
    assert_eq!(scope.calls().lock("call-1", at(13, 0)).await.unwrap(), call);
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("call_logs", "vapi_call_id = 'call-1'").await, 1);
}

async fn unknown_fields_can_be_cleared_again(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let mut call = scope.calls().lock("call-1", now()).await.unwrap();
    call.control_url = Some("https://example.org/control".into());
    call.summary = Some("x".into());
    scope.calls().update(&call, now()).await.unwrap();
    call.control_url = None;
    call.summary = None;
    scope.calls().update(&call, now()).await.unwrap();
    assert_eq!(scope.calls().get("call-1").await.unwrap().unwrap(), call);
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("call_logs", "sealed_control_url IS NULL AND sealing_key_id IS NULL").await, 1);
}

async fn a_locked_call_makes_the_next_message_wait(fixture: Fixture) {
    let fixture = &fixture;
    // Each adds one to what it read: a lost update would show in the sum.
    let work = (0..20).map(|_| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let mut call = scope.calls().lock("call-1", now()).await.unwrap();
        call.status_rank += 1;
        scope.calls().update(&call, now()).await.unwrap();
        scope.commit().await.unwrap();
    });
    join_all(work).await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.calls().get("call-1").await.unwrap().unwrap().status_rank, 20);
}

async fn calls_are_listed_latest_first(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    for (id, hour) in [("early", 8), ("late", 10), ("middle", 9)] {
        scope.calls().lock(id, at(hour, 0)).await.unwrap();
    }
    let ids =
        |calls: Vec<storage::repo::Call>| calls.into_iter().map(|call| call.vapi_call_id).collect::<Vec<_>>();
    assert_eq!(ids(scope.calls().list(10).await.unwrap()), ["late", "middle", "early"]);
    assert_eq!(ids(scope.calls().list(1).await.unwrap()), ["late"]);
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.calls().list(10).await.unwrap().is_empty());
}

async fn a_call_of_another_organization_is_a_missing_one(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let mut own = scope.calls().lock("call-1", now()).await.unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.calls().get("call-1").await.unwrap().is_none());
    own.summary = Some("overwritten".into());
    let refused = scope.calls().update(&own, now()).await.unwrap_err();
    assert!(matches!(refused, StorageError::Inconsistent { table: "call_logs", .. }), "{refused:?}");
    scope.calls().erase_content("call-1", now()).await.unwrap();
    // The same provider id makes a row of its own.
    let others = scope.calls().lock("call-1", now()).await.unwrap();
    assert_ne!(others.id, own.id);
    scope.commit().await.unwrap();

    assert_eq!(fixture.count("call_logs", &format!("organization_id = '{A}' AND summary IS NULL")).await, 1);
    assert_eq!(fixture.count("call_logs", &format!("organization_id = '{B}'")).await, 1);
}

async fn control_urls_are_sealed(fixture: Fixture) {
    let url = "https://phone-call-websocket.example.org/secret-path/control";
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let mut call = scope.calls().lock("call-1", now()).await.unwrap();
    call.control_url = Some(url.into());
    scope.calls().update(&call, now()).await.unwrap();
    scope.commit().await.unwrap();

    let hex = if fixture.is_postgres() {
        "encode(sealed_control_url, 'hex')"
    } else {
        "lower(hex(sealed_control_url))"
    };
    let stored = fixture.value(&format!("SELECT {hex} AS v FROM call_logs")).await.unwrap();
    let in_hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    // 24 bytes of nonce, the URL and 16 bytes of tag.
    assert_eq!(stored.len(), 2 * (24 + url.len() + 16));
    assert!(!stored.contains(&in_hex("secret-path")));
    // The first 8 digits of `head -c 32 /dev/zero | sha256sum`.
    assert_eq!(fixture.value("SELECT sealing_key_id AS v FROM call_logs").await.as_deref(), Some("66687aad"));

    // Moved to another row, it does not open; the ledger is readable all the same.
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.calls().lock("call-2", now()).await.unwrap();
    scope.commit().await.unwrap();
    fixture
        .execute(
            "UPDATE call_logs SET sealing_key_id = '66687aad', sealed_control_url =
             (SELECT c.sealed_control_url FROM call_logs c WHERE c.vapi_call_id = 'call-1')
             WHERE vapi_call_id = 'call-2'",
        )
        .await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.calls().get("call-1").await.unwrap().unwrap().control_url.as_deref(), Some(url));
    assert_eq!(scope.calls().get("call-2").await.unwrap().unwrap().control_url, None);
}

async fn nul_never_reaches_the_database(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let mut call = scope.calls().lock("call\0-1", now()).await.unwrap();
    call.summary = Some("a\0b".into());
    call.metadata = json!({"k\u{0}": "v\u{0}"});
    scope.calls().update(&call, now()).await.unwrap();
    let read = scope.calls().get("call-1").await.unwrap().unwrap();
    assert_eq!((read.summary.as_deref(), read.metadata), (Some("ab"), json!({"k": "v"})));
    assert_eq!(scope.calls().get("call\0-1").await.unwrap().unwrap().id, call.id);
    scope.commit().await.unwrap();
}

async fn a_call_in_the_ledger_is_pinned(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.calls().lock("call-1", now()).await.unwrap();
    scope.commit().await.unwrap();
    assert_eq!(
        fixture.count("call_pins", &format!("organization_id = '{A}' AND vapi_call_id = 'call-1'")).await,
        1
    );
}

async fn pins_tell_of_others_without_naming_them(fixture: Fixture) {
    let contested = async |organization, key, call, received_at| {
        let event = NewEvent { received_at, ..event(key, call) };
        let mut scope = fixture.storage.scope(organization).await.unwrap();
        let recorded = scope.events().record(Arc::new(Record::new(&event))).await.unwrap();
        scope.commit().await.unwrap();
        recorded.is_contested
    };
    assert!(!contested(&fixture.a, "k1", "call-1", now()).await);
    assert!(!contested(&fixture.a, "k2", "call-1", now() + TimeDelta::hours(1)).await);
    assert!(!contested(&fixture.b, "k1", "call-2", now()).await);
    assert!(contested(&fixture.b, "k2", "call-1", now()).await);
    assert!(contested(&fixture.a, "k3", "call-1", now()).await);
    assert_eq!(fixture.count("call_pins", &format!("organization_id = '{A}'")).await, 1);
}

async fn erasing_a_call_leaves_the_rows(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    for id in ["call-1", "call-2"] {
        let mut call = scope.calls().lock(id, now()).await.unwrap();
        call.customer_number = Some("+15552010100".into());
        call.metadata = json!({"leadId": "lead-456"});
        call.transcript = Some("said".into());
        call.summary = Some("said".into());
        call.structured_data = Some(json!({"said": 1}));
        call.recording_url = Some("https://example.org/r.wav".into());
        call.stereo_recording_url = Some("https://example.org/s.wav".into());
        call.control_url = Some("https://example.org/control".into());
        call.ended_reason = Some("hangup".into());
        scope.calls().update(&call, now()).await.unwrap();
        let event = NewEvent { body: b"what was said", ..event(id, id) };
        scope.events().record(Arc::new(Record::new(&event))).await.unwrap();
    }
    scope.calls().erase_content("call-1", at(13, 0)).await.unwrap();
    scope.commit().await.unwrap();
    let (one, other) = (fixture.event_id(A, "call-1").await, fixture.event_id(A, "call-2").await);

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let erased = scope.calls().get("call-1").await.unwrap().unwrap();
    assert_eq!((erased.customer_number, erased.metadata), (None, json!({})));
    assert_eq!((erased.transcript, erased.summary, erased.structured_data), (None, None, None));
    assert_eq!((erased.recording_url, erased.stereo_recording_url, erased.control_url), (None, None, None));
    assert_eq!(erased.ended_reason.as_deref(), Some("hangup"));
    assert_eq!(scope.events().body(one).await.unwrap().unwrap(), b"");
    assert_eq!(fixture.count("webhook_events", "vapi_call_id = 'call-1' AND body_bytes = 0").await, 1);
    // The other call is untouched.
    assert_eq!(scope.calls().get("call-2").await.unwrap().unwrap().summary.as_deref(), Some("said"));
    assert_eq!(scope.events().body(other).await.unwrap().unwrap(), b"what was said");
}
