//! Records and the ledger.

use std::sync::Arc;

use serde_json::{Value, json};
use storage::repo::{Call, CallReport};
use storage::{CallUpdate, NewEvent, Record, ReportUpdate, Storage};

use super::record_all;
use crate::support::{A, B, Fixture, at, event, now, on_both};

on_both!(
    messages_of_one_batch_are_folded_together,
    any_order_gives_the_same_row,
    a_repeated_message_changes_nothing_more,
    a_new_call_is_pinned,
    a_message_without_news_is_pinned_and_no_more,
    a_message_without_a_call_is_stored,
    every_column_is_written,
    a_message_that_is_filed_again_counts_no_delivery,
    a_scope_that_records_and_is_rolled_back_leaves_nothing,
    a_scope_sees_what_it_recorded,
);

/// Moves a call to a rank, never back, and says something of it.
pub(super) fn step(rank: i16, said: &str) -> CallUpdate {
    let summary = Some(said).filter(|said| !said.is_empty()).map(str::to_owned);
    CallUpdate {
        status: (rank > 0).then(|| (rank, format!("rank {rank}"))),
        report: summary.map(|said| Box::new(ReportUpdate { summary: Some(said), ..ReportUpdate::default() })),
        ..CallUpdate::default()
    }
}

/// The rank, the status and the summary of the one call.
async fn row(storage: &Storage, fixture: &Fixture) -> (i16, String, Option<String>) {
    let mut scope = storage.scope(&fixture.a).await.unwrap();
    let call = scope.calls().get("call-1").await.unwrap().unwrap();
    let report = scope.calls().report("call-1").await.unwrap();
    scope.commit().await.unwrap();
    (call.status_rank, call.status, report.and_then(|report| report.summary))
}

async fn messages_of_one_batch_are_folded_together(fixture: Fixture) {
    let records = [("k3", "a"), ("k1", "ab"), ("k2", "abc")]
        .map(|(key, said)| (&fixture.a, Record::new(&event(key, "call-1")).with_call_update(step(1, said))));
    let recorded = record_all(&fixture.storage, records).await;
    assert!(recorded.iter().all(|one| one.ledger_changed));
    let later = Record::new(&event("k0", "call-1")).with_call_update(step(1, "abcd"));
    fixture.storage.record(&fixture.a, later).await.unwrap();
    assert_eq!(row(&fixture.storage, &fixture).await, (1, "rank 1".to_owned(), Some("abcd".to_owned())));
    assert_eq!(fixture.count("call_reports", "true").await, 1);
}

async fn any_order_gives_the_same_row(fixture: Fixture) {
    let records = |ranks: &[i16]| {
        let records = ranks.iter().map(|rank| {
            let key = format!("k{rank}");
            (&fixture.a, Record::new(&event(&key, "call-1")).with_call_update(step(*rank, "")))
        });
        records.collect::<Vec<_>>()
    };
    let recorded = record_all(&fixture.storage, records(&[3, 6, 1, 5])).await;
    let changed: Vec<_> = recorded.iter().map(|one| one.ledger_changed).collect();
    assert_eq!(changed, [true, true, false, false]);
    assert_eq!(row(&fixture.storage, &fixture).await.0, 6);
    // A later message, alone, moves nothing back either.
    for rank in [4, 2] {
        let recorded = record_all(&fixture.storage, records(&[rank])).await;
        assert!(recorded[0].is_new && !recorded[0].ledger_changed);
    }
    assert_eq!(row(&fixture.storage, &fixture).await, (6, "rank 6".to_owned(), None));
    assert_eq!(fixture.count("call_logs", "true").await, 1);
}

async fn a_repeated_message_changes_nothing_more(fixture: Fixture) {
    let record = || Record::new(&event("k1", "call-1")).with_call_update(step(5, ""));
    assert!(fixture.storage.record(&fixture.a, record()).await.unwrap().ledger_changed);
    for _ in 0..2 {
        let again = fixture.storage.record(&fixture.a, record()).await.unwrap();
        assert!(!again.is_new && !again.ledger_changed);
    }
}

