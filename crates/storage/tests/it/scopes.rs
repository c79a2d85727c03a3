//! Scopes: what is committed stays, and nothing else ever does.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use storage::repo::NewContact;
use storage::{ErrorKind, OrgScope};

use crate::support::{A, B, Fixture, hold_call, now, on_both, on_postgres};

on_both!(
    committed_rows_stay,
    a_dropped_scope_leaves_nothing,
    a_rolled_back_scope_leaves_nothing,
    a_scope_given_up_at_any_point_leaves_nothing,
    an_aborted_task_leaves_nothing,
    many_scopes_take_turns,
    a_scope_whose_statement_failed_is_not_committed,
    no_scope_meets_the_setting_of_another,
);

on_postgres!(
    connections_that_the_server_ended_are_replaced,
    a_connection_ended_in_the_middle_is_told_as_unavailable,
    a_given_up_wait_for_a_lock_ends,
    a_full_pool_is_told_as_unavailable,
    warm_connections_keep_to_the_bound_and_to_no_organization,
);

fn contact(phone: &str) -> NewContact<'_> {
    NewContact { phone: Some(phone), name: Some("Ada"), ..NewContact::default() }
}

async fn count(fixture: &Fixture) -> i64 {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let count = scope.contacts().count().await.unwrap();
    scope.commit().await.unwrap();
    count
}

async fn add(scope: &mut OrgScope, phone: &str) {
    scope.contacts().upsert(&contact(phone), now()).await.unwrap();
}

async fn warm_connections_keep_to_the_bound_and_to_no_organization(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    add(&mut scope, "+15552010100").await;
    scope.commit().await.unwrap();
    for (most, expected) in [(1, "4"), (3, "5"), (10, "7")] {
        let name = format!("warm {most}");
        let storage = fixture
            .reopened(|config| {
                config.application_name.clone_from(&name);
                config.max_connections = most;
            })
            .await;
        storage.warm_up().await;
        // Two of the writer's and the directory's one, and of those that scopes may have at most four; one of them that
        // was opened at the start stays free for who comes meanwhile.
        let opened = format!(
            "SELECT CAST(count(*) AS text) AS v FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = '{name}'"
        );
        assert_eq!(fixture.value(&opened).await.as_deref(), Some(expected), "at most {most}");
        for _ in 0..most {
            assert!(storage.contact(&fixture.b, "+15552010100").await.unwrap().is_none());
            assert!(storage.contact(&fixture.a, "+15552010100").await.unwrap().is_some());
        }
    }
    assert_eq!(fixture.count("webhook_events", "true").await, 0);
}

async fn committed_rows_stay(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.org_id(), fixture.a.id());
    add(&mut scope, "+15552010100").await;
    scope.commit().await.unwrap();
    assert_eq!(count(&fixture).await, 1);
    assert_eq!(fixture.count("contacts", &format!("organization_id = '{A}'")).await, 1);
}

async fn a_dropped_scope_leaves_nothing(fixture: Fixture) {
    for _ in 0..20 {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        add(&mut scope, "+15552010100").await;
        drop(scope);
        assert_eq!(count(&fixture).await, 0);
    }
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    add(&mut scope, "+15552010100").await;
    scope.commit().await.unwrap();
    assert_eq!(count(&fixture).await, 1);
}

async fn a_rolled_back_scope_leaves_nothing(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    add(&mut scope, "+15552010100").await;
    scope.rollback().await.unwrap();
    assert_eq!(count(&fixture).await, 0);
}

/// Polls a future a number of times and then drops it, as a server does whose client went away.
async fn give_up_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

async fn a_scope_given_up_at_any_point_leaves_nothing(fixture: Fixture) {
    let mut given_up = 0;
    // Several rounds, because how far a number of polls leads depends on the machine.
    for polls in (0..60).map(|round| round % 12) {
        let work = async {
            let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
            add(&mut scope, "+15552010100").await;
            add(&mut scope, "+15552010101").await;
            // Never committed: whether the future was given up or came to its end, nothing may be left.
            drop(scope);
        };
        given_up += usize::from(give_up_after(polls, work).await.is_none());
        assert_eq!(count(&fixture).await, 0, "after {polls} polls");
    }
    assert!(given_up > 0, "no future was given up in the middle");
}

async fn an_aborted_task_leaves_nothing(fixture: Fixture) {
    for _ in 0..10 {
        let storage = fixture.storage.clone();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut scope = storage.scope(&crate::support::verified(A)).await.unwrap();
            add(&mut scope, "+15552010100").await;
            started.send(()).unwrap();
            loop {
                add(&mut scope, "+15552010101").await;
            }
        });
        has_started.await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(count(&fixture).await, 0);
    }
}

async fn many_scopes_take_turns(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..60).map(|number| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        add(&mut scope, &format!("+1555201{number:04}")).await;
        if number % 3 == 0 {
            drop(scope);
        } else {
            scope.commit().await.unwrap();
        }
    });
    join_all(work).await;
    assert_eq!(count(fixture).await, 40);
}

