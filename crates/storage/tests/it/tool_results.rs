//! Tool results: each tool call runs once.

use futures::future::join_all;
use storage::StorageError;
use storage::repo::{EffectId, KeyHash, NewToolResult, Reservation, ToolAnswer};
use uuid::Uuid;

use crate::support::{A, B, Fixture, now, on_both, verified};

on_both!(
    a_reserved_call_runs_once,
    races_have_one_winner,
    a_reservation_that_was_rolled_back_is_free,
    a_reservation_without_an_answer_runs_again_one_at_a_time,
    effects_can_be_undone,
    an_answer_needs_a_reservation,
    results_of_another_organization_are_missing_ones,
);

const KEY: KeyHash = KeyHash([7; 32]);
const EFFECT: EffectId = EffectId(Uuid::from_u128(42));

fn call(key: KeyHash) -> NewToolResult<'static> {
    NewToolResult { key, vapi_call_id: "call-1", tool_call_id: "tool-1", tool: "bookAppointment" }
}

fn booked() -> ToolAnswer {
    ToolAnswer::Result("You are booked for ten.".into())
}

fn done(is_undone: bool) -> Reservation {
    Reservation::Done { answer: booked(), succeeded: true, effect: Some(EFFECT), is_undone }
}

async fn a_reserved_call_runs_once(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), Reservation::Fresh);
    scope.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), done(false));
    scope.commit().await.unwrap();
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), done(false));
    assert_eq!(
        scope.tool_results().reserve(&call(KeyHash([8; 32])), now()).await.unwrap(),
        Reservation::Fresh
    );
    let failed = ToolAnswer::Error("appointmentDate is missing".into());
    scope.tool_results().store(KeyHash([8; 32]), &failed, false, None).await.unwrap();
    let again = scope.tool_results().reserve(&call(KeyHash([8; 32])), now()).await.unwrap();
    assert_eq!(again, Reservation::Done { answer: failed, succeeded: false, effect: None, is_undone: false });
}

async fn races_have_one_winner(fixture: Fixture) {
    let fixture = &fixture;
    let work = (0..12).map(|_| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let reservation = scope.tool_results().reserve(&call(KEY), now()).await.unwrap();
        if reservation == Reservation::Fresh {
            scope.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
        }
        scope.commit().await.unwrap();
        reservation
    });
    let reservations = join_all(work).await;
    assert_eq!(reservations.iter().filter(|reservation| **reservation == Reservation::Fresh).count(), 1);
    assert_eq!(reservations.iter().filter(|reservation| **reservation == done(false)).count(), 11);
}

async fn a_reservation_that_was_rolled_back_is_free(fixture: Fixture) {
    let mut first = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(first.tool_results().reserve(&call(KEY), now()).await.unwrap(), Reservation::Fresh);
    first.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
    let storage = fixture.storage.clone();
    let second = tokio::spawn(async move {
        let mut scope = storage.scope(&verified(A)).await.unwrap();
        let reservation = scope.tool_results().reserve(&call(KEY), now()).await.unwrap();
        scope.commit().await.unwrap();
        reservation
    });
    if fixture.is_postgres() {
        let waiting = "SELECT CAST(count(*) AS text) AS v FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while fixture.value(waiting).await.as_deref() == Some("0") {
            tokio::task::yield_now().await;
        }
    }
    assert!(!second.is_finished());
    drop(first);
    assert_eq!(second.await.unwrap(), Reservation::Fresh);
}

async fn a_reservation_without_an_answer_runs_again_one_at_a_time(fixture: Fixture) {
    let fixture = &fixture;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), Reservation::Fresh);
    // As a tool does that calls out: the reservation is kept, and then the process ends.
    scope.commit().await.unwrap();
    let work = (0..4).map(|_| async move {
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let reservation = scope.tool_results().reserve(&call(KEY), now()).await.unwrap();
        if reservation == Reservation::Fresh {
            scope.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
        }
        scope.commit().await.unwrap();
        reservation
    });
    let reservations = join_all(work).await;
    assert_eq!(reservations.iter().filter(|reservation| **reservation == Reservation::Fresh).count(), 1);
}

async fn effects_can_be_undone(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.tool_results().reserve(&call(KEY), now()).await.unwrap();
    scope.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
    scope.tool_results().undo(EffectId(Uuid::from_u128(43)), now()).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), done(false));
    scope.tool_results().undo(EFFECT, now()).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), done(true));
    // A later success under the same key counts again.
    scope.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), done(false));
}

async fn an_answer_needs_a_reservation(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    let refused = scope.tool_results().store(KEY, &booked(), true, None).await.unwrap_err();
    assert!(matches!(refused, StorageError::Inconsistent { table: "tool_results", .. }));
}

async fn results_of_another_organization_are_missing_ones(fixture: Fixture) {
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    scope.tool_results().reserve(&call(KEY), now()).await.unwrap();
    scope.tool_results().store(KEY, &booked(), true, Some(EFFECT)).await.unwrap();
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.b).await.unwrap();
    let refused = scope.tool_results().store(KEY, &ToolAnswer::Error("x".into()), false, None).await;
    assert!(matches!(refused.unwrap_err(), StorageError::Inconsistent { .. }));
    scope.tool_results().undo(EFFECT, now()).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), Reservation::Fresh);
    scope.commit().await.unwrap();

    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.tool_results().reserve(&call(KEY), now()).await.unwrap(), done(false));
    assert_eq!(
        fixture.count("tool_results", &format!("organization_id = '{B}' AND answer IS NULL")).await,
        1
    );
}
