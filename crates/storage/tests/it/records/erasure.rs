//! An erased call stays erased, whatever comes after.

use futures::future::{join, join_all};
use serde_json::json;
use std::sync::Arc;
use storage::{CallUpdate, CallerUpdate, NewEvent, Record, ReportUpdate};

use super::record_all;
use crate::support::{A, B, Fixture, erasure, event, on_both, on_postgres};

on_both!(
    a_late_report_brings_nothing_back,
    a_late_message_has_no_body,
    an_erasure_counts_wherever_it_stands_in_a_batch,
    an_erasure_comes_first,
    a_scope_erases_as_the_writer_does,
    a_number_that_comes_with_another_call_too_has_a_contact,
    another_organizations_call_of_the_same_id_is_not_erased,
);

const SAID: &[u8] = b"what was said";

/// The report at the end of a call, with everything that is content.
fn report(key: &str, call: &str) -> Record {
    let report = ReportUpdate {
        duration_ms: Some(60_000),
        cost: Some(0.1),
        transcript: Some("said".to_owned()),
        summary: Some("said".to_owned()),
        structured_data: Some(json!({"said": 1})),
        success_evaluation: Some("said".to_owned()),
        recording_url: Some("https://example.org/r.wav".to_owned()),
        ..ReportUpdate::default()
    };
    let update = CallUpdate {
        status: Some((6, "ended".to_owned())),
        customer_number: Some("+12025550143".to_owned()),
        metadata: json!({"lead": "Ada"}).as_object().cloned().unwrap(),
        ended_reason: Some("hangup".to_owned()),
        report: Some(Box::new(report)),
        ..CallUpdate::default()
    };
    let event = NewEvent { body: SAID, ..event(key, call) };
    Record::new(&event).with_call_update(update).with_caller(caller())
}

fn caller() -> CallerUpdate {
    CallerUpdate {
        number: "+12025550143".to_owned(),
        name: Some("Ada".to_owned()),
        email: None,
        last_call_at: None,
    }
}

/// That nothing of `call-1` of the first organization is left but that it was, and how it ended.
async fn assert_erased(fixture: &Fixture) {
    let own = format!("organization_id = '{A}' AND vapi_call_id = 'call-1'");
    assert_eq!(fixture.count("webhook_events", &format!("{own} AND body_bytes > 0")).await, 0);
    assert_eq!(fixture.count("call_reports", &own).await, 0);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let call = scope.calls().get("call-1").await.unwrap().unwrap();
    scope.commit().await.unwrap();
    assert!(call.is_erased());
    assert_eq!((call.customer_number, call.contact_id, call.control_url), (None, None, None));
    assert_eq!(call.metadata, json!({}));
    // The names of the metadata's members are content too.
    assert_eq!(
        fixture.count("call_logs", &format!("{own} AND CAST(decided AS text) LIKE '%lead%'")).await,
        0
    );
}

async fn a_late_report_brings_nothing_back(fixture: Fixture) {
    let storage = &fixture.storage;
    storage.record(&fixture.a, report("k1", "call-1")).await.unwrap();
    let recorded = storage.record(&fixture.a, erasure("call-1")).await.unwrap();
    assert!(recorded.is_erased && recorded.is_new);
    assert_erased(&fixture).await;
    // The same report once more, and another one.
    for key in ["k1", "k2"] {
        let recorded = storage.record(&fixture.a, report(key, "call-1")).await.unwrap();
        assert!(recorded.is_erased && !recorded.ledger_changed && !recorded.has_contact, "{recorded:?}");
        assert_erased(&fixture).await;
    }
    assert_eq!(fixture.count("call_logs", "status = 'ended' AND ended_reason = 'hangup'").await, 1);
}

async fn a_late_message_has_no_body(fixture: Fixture) {
    fixture.storage.record(&fixture.a, erasure("call-1")).await.unwrap();
    let message = |key, call| Record::new(&NewEvent { body: SAID, ..event(key, call) });
    let records = [
        (&fixture.a, message("k1", "call-1")),
        (&fixture.a, message("k2", "call-1").without_pin()),
        (&fixture.a, message("k3", "call-2")),
    ];
    let recorded = record_all(&fixture.storage, records).await;
    assert_eq!(recorded.iter().map(|one| one.is_erased).collect::<Vec<_>>(), [true, true, false]);
    assert_erased(&fixture).await;
    assert_eq!(fixture.count("webhook_events", "body_bytes > 0").await, 1);
}

