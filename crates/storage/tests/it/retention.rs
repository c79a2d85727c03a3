//! Retention: what an organization keeps no longer goes, and nothing else does.

use chrono::{DateTime, TimeDelta, Utc};
use storage::repo::{KeyHash, NewToolResult, Reservation, ToolAnswer};
use storage::{CallUpdate, Record, ReportUpdate};
use tenant::Retention;

use crate::support::{A, B, Fixture, event, now, on_both};

on_both!(
    old_messages_go_and_no_others,
    the_oldest_messages_go_where_too_much_is_stored,
    what_was_said_goes_before_the_call,
    a_call_goes_with_all_that_belongs_to_it,
    an_organizations_own_rule_stands_over_the_deployments,
);

/// Of twenty years ago, where the rules below keep ten.
fn old() -> DateTime<Utc> {
    "2006-03-04T05:06:07Z".parse().unwrap()
}

const TEN_YEARS: u32 = 3650;

async fn keep(fixture: &Fixture, rule: &str) {
    fixture.execute(&format!("UPDATE organizations SET retention = '{rule}' WHERE id = '{A}'")).await;
}

/// A message of a call of both organizations.
async fn record(fixture: &Fixture, key: &str, call: &str, received_at: DateTime<Utc>) {
    for org in [&fixture.a, &fixture.b] {
        let mut event = event(key, call);
        event.received_at = received_at;
        let report = ReportUpdate { summary: Some("a caller's words".to_owned()), ..ReportUpdate::default() };
        let said = CallUpdate { report: Some(Box::new(report)), ..CallUpdate::default() };
        fixture.storage.record(org, Record::new(&event).with_call_update(said)).await.unwrap();
    }
    if received_at == old() {
        let made = "'2006-03-04T05:06:07.000000Z'";
        for table in ["call_logs", "call_reports", "call_pins"] {
            let call = format!("UPDATE {table} SET created_at = {made} WHERE vapi_call_id = '{call}'");
            fixture.execute(&call).await;
        }
    }
}

async fn count(fixture: &Fixture, table: &str, org: &str) -> i64 {
    fixture.count(table, &format!("organization_id = '{org}'")).await
}

async fn old_messages_go_and_no_others(fixture: Fixture) {
    for nth in 0..450 {
        record(&fixture, &format!("old-{nth}"), "call-1", old()).await;
    }
    record(&fixture, "new", "call-2", now()).await;
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 0, "without a rule everything is kept");
    keep(&fixture, &format!(r#"{{"bodies_days": {TEN_YEARS}}}"#)).await;
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 450);
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 0);
    assert_eq!(
        fixture.count("webhook_events", &format!("organization_id = '{A}' AND dedupe_key = 'new'")).await,
        1
    );
    assert_eq!(
        (count(&fixture, "webhook_events", A).await, count(&fixture, "webhook_events", B).await),
        (1, 451)
    );
    // The ledger has a rule of its own.
    for table in ["call_logs", "call_reports", "call_pins"] {
        assert_eq!(count(&fixture, table, A).await, 2, "{table}");
    }
}

