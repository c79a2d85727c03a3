//! Records and the ledger.

use std::sync::Arc;

use storage::repo::Call;
use storage::{CallNews, NewEvent, Record, Storage};

use super::record_all;
use crate::support::{A, B, Fixture, at, event, now, on_both};

on_both!(
    messages_are_folded_in_the_order_of_their_arrival,
    any_order_gives_the_same_row,
    a_repeated_message_changes_nothing_more,
    a_new_call_is_pinned,
    a_message_without_news_is_pinned_and_no_more,
    a_message_without_a_call_is_stored,
    every_column_is_written_and_cleared,
    a_scope_that_records_and_is_rolled_back_leaves_nothing,
    a_scope_sees_what_it_recorded,
);

/// Moves a call to a rank, never back, and says something of it.
#[derive(Debug)]
pub(super) struct Step {
    rank: i16,
    said: String,
}

impl Step {
    pub(super) fn to(rank: i16, said: &str) -> Arc<dyn CallNews> {
        Arc::new(Self { rank, said: said.to_owned() })
    }
}

impl CallNews for Step {
    fn apply(&self, call: &mut Call) {
        if self.rank > call.status_rank {
            call.status_rank = self.rank;
            call.status = format!("rank {}", self.rank);
        }
        if !self.said.is_empty() {
            call.summary = Some(format!("{}{}", call.summary.as_deref().unwrap_or_default(), self.said));
        }
    }
}

/// The rank, the status and the summary of the one call.
async fn row(storage: &Storage, fixture: &Fixture) -> (i16, String, Option<String>) {
    let mut scope = storage.scope(&fixture.a).await.unwrap();
    let call = scope.calls().get("call-1").await.unwrap().unwrap();
    scope.commit().await.unwrap();
    (call.status_rank, call.status, call.summary)
}

async fn messages_are_folded_in_the_order_of_their_arrival(fixture: Fixture) {
    let records = [("k3", "a"), ("k1", "b"), ("k2", "c")]
        .map(|(key, said)| (&fixture.a, Record::new(&event(key, "call-1")).with_news(Step::to(1, said))));
    let recorded = record_all(&fixture.storage, records).await;
    assert!(recorded.iter().all(|one| one.ledger_changed));
    let later = Record::new(&event("k0", "call-1")).with_news(Step::to(1, "d"));
    fixture.storage.record(&fixture.a, later).await.unwrap();
    assert_eq!(row(&fixture.storage, &fixture).await, (1, "rank 1".to_owned(), Some("abcd".to_owned())));
}

async fn any_order_gives_the_same_row(fixture: Fixture) {
    let records = |ranks: &[i16]| {
        let records = ranks.iter().map(|rank| {
            let key = format!("k{rank}");
            (&fixture.a, Record::new(&event(&key, "call-1")).with_news(Step::to(*rank, "")))
        });
        records.collect::<Vec<_>>()
    };
    let recorded = record_all(&fixture.storage, records(&[3, 6, 1, 5])).await;
    let changed: Vec<_> = recorded.iter().map(|one| one.ledger_changed).collect();
    assert_eq!(changed, [true, true, false, false]);
    assert_eq!(row(&fixture.storage, &fixture).await.0, 6);
    // What comes later, and alone, moves nothing back either.
    for rank in [4, 2] {
        let recorded = record_all(&fixture.storage, records(&[rank])).await;
        assert!(recorded[0].is_new && !recorded[0].ledger_changed);
    }
    assert_eq!(row(&fixture.storage, &fixture).await, (6, "rank 6".to_owned(), None));
    assert_eq!(fixture.count("call_logs", "true").await, 1);
}

async fn a_repeated_message_changes_nothing_more(fixture: Fixture) {
    let record = || Record::new(&event("k1", "call-1")).with_news(Step::to(5, ""));
    assert!(fixture.storage.record(&fixture.a, record()).await.unwrap().ledger_changed);
    fixture.execute("UPDATE call_logs SET updated_at = '2020-01-01T00:00:00.000000Z'").await;
    for _ in 0..2 {
        let again = fixture.storage.record(&fixture.a, record()).await.unwrap();
        assert!(!again.is_new && !again.ledger_changed);
    }
    // A row that does not change is not written.
    assert_eq!(fixture.count("call_logs", "updated_at < '2021-01-01'").await, 1);
}

