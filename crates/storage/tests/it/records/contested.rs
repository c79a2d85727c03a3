//! Records of calls that another organization has pinned.

use serde_json::json;
use storage::{Record, Recorded};

use super::ledger::step;
use super::record_all;
use crate::support::{A, B, Fixture, event, on_both};

on_both!(
    the_alarm_goes_to_the_organization_concerned,
    an_alarm_is_raised_once_a_message,
    a_record_without_an_alarm_raises_none,
    calls_of_ones_own_are_not_contested,
    organizations_that_meet_in_one_batch,
);

fn with_alarm(key: &str, call: &str) -> Record {
    Record::new(&event(key, call)).with_call_update(step(1, "")).with_alarm(json!({"step": "assistant_id"}))
}

/// How many alarms an organization has for a call.
async fn alarms(fixture: &Fixture, organization: &str, call: &str) -> i64 {
    let condition = format!(
        "organization_id = '{organization}' AND event = 'pin_against_mapping' AND vapi_call_id = '{call}' AND
         request_id = 'request-1'"
    );
    fixture.count("security_log", &condition).await
}

async fn the_alarm_goes_to_the_organization_concerned(fixture: Fixture) {
    let first = fixture.storage.record(&fixture.a, with_alarm("k1", "call-1")).await.unwrap();
    assert!(!first.is_contested);
    // A stream-like message has no row in the ledger, and its pin counts as much.
    fixture.storage.record(&fixture.a, Record::new(&event("k2", "call-2"))).await.unwrap();
    let records = [
        (&fixture.b, with_alarm("k1", "call-1")),
        (&fixture.b, with_alarm("k2", "call-2")),
        (&fixture.b, with_alarm("k3", "call-3")),
        (&fixture.a, with_alarm("k4", "call-4")),
    ];
    let recorded = record_all(&fixture.storage, records).await;
    assert_eq!(recorded.iter().map(|one| one.is_contested).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(alarms(&fixture, B, "call-1").await, 1);
    assert_eq!(alarms(&fixture, B, "call-2").await, 1);
    assert_eq!(fixture.count("security_log", "true").await, 2);
    let detail = fixture.value("SELECT CAST(detail AS text) AS v FROM security_log LIMIT 1").await.unwrap();
    assert_eq!(detail.replace(' ', ""), r#"{"step":"assistant_id"}"#);
    // An alarm is no refusal: the message is kept as any other.
    assert_eq!(fixture.count("call_logs", &format!("organization_id = '{B}'")).await, 3);
}

async fn an_alarm_is_raised_once_a_message(fixture: Fixture) {
    fixture.storage.record(&fixture.a, Record::new(&event("k1", "call-1"))).await.unwrap();
    let twice = ["k1", "k1"].map(|key| (&fixture.b, with_alarm(key, "call-1")));
    let recorded = record_all(&fixture.storage, twice).await;
    assert!(recorded.iter().all(|one| one.is_contested));
    assert_eq!(alarms(&fixture, B, "call-1").await, 1);
    let again = fixture.storage.record(&fixture.b, with_alarm("k1", "call-1")).await.unwrap();
    assert_eq!(again, Recorded { is_contested: true, ..Recorded::default() });
    assert_eq!(alarms(&fixture, B, "call-1").await, 1);
    fixture.storage.record(&fixture.b, with_alarm("k2", "call-1")).await.unwrap();
    assert_eq!(alarms(&fixture, B, "call-1").await, 2);
    assert_eq!(alarms(&fixture, A, "call-1").await, 0);
}

async fn a_record_without_an_alarm_raises_none(fixture: Fixture) {
    fixture.storage.record(&fixture.a, Record::new(&event("k1", "call-1"))).await.unwrap();
    let silent = Record::new(&event("k1", "call-1"));
    assert!(fixture.storage.record(&fixture.b, silent).await.unwrap().is_contested);
    assert_eq!(fixture.count("security_log", "true").await, 0);
}

async fn calls_of_ones_own_are_not_contested(fixture: Fixture) {
    for key in ["k1", "k2", "k2"] {
        assert!(!fixture.storage.record(&fixture.a, with_alarm(key, "call-1")).await.unwrap().is_contested);
    }
    assert_eq!(fixture.count("security_log", "true").await, 0);
}

async fn organizations_that_meet_in_one_batch(fixture: Fixture) {
    let records = [(&fixture.a, with_alarm("k1", "call-1")), (&fixture.b, with_alarm("k1", "call-1"))];
    let recorded = record_all(&fixture.storage, records).await;
    // Neither was there before the other, so both are told.
    assert!(recorded.iter().all(|one| one.is_contested), "{recorded:?}");
    assert_eq!((alarms(&fixture, A, "call-1").await, alarms(&fixture, B, "call-1").await), (1, 1));
    assert_eq!(fixture.count("call_pins", "vapi_call_id = 'call-1'").await, 2);
}
