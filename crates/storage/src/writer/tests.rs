//! The writer against a database that does what the test says, when the test says it.

mod fake;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, poll};

use self::fake::{FakeBackend, Write, org, record};
use super::queue::{Job, MAX_BATCH, Outcome};
use super::{Writer, WriterLimits, acknowledged_too_early};
use crate::error::{ErrorKind, StorageError};
use crate::record::Entry;

const LIMITS: WriterLimits =
    WriterLimits { queue: 1000, wait: Duration::from_secs(3600), transaction: Duration::from_secs(7) };

fn started(limits: WriterLimits) -> (Writer, FakeBackend) {
    let (backend, writes) = fake::backend();
    (Writer::start(backend, limits), writes)
}

/// A record on its way: it has been given to the writer, and nothing is known of it.
type Sent = Pin<Box<dyn Future<Output = Outcome> + Send>>;

fn sent(writer: &Writer, org_number: u128, key: &str) -> Sent {
    let (writer, record) = (writer.clone(), record(key));
    let mut sent: Sent = Box::pin(async move { writer.record(org(org_number), record).await });
    assert!((&mut sent).now_or_never().is_none());
    sent
}

/// Lets every other task run until nothing is left that can.
async fn others_run() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn kind(outcome: &Outcome) -> Option<ErrorKind> {
    outcome.as_ref().err().map(StorageError::kind)
}

fn lock_timeout() -> StorageError {
    StorageError::unavailable("canceling statement due to lock timeout")
}

#[tokio::test]
async fn nothing_is_acknowledged_before_it_is_written() {
    let (writer, mut backend) = started(LIMITS);
    let mut one = sent(&writer, 1, "one");
    let write = backend.next().await;
    assert_eq!(write.keys, ["one"]);
    others_run().await;
    assert!(poll!(&mut one).is_pending(), "the transaction is still on its way");
    write.succeed();
    assert!(one.await.unwrap().is_new);
}

