//! Records while somebody holds a row, a connection ends, an organization goes or a sender gives up.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, poll};
use storage::{CallerUpdate, ErrorKind, Record, Storage};

use super::ledger::step;
use super::record_all;
use crate::support::{A, B, Fixture, event, hold_call, on_both, on_postgres};

on_both!(
    a_deleted_organization_fails_alone,
    a_record_that_nobody_waits_for_is_kept_and_may_come_again,
    a_full_queue_is_told_at_once,
    a_fault_of_ours_fails_alone,
);

on_postgres!(
    a_held_row_does_not_keep_the_neighbours_of_a_batch,
    a_held_row_never_fills_the_writer,
    connections_that_the_server_ended_are_replaced,
    a_connection_ended_in_the_middle_costs_nothing,
    a_commit_that_fails_acknowledges_nothing,
    a_held_contact_does_not_keep_the_neighbours_of_a_batch,
);

fn with_update(key: &str, call: &str) -> Record {
    Record::new(&event(key, call)).with_call_update(step(1, ""))
}

async fn a_deleted_organization_fails_alone(fixture: Fixture) {
    fixture.execute(&format!("DELETE FROM organizations WHERE id = '{A}'")).await;
    let records = [
        (&fixture.b, with_update("k1", "call-1")),
        (&fixture.a, with_update("k1", "call-2")),
        (&fixture.b, with_update("k2", "call-3")),
        (&fixture.a, with_update("k2", "call-4")),
        (&fixture.b, with_update("k3", "call-1")),
    ];
    let recorded = records.map(|(organization, record)| fixture.storage.record(organization, record));
    let recorded = join_all(recorded).await;
    assert_eq!(recorded.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true, false, true]);
    // Sending it again would not help.
    assert_eq!(recorded[1].as_ref().unwrap_err().kind(), ErrorKind::Internal);
    assert!(recorded.iter().flatten().all(|one| one.is_new));
    assert_eq!(
        fixture.count("webhook_events", &format!("organization_id = '{B}' AND deliveries = 1")).await,
        3
    );
    for (table, rows) in [("webhook_events", 3), ("call_logs", 2), ("call_pins", 2)] {
        assert_eq!(fixture.count(table, "true").await, rows, "{table}");
    }
}

async fn a_record_that_nobody_waits_for_is_kept_and_may_come_again(fixture: Fixture) {
    for number in 0..10 {
        let key = format!("k{number}");
        {
            let mut given_up = pin!(fixture.storage.record(&fixture.a, with_update(&key, "call-1")));
            // Far enough to be sent; with more turns, far enough to be on its way or at its end.
            for _ in 0..=number {
                if poll!(&mut given_up).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // The next one is recorded as if nothing had happened.
        let next = format!("next-{number}");
        assert!(fixture.storage.record(&fixture.a, with_update(&next, "call-1")).await.unwrap().is_new);
        let again = fixture.storage.record(&fixture.a, with_update(&key, "call-1")).await.unwrap();
        assert!(!again.is_new, "what was sent was written");
    }
    assert_eq!(fixture.count("webhook_events", "dedupe_key LIKE 'k%' AND deliveries = 2").await, 10);
    assert_eq!(fixture.count("webhook_events", "dedupe_key LIKE 'next-%' AND deliveries = 1").await, 10);
}

async fn a_full_queue_is_told_at_once(fixture: Fixture) {
    let storage = fixture.reopened(|config| config.write_queue = 1).await;
    storage.record(&fixture.a, with_update("k0", "call-1")).await.unwrap();
    // The row of the call on PostgreSQL, the one writer of the file on SQLite.
    let mut holder = fixture.storage.scope(&fixture.a).await.unwrap();
    hold_call(&mut holder, "call-1").await;
    let mut waiting = pin!(storage.record(&fixture.a, with_update("k1", "call-1")));
    assert!(poll!(&mut waiting).is_pending());
    let refused = storage.record(&fixture.b, with_update("k2", "call-2")).now_or_never();
    let refused = refused.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Transient, "{refused:?}");
    assert!(poll!(&mut waiting).is_pending());
    holder.commit().await.unwrap();
    assert!(waiting.await.unwrap().is_new);
    assert!(storage.record(&fixture.b, with_update("k2", "call-2")).await.unwrap().is_new);
}

async fn a_fault_of_ours_fails_alone(fixture: Fixture) {
    // A failure that no constraint explains.
    fixture
        .execute(if fixture.is_postgres() {
            "ALTER TABLE webhook_events ADD CHECK (1 / (dedupe_key <> 'faulty')::integer = 1)"
        } else {
            "CREATE TRIGGER no_fault BEFORE INSERT ON webhook_events WHEN NEW.dedupe_key = 'faulty'
             BEGIN SELECT RAISE(ABORT, 'a fault'); END"
        })
        .await;
    let faulty = || Record::new(&event("faulty", "call-1"));
    for key in ["k1", "k2"] {
        let records = [
            (&fixture.a, with_update(key, "call-1")),
            (&fixture.a, faulty()),
            (&fixture.b, with_update(key, "call-2")),
        ];
        let recorded = records.map(|(organization, record)| fixture.storage.record(organization, record));
        let recorded = join_all(recorded).await;
        assert_eq!(recorded.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(recorded[1].as_ref().unwrap_err().kind(), ErrorKind::Internal);
    }
    // Alone in its batch, too; nothing of it is kept, and nothing of it is in anybody's way.
    assert!(fixture.storage.record(&fixture.a, faulty()).await.is_err());
    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.events().count(None).await.unwrap(), 2);
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'faulty'").await, 0);
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 4);
}

