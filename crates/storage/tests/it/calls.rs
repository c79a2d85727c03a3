//! The ledger and the pins.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::join_all;
use serde_json::{Map, Value, json};
use storage::repo::Call;
use storage::{CallUpdate, NewEvent, Record, ReportUpdate};

use crate::support::{A, B, Fixture, at, erase, event, now, on_both};

on_both!(
    a_control_url_goes_with_the_end_of_its_call,
    messages_of_one_call_wait_for_each_other,
    calls_are_listed_latest_first,
    a_call_of_another_organization_is_a_missing_one,
    control_urls_are_sealed,
    nul_never_reaches_the_database,
    a_call_in_the_ledger_is_pinned,
    pins_tell_of_others_without_naming_them,
    erasing_a_call_leaves_the_rows,
);

fn metadata(metadata: &Value) -> Map<String, Value> {
    metadata.as_object().cloned().unwrap()
}

fn reported(report: ReportUpdate) -> CallUpdate {
    CallUpdate { report: Some(Box::new(report)), ..CallUpdate::default() }
}

async fn record_at(fixture: &Fixture, call: &str, received_at: DateTime<Utc>, update: CallUpdate) {
    let key = format!("{call}/{received_at}/{update:?}");
    let event = NewEvent { received_at, ..event(&key, call) };
    fixture.storage.record(&fixture.a, Record::new(&event).with_call_update(update)).await.unwrap();
}

async fn record(fixture: &Fixture, call: &str, update: CallUpdate) {
    record_at(fixture, call, now(), update).await;
}

async fn get(fixture: &Fixture, call: &str) -> Option<Call> {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let call = scope.calls().get(call).await.unwrap();
    scope.commit().await.unwrap();
    call
}

async fn a_control_url_goes_with_the_end_of_its_call(fixture: Fixture) {
    let url =
        || CallUpdate { control_url: Some("https://example.org/control".into()), ..CallUpdate::default() };
    record(&fixture, "call-1", url()).await;
    assert!(get(&fixture, "call-1").await.unwrap().control_url.is_some());
    let ended = CallUpdate { status: Some((6, "ended".into())), ..CallUpdate::default() };
    record(&fixture, "call-1", ended).await;
    assert_eq!(fixture.count("call_logs", "sealed_control_url IS NULL").await, 1);
    record_at(&fixture, "call-1", at(13, 0), url()).await;
    assert_eq!(fixture.count("call_logs", "sealed_control_url IS NULL").await, 1);
}

async fn messages_of_one_call_wait_for_each_other(fixture: Fixture) {
    let fixture = &fixture;
    // Each adds a member of its own: a lost update would show in their number.
    let work = (0..20).map(|n| async move {
        let metadata = metadata(&json!({format!("k{n}"): n}));
        let update = CallUpdate { metadata, ..CallUpdate::default() };
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let record = Record::new(&event(&format!("k{n}"), "call-1")).with_call_update(update);
        scope.events().record(Arc::new(record)).await.unwrap();
        scope.commit().await.unwrap();
    });
    join_all(work).await;
    assert_eq!(get(fixture, "call-1").await.unwrap().metadata.as_object().unwrap().len(), 20);
}

async fn calls_are_listed_latest_first(fixture: Fixture) {
    for (id, hour) in [("early", 8), ("late", 10), ("middle", 9)] {
        record_at(&fixture, id, at(hour, 0), CallUpdate::default()).await;
    }
    let ids = |calls: Vec<Call>| calls.into_iter().map(|call| call.vapi_call_id).collect::<Vec<_>>();
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(ids(scope.calls().list(10).await.unwrap()), ["late", "middle", "early"]);
    assert_eq!(ids(scope.calls().list(1).await.unwrap()), ["late"]);
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.calls().list(10).await.unwrap().is_empty());
}

async fn a_call_of_another_organization_is_a_missing_one(fixture: Fixture) {
    let said = || reported(ReportUpdate { summary: Some("said".into()), ..ReportUpdate::default() });
    record(&fixture, "call-1", said()).await;

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.calls().get("call-1").await.unwrap().is_none());
    assert!(scope.calls().report("call-1").await.unwrap().is_none());
    erase(&mut scope, "call-1").await;
    // The same provider id makes a row of its own.
    let theirs = CallUpdate { call_type: Some("webCall".into()), ..CallUpdate::default() };
    let record = Record::new(&event("k1", "call-1")).with_call_update(theirs);
    scope.events().record(Arc::new(record)).await.unwrap();
    scope.commit().await.unwrap();

    assert_eq!(
        fixture.count("call_logs", &format!("organization_id = '{A}' AND call_type IS NULL")).await,
        1
    );
    assert_eq!(
        fixture.count("call_reports", &format!("organization_id = '{A}' AND summary = 'said'")).await,
        1
    );
    assert_eq!(fixture.count("call_logs", &format!("organization_id = '{B}'")).await, 1);
    assert_eq!(fixture.count("call_reports", "true").await, 1);
}