async fn the_oldest_messages_go_where_too_much_is_stored(fixture: Fixture) {
    for nth in 0..10 {
        record(&fixture, &format!("message-{nth}"), "call-1", old() + TimeDelta::seconds(nth)).await;
    }
    let length = format!(
        "SELECT CAST(max(octet_length(body)) AS text) AS v FROM webhook_events WHERE organization_id = '{A}'"
    );
    let length: i64 = fixture.value(&length).await.unwrap().parse().unwrap();
    keep(&fixture, &format!(r#"{{"stored_bytes": {}}}"#, 3 * length + 1)).await;
    fixture.storage.clear_away().await.unwrap();
    let latest = "dedupe_key IN ('message-7', 'message-8', 'message-9')";
    let left = fixture.count("webhook_events", &format!("organization_id = '{A}' AND {latest}")).await;
    assert_eq!((left, count(&fixture, "webhook_events", A).await), (3, 3));
    assert_eq!(count(&fixture, "webhook_events", B).await, 10);
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 0);
    // What comes later counts too, and is not looked at while it is new.
    record(&fixture, "message-10", "call-1", old() + TimeDelta::seconds(10)).await;
    fixture.storage.clear_away().await.unwrap();
    let newest = format!("organization_id = '{A}' AND dedupe_key = 'message-10'");
    let newest = fixture.count("webhook_events", &newest).await;
    assert_eq!((newest, count(&fixture, "webhook_events", A).await), (1, 3));
}

/// A tool call of an organization's call that was answered.
async fn answer_tool(fixture: &Fixture, call: &str) -> KeyHash {
    let key = KeyHash([7; 32]);
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let new = NewToolResult { key, vapi_call_id: call, tool_call_id: "tool-1", tool: "bookAppointment" };
    assert_eq!(scope.tool_results().reserve(&new, now()).await.unwrap(), Reservation::Fresh);
    let said = ToolAnswer::Result("Jane Doe is booked for ten.".into());
    scope.tool_results().store(key, &said, true, None).await.unwrap();
    scope.commit().await.unwrap();
    key
}

/// The answer that the key still has, without words; its tool does not run again.
async fn forgotten(fixture: &Fixture, key: KeyHash, call: &str) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let again = NewToolResult { key, vapi_call_id: call, tool_call_id: "tool-1", tool: "bookAppointment" };
    let reservation = scope.tool_results().reserve(&again, now()).await.unwrap();
    let Reservation::Done { answer, .. } = reservation else { panic!("{reservation:?}") };
    assert_eq!(answer, ToolAnswer::Result("".into()));
    scope.commit().await.unwrap();
}

async fn what_was_said_goes_before_the_call(fixture: Fixture) {
    record(&fixture, "k1", "call-old", old()).await;
    record(&fixture, "k2", "call-new", now()).await;
    let key = answer_tool(&fixture, "call-old").await;
    keep(&fixture, &format!(r#"{{"transcripts_days": {TEN_YEARS}}}"#)).await;
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 1);
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 0);
    assert_eq!((count(&fixture, "call_reports", A).await, count(&fixture, "call_reports", B).await), (1, 2));
    assert_eq!((count(&fixture, "call_logs", A).await, count(&fixture, "webhook_events", A).await), (2, 2));
    forgotten(&fixture, key, "call-old").await;
}

async fn a_call_goes_with_all_that_belongs_to_it(fixture: Fixture) {
    record(&fixture, "k1", "call-old", old()).await;
    record(&fixture, "k2", "call-new", now()).await;
    let key = answer_tool(&fixture, "call-old").await;
    keep(&fixture, &format!(r#"{{"calls_days": {TEN_YEARS}}}"#)).await;
    assert_eq!(fixture.storage.clear_away().await.unwrap(), 1);
    for table in ["call_logs", "call_reports", "call_pins", "webhook_events"] {
        let of = |org| format!("organization_id = '{org}' AND vapi_call_id = 'call-old'");
        assert_eq!(fixture.count(table, &of(A)).await, 0, "{table}");
        assert_eq!((count(&fixture, table, A).await, fixture.count(table, &of(B)).await), (1, 1), "{table}");
    }
    forgotten(&fixture, key, "call-old").await;
}

async fn an_organizations_own_rule_stands_over_the_deployments(fixture: Fixture) {
    record(&fixture, "k1", "call-1", old()).await;
    keep(&fixture, r#"{"bodies_days": 0, "calls_days": "soon"}"#).await;
    let storage = fixture
        .reopened(|config| {
            config.retention = Retention { bodies_days: Some(TEN_YEARS), ..Retention::default() }
        })
        .await;
    assert_eq!(storage.clear_away().await.unwrap(), 1);
    assert_eq!(
        (count(&fixture, "webhook_events", A).await, count(&fixture, "webhook_events", B).await),
        (1, 0)
    );
}