async fn a_new_call_is_pinned(fixture: Fixture) {
    let record = Record::new(&event("k1", "call-1")).with_call_update(step(1, ""));
    fixture.storage.record(&fixture.a, record).await.unwrap();
    let condition = format!("organization_id = '{A}' AND vapi_call_id = 'call-1'");
    assert_eq!(fixture.count("call_pins", &condition).await, 1);
    assert_eq!(fixture.count("call_pins", "true").await, 1);
    assert_eq!(fixture.count("call_logs", &condition).await, 1);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let call = scope.calls().get("call-1").await.unwrap().unwrap();
    assert_eq!(call.created_at, now());
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert!(scope.calls().get("call-1").await.unwrap().is_none());
}

async fn a_message_without_news_is_pinned_and_no_more(fixture: Fixture) {
    let records = [
        (&fixture.a, Record::new(&event("k1", "call-1"))),
        (&fixture.a, Record::new(&event("k2", "call-1"))),
        (&fixture.b, Record::new(&event("k1", "call-2"))),
    ];
    record_all(&fixture.storage, records).await;
    for (organization, call) in [(A, "call-1"), (B, "call-2")] {
        let condition = format!("organization_id = '{organization}' AND vapi_call_id = '{call}'");
        assert_eq!(fixture.count("call_pins", &condition).await, 1);
    }
    assert_eq!(fixture.count("call_pins", "true").await, 2);
    assert_eq!(fixture.count("call_logs", "true").await, 0);
}

async fn a_message_without_a_call_is_stored(fixture: Fixture) {
    let event = NewEvent { vapi_call_id: None, ..event("k1", "") };
    let record = Record::new(&event).with_call_update(step(1, "said"));
    let recorded = fixture.storage.record(&fixture.a, record).await.unwrap();
    assert!(recorded.is_new && !recorded.ledger_changed);
    assert_eq!(fixture.count("webhook_events", "vapi_call_id IS NULL").await, 1);
    assert_eq!(fixture.count("call_logs", "true").await, 0);
    assert_eq!(fixture.count("call_pins", "true").await, 0);
}

async fn every_column_is_written(fixture: Fixture) {
    let get = async |id: &str| {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let call = scope.calls().get(id).await.unwrap().unwrap();
        let report = scope.calls().report(id).await.unwrap();
        scope.commit().await.unwrap();
        (call, report)
    };
    let report = ReportUpdate {
        ended_at: Some(at(9, 5)),
        duration_ms: Some(300_000),
        cost: Some(0.1234),
        transcript: Some("Hällo \u{1F600}\nline two".into()),
        summary: Some("A summary".into()),
        structured_data: Some(json!({"booked": true})),
        success_evaluation: Some("true".into()),
        recording_url: Some("https://example.org/r.wav".into()),
        stereo_recording_url: Some("https://example.org/s.wav".into()),
    };
    let full = || CallUpdate {
        at: Some(at(9, 6)),
        status: Some((3, "in-progress".into())),
        call_type: Some("inboundPhoneCall".into()),
        vapi_assistant_id: Some("asst_1".into()),
        phone_number_id: Some("pn_1".into()),
        customer_number: Some("+15552010100".into()),
        metadata: json!({"leadId": "lead-456", "nested": {"a": [1, 2.5, null]}})
            .as_object()
            .cloned()
            .unwrap(),
        started_at: Some(at(9, 0)),
        ended_reason: Some("customer-ended-call".into()),
        control_url: Some("https://example.org/control".into()),
        report: Some(Box::new(report.clone())),
        erases: false,
    };
    let say = |key, call, update| (&fixture.a, Record::new(&event(key, call)).with_call_update(update));
    // Beside rows that say less: no column may slip into the next row.
    let sparse = || CallUpdate { call_type: Some("webCall".into()), ..CallUpdate::default() };
    let records =
        [say("k1", "call-1", sparse()), say("k2", "call-2", full()), say("k3", "call-3", step(1, "x"))];
    record_all(&fixture.storage, records).await;
    let (call, told) = get("call-2").await;
    let mut wanted = Call::new("call-2".into(), now());
    wanted.status = "in-progress".into();
    wanted.status_rank = 3;
    wanted.call_type = Some("inboundPhoneCall".into());
    wanted.vapi_assistant_id = Some("asst_1".into());
    wanted.phone_number_id = Some("pn_1".into());
    wanted.customer_number = Some("+15552010100".into());
    wanted.metadata = Value::Object(full().metadata);
    wanted.started_at = Some(at(9, 0));
    wanted.ended_at = Some(at(9, 5));
    wanted.ended_reason = Some("customer-ended-call".into());
    wanted.control_url = Some("https://example.org/control".into());
    wanted.decided = call.decided.clone();
    assert_eq!(call, wanted);
    let told = told.unwrap();
    let wanted = CallReport {
        duration_ms: report.duration_ms,
        cost: report.cost,
        transcript: report.transcript.clone(),
        summary: report.summary.clone(),
        structured_data: report.structured_data.clone(),
        success_evaluation: report.success_evaluation.clone(),
        recording_url: report.recording_url.clone(),
        stereo_recording_url: report.stereo_recording_url.clone(),
        decided: told.decided.clone(),
        ..CallReport::new("call-2".into())
    };
    assert_eq!(told, wanted);
    let (call, told) = get("call-1").await;
    let mut wanted = Call::new("call-1".into(), now());
    wanted.call_type = Some("webCall".into());
    wanted.decided = call.decided.clone();
    assert_eq!((call, told), (wanted, None));
    let (_, told) = get("call-3").await;
    assert_eq!(told, Some(CallReport { summary: Some("x".into()), ..CallReport::new("call-3".into()) }));
    // The deciding keys stay with the row: the same again changes nothing, and an older message neither.
    let again =
        [say("k4", "call-2", full()), say("k5", "call-2", CallUpdate { at: Some(at(8, 0)), ..full() })];
    let changed = record_all(&fixture.storage, again).await;
    assert!(!changed[0].ledger_changed);
    assert_eq!(get("call-2").await.0.ended_at, Some(at(9, 5)));
}