async fn control_urls_are_sealed(fixture: Fixture) {
    let url = "https://phone-call-websocket.example.org/secret-path/control";
    record(&fixture, "call-1", CallUpdate { control_url: Some(url.into()), ..CallUpdate::default() }).await;

    let hex = if fixture.is_postgres() {
        "encode(sealed_control_url, 'hex')"
    } else {
        "lower(hex(sealed_control_url))"
    };
    let stored = fixture.value(&format!("SELECT {hex} AS v FROM call_logs")).await.unwrap();
    let in_hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    // 8 bytes that name the key, 24 bytes of nonce, the URL and 16 bytes of tag.
    assert_eq!(stored.len(), 2 * (8 + 24 + url.len() + 16));
    assert!(!stored.contains(&in_hex("secret-path")));
    // The first 8 digits of `head -c 32 /dev/zero | sha256sum`.
    assert!(stored.starts_with(&in_hex("66687aad")));

    // Moved to another row, it does not open; the ledger is readable all the same.
    record(&fixture, "call-2", CallUpdate::default()).await;
    fixture
        .execute(
            "UPDATE call_logs SET sealed_control_url =
             (SELECT c.sealed_control_url FROM call_logs c WHERE c.vapi_call_id = 'call-1')
             WHERE vapi_call_id = 'call-2'",
        )
        .await;
    assert_eq!(get(&fixture, "call-1").await.unwrap().control_url.as_deref(), Some(url));
    assert_eq!(get(&fixture, "call-2").await.unwrap().control_url, None);
}

async fn nul_never_reaches_the_database(fixture: Fixture) {
    let report = ReportUpdate { summary: Some("a\0b".into()), ..ReportUpdate::default() };
    let update = CallUpdate { metadata: metadata(&json!({"k\u{0}": "v\u{0}"})), ..reported(report) };
    record(&fixture, "call\0-1", update).await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let read = scope.calls().get("call-1").await.unwrap().unwrap();
    assert_eq!(read.metadata, json!({"k": "v"}));
    let report = scope.calls().report("call\0-1").await.unwrap().unwrap();
    assert_eq!((report.vapi_call_id.as_str(), report.summary.as_deref()), ("call-1", Some("ab")));
    scope.commit().await.unwrap();
}

async fn a_call_in_the_ledger_is_pinned(fixture: Fixture) {
    record(&fixture, "call-1", CallUpdate::default()).await;
    let condition = format!("organization_id = '{A}' AND vapi_call_id = 'call-1'");
    assert_eq!(fixture.count("call_pins", &condition).await, 1);
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
        let report = ReportUpdate {
            transcript: Some("said".into()),
            summary: Some("said".into()),
            structured_data: Some(json!({"said": 1})),
            recording_url: Some("https://example.org/r.wav".into()),
            ..ReportUpdate::default()
        };
        let update = CallUpdate {
            customer_number: Some("+15552010100".into()),
            metadata: metadata(&json!({"leadId": "lead-456"})),
            control_url: Some("https://example.org/control".into()),
            ended_reason: Some("hangup".into()),
            ..reported(report)
        };
        let event = NewEvent { body: b"what was said", ..event(id, id) };
        scope.events().record(Arc::new(Record::new(&event).with_call_update(update))).await.unwrap();
    }
    erase(&mut scope, "call-1").await;
    scope.commit().await.unwrap();
    let (one, other) = (fixture.event_id(A, "call-1").await, fixture.event_id(A, "call-2").await);

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let erased = scope.calls().get("call-1").await.unwrap().unwrap();
    assert_eq!((erased.customer_number, erased.metadata), (None, json!({})));
    assert_eq!((erased.control_url, erased.ended_reason.as_deref()), (None, Some("hangup")));
    assert_eq!(scope.calls().report("call-1").await.unwrap(), None);
    assert_eq!(scope.events().body(one).await.unwrap().unwrap(), b"");
    assert_eq!(fixture.count("webhook_events", "vapi_call_id = 'call-1' AND body_bytes = 0").await, 1);
    // No name of a member of its metadata stays either.
    let told = "vapi_call_id = 'call-1' AND CAST(decided AS text) LIKE '%lead%'";
    assert_eq!(fixture.count("call_logs", told).await, 0);
    // The other call is untouched.
    let report = scope.calls().report("call-2").await.unwrap().unwrap();
    assert_eq!(report.summary.as_deref(), Some("said"));
    assert_eq!(scope.events().body(other).await.unwrap().unwrap(), b"what was said");
}