async fn a_scope_whose_statement_failed_is_not_committed(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    add(&mut scope, "+15552010100").await;
    // Ends before it begins: a constraint refuses it on both.
    let at = now();
    let impossible = storage::repo::NewAppointment {
        contact_id: None,
        service: None,
        resource_id: uuid::Uuid::nil(),
        seat: 0,
        starts_at: at,
        ends_at: at - chrono::TimeDelta::minutes(30),
        blocked_until: at,
        patient_name: "Ada",
        patient_phone: None,
        patient_email: None,
        vapi_call_id: None,
        tool_call_id: None,
    };
    let refused = scope.appointments().insert(&impossible, at).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    // PostgreSQL would answer COMMIT by rolling back, and say that all is well.
    assert!(scope.commit().await.is_err());
    assert_eq!(count(&fixture).await, 0);
}

async fn no_scope_meets_the_setting_of_another(fixture: Fixture) {
    // One connection, so that every scope gets the one that the last scope had.
    let storage = fixture.reopened(|config| config.max_connections = 1).await;
    let mut scope = storage.scope(&fixture.a).await.unwrap();
    add(&mut scope, "+15552010100").await;
    scope.commit().await.unwrap();
    let mut scope = storage.scope(&fixture.b).await.unwrap();
    assert_eq!(scope.contacts().count().await.unwrap(), 0);
    assert!(scope.contacts().find_by_phone("+15552010100").await.unwrap().is_none());
    add(&mut scope, "+15552010100").await;
    scope.commit().await.unwrap();
    assert_eq!(fixture.count("contacts", &format!("organization_id = '{B}'")).await, 1);
    assert_eq!(fixture.count("contacts", &format!("organization_id = '{A}'")).await, 1);
}

/// Waiting for a turn has an end, and giving up takes nobody's turn.
#[tokio::test]
async fn a_busy_sqlite_writer_is_told_as_unavailable() {
    let fixture = Fixture::sqlite().await;
    let storage = fixture.reopened(|config| config.statement_timeout = Duration::from_millis(50)).await;
    let held = storage.scope(&fixture.a).await.unwrap();
    let refused = storage.scope(&fixture.b).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Transient);
    held.rollback().await.unwrap();
    storage.scope(&fixture.b).await.unwrap().commit().await.unwrap();
}

/// Another process that writes is waited for, and told apart from a failure.
#[tokio::test]
async fn a_writer_of_another_process_is_told_as_unavailable() {
    let fixture = Fixture::sqlite().await;
    let storage = fixture.reopened(|config| config.statement_timeout = Duration::from_millis(50)).await;
    let held = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(storage.scope(&fixture.a).await.unwrap_err().kind(), ErrorKind::Transient);
    drop(held);
    // The dropped scope is rolled back by its own thread; the other store waits for that as for any writer.
    let storage = fixture.reopened(|_| ()).await;
    storage.scope(&fixture.a).await.unwrap().commit().await.unwrap();
}

async fn connections_that_the_server_ended_are_replaced(fixture: Fixture) {
    let end_all = "SELECT CAST(count(pg_terminate_backend(pid)) AS text) AS v FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for _ in 0..3 {
        // Several idle connections, all of them ended at once.
        let open = (0..3).map(|_| fixture.storage.scope(&fixture.a));
        for scope in join_all(open).await {
            scope.unwrap().commit().await.unwrap();
        }
        fixture.value(end_all).await;
        assert_eq!(count(&fixture).await, 0);
        fixture.storage.health().await.unwrap();
    }
}

async fn a_connection_ended_in_the_middle_is_told_as_unavailable(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    add(&mut scope, "+15552010100").await;
    fixture
        .execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()")
        .await;
    let failed = scope.contacts().count().await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Transient, "{failed:?}");
    assert!(scope.commit().await.is_err());
    assert_eq!(count(&fixture).await, 0);
}

/// A statement whose client gave up does not keep its locks until its time limit.
async fn a_given_up_wait_for_a_lock_ends(fixture: Fixture) {
    let mut holder = fixture.storage.scope(&fixture.a).await.unwrap();
    hold_call(&mut holder, "call-1").await;
    let storage = fixture.storage.clone();
    let waiter = tokio::spawn(async move {
        let mut scope = storage.scope(&crate::support::verified(A)).await.unwrap();
        hold_call(&mut scope, "call-1").await;
    });
    let waiting = "SELECT CAST(count(*) AS text) AS v FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while fixture.value(waiting).await.as_deref() == Some("0") {
        tokio::task::yield_now().await;
    }
    waiter.abort();
    assert!(waiter.await.unwrap_err().is_cancelled());
    while fixture.value(waiting).await.as_deref() != Some("0") {
        tokio::task::yield_now().await;
    }
    holder.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert!(scope.calls().get("call-1").await.unwrap().is_some());
}

async fn a_full_pool_is_told_as_unavailable(fixture: Fixture) {
    let storage = fixture.reopened(|config| config.max_connections = 1).await;
    let held = storage.scope(&fixture.a).await.unwrap();
    assert_eq!(storage.scope(&fixture.a).await.unwrap_err().kind(), ErrorKind::Transient);
    held.commit().await.unwrap();
    storage.scope(&fixture.a).await.unwrap().commit().await.unwrap();
}