/// A statement gives its rows before its transaction ends: what fails after them was not done.
async fn a_commit_that_fails_acknowledges_nothing(fixture: Fixture) {
    fixture.refuse_at_commit("webhook_events").await;
    assert!(fixture.storage.record(&fixture.a, with_update("k1", "call-1")).await.is_err());
    let several = ["k2", "k3"].map(|key| fixture.storage.record(&fixture.b, with_update(key, "call-2")));
    assert!(join_all(several).await.iter().all(Result::is_err));
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.events().record(std::sync::Arc::new(with_update("k4", "call-1"))).await.unwrap();
    assert!(scope.commit().await.is_err());
    assert_eq!(fixture.count("webhook_events", "true").await, 0);
}

/// The store with senders that wait as long as it takes, also on a machine that has other things to do.
async fn patient(fixture: &Fixture) -> Storage {
    fixture.reopened(|config| config.write_wait = Duration::from_secs(3600)).await
}

/// A lock on one organization's row holds up that organization's message alone.
async fn a_held_row_does_not_keep_the_neighbours_of_a_batch(fixture: Fixture) {
    let storage = patient(&fixture).await;
    record_all(&storage, [(&fixture.a, with_update("k0", "call-1"))]).await;
    let person = fixture.person().await;
    person
        .batch_execute("BEGIN; SELECT * FROM call_logs WHERE vapi_call_id = 'call-1' FOR UPDATE")
        .await
        .unwrap();
    // Together: the batch as a whole cannot be written.
    let mut held = pin!(storage.record(&fixture.a, with_update("k1", "call-1")));
    assert!(poll!(&mut held).is_pending());
    let others = ["k1", "k2", "k3"].map(|key| storage.record(&fixture.b, with_update(key, "call-2")));
    for other in join_all(others).await {
        assert!(other.unwrap().is_new);
    }
    assert_eq!(fixture.count("webhook_events", &format!("organization_id = '{B}'")).await, 3);
    assert!(poll!(&mut held).is_pending(), "the row is still held");
    // And afterwards: the next batches go on, whoever is in them.
    for key in ["k4", "k5"] {
        assert!(storage.record(&fixture.b, with_update(key, "call-2")).await.unwrap().is_new);
    }
    assert!(storage.record(&fixture.a, with_update("k2", "call-9")).await.unwrap().is_new);
    assert!(poll!(&mut held).is_pending(), "the row is still held");
    person.batch_execute("ROLLBACK").await.unwrap();
    assert!(held.await.unwrap().is_new);
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 8);
}