#[tokio::test]
async fn what_waits_during_a_transaction_is_written_together() {
    let (writer, mut backend) = started(LIMITS);
    let first = sent(&writer, 1, "first");
    let write = backend.next().await;
    assert_eq!(write.keys, ["first"], "an idle writer waits for nobody");
    let others = [(2, "b"), (1, "a"), (2, "c")].map(|(org, key)| sent(&writer, org, key));
    others_run().await;
    assert!(backend.is_idle(), "one transaction at a time");
    write.succeed();
    assert!(first.await.unwrap().is_new);
    let write = backend.next().await;
    assert_eq!(write.keys, ["b", "a", "c"], "in the order of their arrival");
    assert_eq!(write.orgs, [org(2), org(1), org(2)]);
    write.succeed();
    assert!(join_all(others).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn each_sender_gets_its_own_outcome() {
    let (writer, mut backend) = started(LIMITS);
    let mut senders = ["new", "again", "new too"].map(|key| sent(&writer, 1, key));
    backend.next().await.succeed_with(|key| key != "again");
    others_run().await;
    let outcomes: Vec<_> =
        senders.iter_mut().map(|sender| sender.now_or_never().unwrap().unwrap().is_new).collect();
    assert_eq!(outcomes, [true, false, true]);
}

#[tokio::test]
async fn a_batch_has_an_end() {
    let (writer, mut backend) = started(LIMITS);
    let keys: Vec<_> = (0..MAX_BATCH + 44).map(|number| number.to_string()).collect();
    let senders: Vec<_> = keys.iter().map(|key| sent(&writer, 1, key)).collect();
    for part in [&keys[..MAX_BATCH], &keys[MAX_BATCH..]] {
        let write = backend.next().await;
        assert_eq!(write.keys, part);
        write.succeed();
    }
    assert!(join_all(senders).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_batch_holds_one_mebibyte_and_a_larger_record_goes_alone() {
    let (writer, mut backend) = started(LIMITS);
    let sent = |key: &'static str, bytes: usize| {
        let (writer, record) = (writer.clone(), fake::heavy(key, bytes));
        let mut sent: Sent = Box::pin(async move { writer.record(org(1), record).await });
        assert!((&mut sent).now_or_never().is_none());
        sent
    };
    let quarter = 1 << 18;
    let senders = [
        sent("a", quarter),
        sent("b", quarter),
        sent("c", 2 * quarter),
        sent("d", 1),
        sent("huge", 5 * quarter),
        sent("e", quarter),
    ];
    for keys in [&["a", "b", "c"][..], &["d"], &["huge"], &["e"]] {
        let write = backend.next().await;
        assert_eq!(write.keys, keys);
        write.succeed();
    }
    assert!(join_all(senders).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_failing_batch_is_taken_apart_by_organization_and_then_by_record() {
    let (writer, backend) = started(LIMITS);
    let tries = backend.answer_by(|write| {
        let is_bad = |key: &String| key.starts_with("bad");
        if write.keys.iter().any(is_bad) { Err(StorageError::rejected("no such row")) } else { Ok(()) }
    });
    let senders = [(2, "b1"), (1, "a1"), (2, "bad"), (3, "bad alone"), (2, "b2"), (1, "a2")]
        .map(|(org, key)| sent(&writer, org, key));
    let outcomes = join_all(senders).await;
    let kinds: Vec<_> = outcomes.iter().map(kind).collect();
    let refused = Some(ErrorKind::Internal);
    assert_eq!(kinds, [None, None, refused, refused, None, None]);
    assert_eq!(
        tries.keys(),
        [
            &["b1", "a1", "bad", "bad alone", "b2", "a2"][..],
            &["a1", "a2"],
            &["b1", "bad", "b2"],
            &["b1"],
            &["bad"],
            &["b2"],
            &["bad alone"],
        ]
    );
}

#[tokio::test]
async fn what_is_wrong_reaches_its_sender() {
    let (writer, backend) = started(LIMITS);
    let _tries = backend.answer_by(|_| Err(StorageError::Conflict { reason: "there is no such row".into() }));
    let refused = sent(&writer, 1, "a").await.unwrap_err();
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!((refused.kind(), cause.as_str()), (ErrorKind::Internal, "there is no such row"));
}

#[tokio::test]
async fn a_database_that_is_away_fails_all_at_once() {
    let (writer, backend) = started(LIMITS);
    let tries = backend.answer_by(|_| Err(StorageError::unavailable("connection refused")));
    let senders = [(1, "a"), (1, "b"), (2, "c")].map(|(org, key)| sent(&writer, org, key));
    for outcome in join_all(senders).await {
        assert_eq!(kind(&outcome), Some(ErrorKind::Transient));
    }
    assert_eq!(tries.keys(), [["a", "b", "c"]], "nothing was tried apart");
}

#[tokio::test]
async fn the_next_batch_goes_on_while_one_is_taken_apart() {
    let (writer, mut backend) = started(LIMITS);
    let mut bad = sent(&writer, 1, "bad");
    backend.next().await.fail(StorageError::rejected("no such row"));
    // Its second try is held up, for as long as the test wants.
    let apart = backend.next().await;
    assert_eq!(apart.keys, ["bad"]);
    for key in ["next", "the one after"] {
        let next = sent(&writer, 2, key);
        let write = backend.next().await;
        assert_eq!(write.keys, [key]);
        write.succeed();
        assert!(next.await.unwrap().is_new);
    }
    assert!(poll!(&mut bad).is_pending());
    apart.fail(StorageError::rejected("no such row"));
    assert_eq!(kind(&bad.await), Some(ErrorKind::Internal));
}

#[tokio::test]
async fn a_held_row_keeps_nobody_else_waiting() {
    let (writer, mut backend) = started(LIMITS);
    let mut held = sent(&writer, 1, "held");
    let other = sent(&writer, 2, "other");
    backend.next().await.fail(lock_timeout());
    // Apart: the organization whose row is held comes first, and does not make the other one wait for it.
    let write = backend.next().await;
    assert_eq!(write.keys, ["held"]);
    write.fail(lock_timeout());
    let (mut waits, mut write) = (backend.next().await, backend.next().await);
    if waits.keys == ["other"] {
        std::mem::swap(&mut waits, &mut write);
    }
    assert_eq!((&*waits.keys, &*write.keys), (&["held".to_owned()][..], &["other".to_owned()][..]));
    write.succeed();
    assert!(other.await.unwrap().is_new);
    // It is tried again for as long as its sender waits, beside batch after batch.
    for round in 0..5 {
        waits.fail(lock_timeout());
        waits = backend.next().await;
        assert_eq!(waits.keys, ["held"], "round {round}");
        let next = sent(&writer, 2, "next");
        backend.next().await.succeed();
        assert!(next.await.unwrap().is_new);
    }
    assert!(poll!(&mut held).is_pending());
    waits.succeed();
    assert!(held.await.unwrap().is_new);
}

#[tokio::test]
async fn organizations_with_held_rows_take_turns() {
    let (writer, mut backend) = started(LIMITS);
    let senders = [(1, "a1"), (1, "a2"), (2, "b1")].map(|(org, key)| sent(&writer, org, key));
    // The batch as a whole, each organization's part, and then record by record.
    for keys in [&["a1", "a2", "b1"][..], &["a1", "a2"]] {
        let write = backend.next().await;
        assert_eq!(write.keys, keys);
        write.fail(lock_timeout());
    }
    let (mut turn, mut part) = (backend.next().await, backend.next().await);
    if turn.keys == ["b1"] {
        std::mem::swap(&mut turn, &mut part);
    }
    assert_eq!(part.keys, ["b1"]);
    part.fail(lock_timeout());
    others_run().await;
    // The other organization came in during the first turn.
    for key in ["a1", "a2", "b1", "a1", "b1"] {
        assert_eq!(turn.keys, [key]);
        turn.fail(lock_timeout());
        turn = backend.next().await;
    }
    // Each success makes way for the organization's next.
    for key in ["a2", "a1"] {
        assert_eq!(turn.keys, [key]);
        turn.succeed();
        turn = backend.next().await;
    }
    assert_eq!(turn.keys, ["b1"]);
    turn.succeed();
    assert!(join_all(senders).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_held_record_whose_sender_is_gone_is_let_go() {
    let (writer, mut backend) = started(LIMITS);
    let held = sent(&writer, 1, "held");
    for _ in 0..2 {
        backend.next().await.fail(lock_timeout());
    }
    let turn = backend.next().await;
    drop(held);
    turn.fail(lock_timeout());
    others_run().await;
    assert!(backend.is_idle());
}

#[tokio::test]
async fn a_fault_of_ours_ends_neither_the_writer_nor_its_neighbours() {
    let (writer, backend) = started(LIMITS);
    let _tries = backend.answer_by(|write| {
        assert!(!write.keys.contains(&"bad".to_owned()), "a fault of ours");
        Ok(())
    });
    let senders = [(1, "a"), (1, "bad"), (2, "b")].map(|(org, key)| sent(&writer, org, key));
    let kinds: Vec<_> = join_all(senders).await.iter().map(kind).collect();
    assert_eq!(kinds, [None, Some(ErrorKind::Internal), None]);
    assert!(sent(&writer, 1, "next").await.unwrap().is_new);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_says_nothing_is_given_up_on() {
    let (writer, mut backend) = started(LIMITS);
    let silent = sent(&writer, 1, "silent");
    let write = backend.next().await;
    let next = sent(&writer, 1, "next");
    assert_eq!(kind(&silent.await), Some(ErrorKind::Transient));
    assert!(write.is_given_up(), "the transaction was dropped");
    let write = backend.next().await;
    assert_eq!(write.keys, ["next"], "what said nothing is not tried again");
    write.succeed();
    assert!(next.await.unwrap().is_new);
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_so_long_and_no_longer() {
    let (writer, mut backend) = started(WriterLimits { wait: Duration::from_secs(2), ..LIMITS });
    let late = sent(&writer, 1, "late");
    let write = backend.next().await;
    assert_eq!(kind(&late.await), Some(ErrorKind::Transient));
    assert!(!write.is_given_up(), "what was begun goes on");
    write.succeed();
    let next = sent(&writer, 1, "next");
    backend.next().await.succeed();
    assert!(next.await.unwrap().is_new);
}

#[tokio::test]
async fn a_full_queue_is_told_at_once() {
    let (writer, mut backend) = started(WriterLimits { queue: 2, ..LIMITS });
    let first = sent(&writer, 1, "first");
    let write = backend.next().await;
    let waiting = ["second", "third"].map(|key| sent(&writer, 1, key));
    let refused = writer.record(org(1), record("fourth")).now_or_never();
    assert_eq!(kind(&refused.unwrap()), Some(ErrorKind::Transient));
    write.succeed();
    let write = backend.next().await;
    assert_eq!(write.keys, ["second", "third"]);
    write.succeed();
    assert!(first.await.is_ok() && join_all(waiting).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn organizations_take_turns_where_not_all_fits_into_a_transaction() {
    let (writer, mut backend) = started(LIMITS);
    let first = sent(&writer, 1, "first");
    let write = backend.next().await;
    let flood: Vec<_> = (0..MAX_BATCH * 2).map(|number| sent(&writer, 1, &number.to_string())).collect();
    let others = [(2, "two"), (3, "three"), (2, "two again")].map(|(org, key)| sent(&writer, org, key));
    write.succeed();
    assert!(first.await.unwrap().is_new);
    let write = backend.next().await;
    assert_eq!(write.keys.len(), MAX_BATCH);
    // The flood's own part in its order, and all of the others, who came last and are in the first transaction.
    let numbers: Vec<_> = (0..MAX_BATCH - 3).map(|number| number.to_string()).collect();
    assert_eq!(write.keys[..MAX_BATCH - 3], numbers);
    assert_eq!(write.keys[MAX_BATCH - 3..], ["two", "three", "two again"]);
    write.succeed();
    assert!(join_all(others).await.iter().all(Result::is_ok));
    let _rest = backend.answer_by(|_| Ok(()));
    assert!(join_all(flood).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_large_record_waits_for_no_flood_of_another_organization() {
    let (writer, mut backend) = started(LIMITS);
    let first = sent(&writer, 1, "first");
    let write = backend.next().await;
    let keys: Vec<_> = (0..MAX_BATCH + 9).map(|number| number.to_string()).collect();
    let flood: Vec<_> = keys.iter().map(|key| sent(&writer, 1, key)).collect();
    let large = {
        let (writer, record) = (writer.clone(), fake::heavy("large", 1 << 21));
        tokio::spawn(async move { writer.record(org(2), record).await })
    };
    others_run().await;
    write.succeed();
    assert!(first.await.is_ok());
    // It fits into no transaction with others, which are not held up by it; and then it is its turn.
    for expected in [&keys[..MAX_BATCH], &["large".to_owned()]] {
        let write = backend.next().await;
        assert_eq!(write.keys, expected);
        write.succeed();
    }
    assert!(large.await.unwrap().is_ok());
    let _rest = backend.answer_by(|_| Ok(()));
    assert!(join_all(flood).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_flood_that_fills_the_queue_makes_room_for_others() {
    let (writer, mut backend) = started(WriterLimits { queue: 4, ..LIMITS });
    let first = sent(&writer, 1, "first");
    let write = backend.next().await;
    let flood = ["1", "2", "3", "4"].map(|key| sent(&writer, 1, key));
    let refused = writer.record(org(1), record("5")).now_or_never();
    assert_eq!(kind(&refused.unwrap()), Some(ErrorKind::Transient));
    let others = [(2, "a"), (3, "b")].map(|(org, key)| sent(&writer, org, key));
    // Now two wait of the one that had four. Who has one of four has its share, and so has who has two.
    for own in [1, 2, 3] {
        let refused = writer.record(org(own), record("more")).now_or_never();
        assert_eq!(kind(&refused.unwrap()), Some(ErrorKind::Transient), "{own}");
    }
    write.succeed();
    assert!(first.await.is_ok());
    let write = backend.next().await;
    assert_eq!(write.keys, ["1", "2", "a", "b"]);
    write.succeed();
    let told: Vec<_> = join_all(flood).await.iter().map(kind).collect();
    let crowded_out = Some(ErrorKind::Transient);
    assert_eq!(told, [None, None, crowded_out, crowded_out]);
    assert!(join_all(others).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_written() {
    let (writer, mut backend) = started(LIMITS);
    drop(sent(&writer, 1, "dropped"));
    let kept = sent(&writer, 1, "kept");
    let write = backend.next().await;
    assert_eq!(write.keys, ["dropped", "kept"]);
    write.succeed();
    assert!(kept.await.unwrap().is_new);
}

#[tokio::test]
async fn the_last_handle_ends_the_writer_after_what_was_sent() {
    let (writer, mut backend) = started(LIMITS);
    // Sent by a handle of its own, which is gone when the record is given up on.
    drop(sent(&writer, 1, "last"));
    drop(writer);
    let write: Write = backend.next().await;
    assert_eq!(write.keys, ["last"]);
    write.succeed();
    assert!(backend.has_ended().await, "no task holds the database any more");
}

#[test]
fn handles_are_shared_between_threads() {
    fn is_shared<T: Send + Sync + 'static>() {}
    is_shared::<Arc<Writer>>();
}

/// The fault of the crash harness is no part of any build but its own: here it is seen to be one still.
#[test]
fn the_fault_tells_success_and_keeps_the_records() {
    let (done, outcome) = tokio::sync::oneshot::channel();
    let entry = Entry { org: org(1), record: Arc::new(record("one")) };
    let batch = acknowledged_too_early(vec![Job { entry, done }]);
    assert_eq!(batch.len(), 1);
    assert!(outcome.now_or_never().unwrap().unwrap().unwrap().is_new);
}