async fn a_message_that_is_filed_again_counts_no_delivery(fixture: Fixture) {
    let record = || Record::new(&event("k1", "call-1")).with_call_update(step(4, "said"));
    fixture.storage.record(&fixture.a, record()).await.unwrap();
    fixture.execute("DELETE FROM call_logs").await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let filed = scope.events().record(Arc::new(record().without_delivery())).await.unwrap();
    assert!(!filed.is_new && filed.ledger_changed);
    scope.commit().await.unwrap();
    assert_eq!(row(&fixture.storage, &fixture).await, (4, "rank 4".to_owned(), Some("said".to_owned())));
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 1);
}

async fn a_scope_that_records_and_is_rolled_back_leaves_nothing(fixture: Fixture) {
    let record = || {
        let caller = storage::CallerUpdate {
            number: "+12025550143".to_owned(),
            name: None,
            email: None,
            last_call_at: None,
        };
        Record::new(&event("k1", "call-1")).with_call_update(step(1, "")).with_caller(caller)
    };
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.events().record(Arc::new(record())).await.unwrap().is_new);
    scope.rollback().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.events().record(Arc::new(record())).await.unwrap().is_new);
    drop(scope);
    // A scope's turn comes after the one that was dropped.
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.events().count(None).await.unwrap(), 0);
    scope.commit().await.unwrap();
    for table in ["webhook_events", "call_logs", "call_pins", "contacts"] {
        assert_eq!(fixture.count(table, "true").await, 0, "{table}");
    }
    assert!(fixture.storage.record(&fixture.a, record()).await.unwrap().is_new);
}

async fn a_scope_sees_what_it_recorded(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let record = Arc::new(Record::new(&event("k1", "call-1")).with_call_update(step(4, "said")));
    assert!(scope.events().record(Arc::clone(&record)).await.unwrap().ledger_changed);
    assert_eq!(scope.calls().get("call-1").await.unwrap().unwrap().status_rank, 4);
    let report = scope.calls().report("call-1").await.unwrap().unwrap();
    assert_eq!(report.summary.as_deref(), Some("said"));
    assert_eq!(scope.events().count(Some("call-1")).await.unwrap(), 1);
    scope.commit().await.unwrap();
    // The scope's own setting was not touched, and the next scope has its own.
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.events().count(None).await.unwrap(), 0);
    assert!(scope.events().record(record).await.unwrap().is_new);
    scope.commit().await.unwrap();
    for organization in [A, B] {
        let condition = format!("organization_id = '{organization}'");
        assert_eq!(fixture.count("webhook_events", &condition).await, 1);
        assert_eq!(fixture.count("call_logs", &condition).await, 1);
    }
}