/// An organization whose row is held sends on, batch after batch; the others never notice.
async fn a_held_row_never_fills_the_writer(fixture: Fixture) {
    let storage = patient(&fixture).await;
    record_all(&storage, [(&fixture.a, with_update("k0", "call-1"))]).await;
    let person = fixture.person().await;
    person
        .batch_execute("BEGIN; SELECT * FROM call_logs WHERE vapi_call_id = 'call-1' FOR UPDATE")
        .await
        .unwrap();
    let keys: Vec<_> = (1..=6).map(|number| format!("k{number}")).collect();
    let mut held = Vec::new();
    for key in &keys {
        let mut one = Box::pin(storage.record(&fixture.a, with_update(key, "call-1")));
        assert!(poll!(&mut one).is_pending());
        held.push(one);
        assert!(storage.record(&fixture.b, with_update(key, "call-2")).await.unwrap().is_new);
        assert!(poll!(held.last_mut().unwrap()).is_pending(), "the row is still held");
    }
    person.batch_execute("ROLLBACK").await.unwrap();
    for one in join_all(held).await {
        assert!(one.unwrap().is_new);
    }
}

async fn connections_that_the_server_ended_are_replaced(fixture: Fixture) {
    let end_all = "SELECT CAST(count(pg_terminate_backend(pid)) AS text) AS v FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for round in 0..3 {
        let keys: Vec<_> = (0..5).map(|number| format!("k{round}-{number}")).collect();
        let records = keys.iter().map(|key| (&fixture.a, with_update(key, "call-1")));
        assert!(record_all(&fixture.storage, records).await.iter().all(|one| one.is_new));
        assert_ne!(fixture.value(end_all).await.as_deref(), Some("0"));
    }
    assert!(!fixture.storage.record(&fixture.a, with_update("k0-0", "call-1")).await.unwrap().is_new);
    assert_eq!(fixture.count("webhook_events", "true").await, 15);
}

/// A batch whose connection ends in the middle is written over another one.
async fn a_connection_ended_in_the_middle_costs_nothing(fixture: Fixture) {
    let storage = patient(&fixture).await;
    record_all(&storage, [(&fixture.a, with_update("k0", "call-1"))]).await;
    let person = fixture.person().await;
    // Before the row is asked for, the message itself has been written: in the transaction that ends here.
    person
        .batch_execute("BEGIN; SELECT * FROM call_logs WHERE vapi_call_id = 'call-1' FOR UPDATE")
        .await
        .unwrap();
    let mut held = pin!(storage.record(&fixture.a, with_update("k1", "call-1")));
    assert!(poll!(&mut held).is_pending());
    fixture.until_somebody_waits().await;
    fixture
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        )
        .await;
    person.batch_execute("ROLLBACK").await.unwrap();
    assert!(matches!(held.await, Ok(recorded) if recorded.is_new));
    assert_eq!(fixture.count("webhook_events", "deliveries = 1").await, 2);
}

/// A contact that somebody holds is waited for like a call.
async fn a_held_contact_does_not_keep_the_neighbours_of_a_batch(fixture: Fixture) {
    let storage = patient(&fixture).await;
    let record = |key| {
        let number = "+12025550143".to_owned();
        let caller = CallerUpdate { number, name: None, email: None, last_call_at: None };
        Record::new(&event(key, "call-1")).with_caller(caller)
    };
    record_all(&storage, [(&fixture.a, record("k0"))]).await;
    let person = fixture.person().await;
    person.batch_execute("BEGIN; SELECT * FROM contacts FOR UPDATE").await.unwrap();
    let mut held = pin!(storage.record(&fixture.a, record("k1")));
    assert!(poll!(&mut held).is_pending());
    assert!(storage.record(&fixture.b, record("k1")).await.unwrap().is_new);
    assert!(matches!(poll!(&mut held), Poll::Pending), "the row is still held");
    person.batch_execute("COMMIT").await.unwrap();
    assert!(held.await.unwrap().has_contact);
}