async fn an_erasure_counts_wherever_it_stands_in_a_batch(fixture: Fixture) {
    for place in 0..4 {
        let mut records: Vec<_> = ["k1", "k2"].map(|key| report(key, "call-1")).to_vec();
        records.push(Record::new(&NewEvent { body: SAID, ..event("k3", "call-1") }));
        records.insert(place, erasure("call-1"));
        record_all(&fixture.storage, records.into_iter().map(|record| (&fixture.a, record))).await;
        assert_erased(&fixture).await;
        fixture.execute("DELETE FROM webhook_events").await;
        fixture.execute("DELETE FROM call_logs").await;
        fixture.execute("DELETE FROM call_pins").await;
    }
}

async fn an_erasure_comes_first(fixture: Fixture) {
    fixture.storage.record(&fixture.a, erasure("call-1")).await.unwrap();
    assert_erased(&fixture).await;
    fixture.storage.record(&fixture.a, report("k1", "call-1")).await.unwrap();
    assert_erased(&fixture).await;
    assert_eq!(fixture.count("contacts", "true").await, 0);
}

async fn a_scope_erases_as_the_writer_does(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    for record in [report("k1", "call-1"), erasure("call-1"), report("k2", "call-1")] {
        scope.events().record(Arc::new(record)).await.unwrap();
    }
    // A replay lets the stored messages decide anew, but not whether the call was erased.
    scope.calls().undecide("call-1").await.unwrap();
    scope.events().record(Arc::new(report("k1", "call-1").without_delivery())).await.unwrap();
    scope.commit().await.unwrap();
    assert_erased(&fixture).await;
}

async fn a_number_that_comes_with_another_call_too_has_a_contact(fixture: Fixture) {
    fixture.storage.record(&fixture.a, erasure("call-1")).await.unwrap();
    let records = [("k1", "call-1"), ("k2", "call-2"), ("k3", "call-3")]
        .map(|(key, call)| (&fixture.a, report(key, call)));
    let recorded = record_all(&fixture.storage, records).await;
    assert_eq!(recorded.iter().map(|one| one.has_contact).collect::<Vec<_>>(), [false, true, true]);
    assert_erased(&fixture).await;
    assert_eq!(fixture.count("contacts", "true").await, 1);
    assert_eq!(fixture.count("call_logs", "contact_id IS NOT NULL").await, 2);
}

async fn another_organizations_call_of_the_same_id_is_not_erased(fixture: Fixture) {
    let records = [
        (&fixture.a, report("k1", "call-1")),
        (&fixture.b, report("k1", "call-1")),
        (&fixture.a, erasure("call-1")),
        (&fixture.b, report("k2", "call-1")),
    ];
    record_all(&fixture.storage, records).await;
    assert_erased(&fixture).await;
    let theirs = format!("organization_id = '{B}'");
    assert_eq!(fixture.count("webhook_events", &format!("{theirs} AND body_bytes > 0")).await, 2);
    assert_eq!(fixture.count("call_reports", &format!("{theirs} AND transcript = 'said'")).await, 1);
    assert_eq!(fixture.count("contacts", &theirs).await, 1);
}

mod at_the_same_time {
    use super::*;

    on_postgres!(an_erasure_waits_for_messages_on_their_way, deliveries_and_erasures_that_meet);

    async fn an_erasure_waits_for_messages_on_their_way(fixture: Fixture) {
        // One says nothing of its call, so that it holds no row of the ledger.
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let message = Record::new(&NewEvent { body: SAID, ..event("k1", "call-1") });
        scope.events().record(Arc::new(message)).await.unwrap();
        let committed = async {
            fixture.until_somebody_waits().await;
            scope.commit().await.unwrap();
        };
        let (erased, ()) = join(fixture.storage.record(&fixture.a, erasure("call-1")), committed).await;
        assert!(erased.unwrap().is_erased);
        assert_erased(&fixture).await;
    }

    async fn deliveries_and_erasures_that_meet(fixture: Fixture) {
        let other = fixture.reopened(|_| ()).await;
        let organization = &fixture.a;
        let work = (0..60).map(|n| {
            let storage = if n % 2 == 0 { &fixture.storage } else { &other };
            let key = format!("k{}", n % 7);
            let record = match n % 5 {
                0 => erasure("call-1"),
                1 | 2 => report(&key, "call-1"),
                _ => Record::new(&NewEvent { body: SAID, ..event(&format!("s{n}"), "call-1") }),
            };
            async move { storage.record(organization, record).await.unwrap() }
        });
        join_all(work).await;
        assert_erased(&fixture).await;
    }
}