async fn a_new_call_is_pinned(fixture: Fixture) {
    let record = Record::new(&event("k1", "call-1")).with_news(Step::to(1, ""));
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
    let record = Record::new(&event).with_news(Step::to(1, "said"));
    let recorded = fixture.storage.record(&fixture.a, record).await.unwrap();
    assert!(recorded.is_new && !recorded.ledger_changed);
    assert_eq!(fixture.count("webhook_events", "vapi_call_id IS NULL").await, 1);
    assert_eq!(fixture.count("call_logs", "true").await, 0);
    assert_eq!(fixture.count("call_pins", "true").await, 0);
}

/// Replaces everything but the ids of the row.
#[derive(Debug)]
struct Become(Call);

impl CallNews for Become {
    fn apply(&self, call: &mut Call) {
        *call = Call {
            id: call.id,
            vapi_call_id: call.vapi_call_id.clone(),
            created_at: call.created_at,
            ..self.0.clone()
        };
    }
}

async fn every_column_is_written_and_cleared(fixture: Fixture) {
    let get = async |id| {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let call = scope.calls().get(id).await.unwrap().unwrap();
        scope.commit().await.unwrap();
        call
    };
    let become_ = |key, call, other: &Call| {
        (&fixture.a, Record::new(&event(key, call)).with_news(Arc::new(Become(other.clone()))))
    };
    record_all(
        &fixture.storage,
        ["call-1", "call-2"].map(|id| (&fixture.a, Record::new(&event(id, id)).with_news(Step::to(0, "")))),
    )
    .await;
    let empty = get("call-1").await;
    assert_eq!((empty.status.as_str(), empty.status_rank), ("unknown", 0));
    let full = Call {
        call_type: Some("inboundPhoneCall".into()),
        status: "ended".into(),
        status_rank: 50,
        vapi_assistant_id: Some("asst_1".into()),
        phone_number_id: Some("pn_1".into()),
        customer_number: Some("+15552010100".into()),
        contact_id: Some(uuid::Uuid::from_u128(7)),
        metadata: serde_json::json!({"leadId": "lead-456", "nested": {"a": [1, 2.5, null]}}),
        started_at: Some(at(9, 0)),
        ended_at: Some(at(9, 5)),
        ended_reason: Some("customer-ended-call".into()),
        duration_ms: Some(300_000),
        cost: Some(0.1234),
        transcript: Some("Hällo \u{1F600}\nline two".into()),
        summary: Some("A summary".into()),
        structured_data: Some(serde_json::json!({"booked": true})),
        success_evaluation: Some("true".into()),
        recording_url: Some("https://example.org/r.wav".into()),
        stereo_recording_url: Some("https://example.org/s.wav".into()),
        control_url: Some("https://example.org/control".into()),
        ..empty.clone()
    };
    // Beside another row that stays what it is: no column may slip into the next row.
    record_all(&fixture.storage, [become_("k1", "call-1", &full), become_("k2", "call-2", &empty)]).await;
    assert_eq!(get("call-1").await, full);
    let other = get("call-2").await;
    assert_eq!(other, Call { id: other.id, vapi_call_id: "call-2".into(), ..empty.clone() });
    assert_eq!(fixture.count("call_logs", "sealed_control_url IS NOT NULL").await, 1);
    // Both ways at once.
    record_all(&fixture.storage, [become_("k3", "call-1", &empty), become_("k4", "call-2", &full)]).await;
    assert_eq!(get("call-1").await, empty);
    assert_eq!(get("call-2").await, Call { id: other.id, vapi_call_id: "call-2".into(), ..full });
}

async fn a_scope_that_records_and_is_rolled_back_leaves_nothing(fixture: Fixture) {
    let record = || {
        let caller = storage::CallerNews {
            number: "+12025550143".to_owned(),
            name: None,
            email: None,
            last_call_at: None,
        };
        Record::new(&event("k1", "call-1")).with_news(Step::to(1, "")).with_caller(caller)
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
    let record = Arc::new(Record::new(&event("k1", "call-1")).with_news(Step::to(4, "said")));
    assert!(scope.events().record(Arc::clone(&record)).await.unwrap().ledger_changed);
    let call = scope.calls().get("call-1").await.unwrap().unwrap();
    assert_eq!((call.status_rank, call.summary.as_deref()), (4, Some("said")));
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
