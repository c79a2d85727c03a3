//! The writer: one task that takes what waits and commits it together.
//!
//! There is no timer. While a transaction is on its way, the next batch gathers by itself; an idle gateway writes a
//! message at once. Where the database can, a second transaction works while the first waits for the disk. No sender
//! is told that a message is kept before the transaction that holds it has been committed.

mod queue;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use org_resolver::OrgId;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use self::queue::{Entrance, Job, Outcome, Queue, Seen};
use crate::backend::Backend;
use crate::classify::{chain, is_about_rows, is_held_up};
use crate::error::StorageError;
use crate::record::{Entry, Record};

/// How many records a batch gathers before it sets out beside another one. Few records cost the database nearly as much
/// as many, so a second batch is worth its while only when enough wait.
const ENOUGH: usize = 32;

/// How many batches that failed as a whole are taken apart at the same time, beside the next batches.
const MAX_APART: usize = 1;

/// The most batches that are on their way at the same time.
pub(crate) const MAX_BATCHES: usize = 2;

/// The most transactions at the same time: batches, those that are taken apart, and one that waits for a held row.
pub(crate) const MAX_TRANSACTIONS: usize = MAX_BATCHES + MAX_APART + 1;

/// How long a transaction waits for a row that another one holds. After that the others go on without that one.
const PATIENCE: Duration = Duration::from_millis(250);

/// A handle on the writer. Clones share it; with the last one it ends, after what was sent.
#[derive(Clone)]
pub(crate) struct Writer {
    queue: Arc<Entrance>,
    limits: WriterLimits,
}

/// How much waits for the writer, and how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WriterLimits {
    /// The most records that wait.
    pub(crate) queue: usize,
    /// How long a record waits at most.
    pub(crate) wait: Duration,
    /// How long a transaction may take, also where the database has stopped answering.
    pub(crate) transaction: Duration,
}

impl Writer {
    /// Starts the writer on the current runtime.
    pub(crate) fn start(backend: Arc<dyn Backend>, limits: WriterLimits) -> Self {
        let (entrance, queue) = Queue::new(limits.queue);
        let (held, held_jobs) = mpsc::unbounded_channel();
        let lanes = Lanes::new(backend.parallel_batches().clamp(1, MAX_BATCHES));
        let task = Task { backend, transaction: limits.transaction };
        tokio::spawn(wait_for_rows(task.clone(), held_jobs));
        tokio::spawn(run(Batches { task, held, lanes, apart: Arc::new(Semaphore::new(MAX_APART)) }, queue));
        Self { queue: Arc::new(entrance), limits }
    }

    /// Gives a record to the writer, and waits until it is committed.
    pub(crate) async fn record(&self, org: OrgId, record: impl Into<Arc<Record>>) -> Outcome {
        let (done, outcome) = oneshot::channel();
        let job = Job { entry: Entry { org, record: record.into() }, done };
        self.queue.push(job)?;
        // A record that is given up on may be committed all the same: its sender is told to send it again, and the
        // second time it is a repetition.
        match timeout(self.limits.wait, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_gone)) => Err(StorageError::unavailable("the writer is gone")),
            Err(_elapsed) => Err(StorageError::unavailable("the message was not written in time")),
        }
    }
}

#[derive(Clone)]
struct Task {
    backend: Arc<dyn Backend>,
    transaction: Duration,
}

#[derive(Clone)]
struct Batches {
    task: Task,
    /// Records that need a row that another transaction holds.
    held: mpsc::UnboundedSender<Job>,
    lanes: Arc<Lanes>,
    apart: Arc<Semaphore>,
}

async fn run(batches: Batches, queue: Arc<Queue>) {
    loop {
        let is_worth_it = match queue.look(ENOUGH) {
            Seen::End => return,
            Seen::Nothing => {
                queue.changed().await;
                continue;
            }
            Seen::Some => false,
            Seen::Enough => true,
        };
        let Some(lane) = batches.lanes.enter(is_worth_it) else {
            // Until a batch has ended, or more has arrived.
            tokio::select! {
                () = batches.lanes.ended.notified() => {}
                () = queue.changed() => {}
            }
            continue;
        };
        let (batches, batch) = (batches.clone(), queue.next_batch());
        tokio::spawn(async move {
            batches.commit(batch).await;
            drop(lane);
        });
    }
}

/// The batches that are on their way.
struct Lanes {
    free: AtomicUsize,
    all: usize,
    ended: Notify,
}

/// One batch's place; free again when dropped.
struct Lane(Arc<Lanes>);

impl Lanes {
    fn new(all: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(all), all, ended: Notify::new() })
    }

    /// A place, when nothing is on its way; where it `is_worth_it`, also beside another batch. Only the one task that
    /// gathers batches asks.
    fn enter(self: &Arc<Self>, is_worth_it: bool) -> Option<Lane> {
        let free = self.free.load(Ordering::SeqCst);
        if free == self.all || (free > 0 && is_worth_it) {
            self.free.fetch_sub(1, Ordering::SeqCst);
            return Some(Lane(Arc::clone(self)));
        }
        None
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::SeqCst);
        // Kept for a waiter that is just about to wait.
        self.0.ended.notify_one();
    }
}

/// Records whose rows are held: the organizations take turns, and a turn ends with a wait in vain. A record leaves when
/// it is written, or when its sender does.
async fn wait_for_rows(task: Task, mut jobs: mpsc::UnboundedReceiver<Job>) {
    let mut waiting = VecDeque::<VecDeque<Job>>::new();
    loop {
        if waiting.is_empty() {
            let Some(job) = jobs.recv().await else { return };
            waiting.push_back(VecDeque::from([job]));
        }
        while let Ok(job) = jobs.try_recv() {
            let is_own =
                |own: &&mut VecDeque<Job>| own.front().is_some_and(|it| it.entry.org == job.entry.org);
            match waiting.iter_mut().find(is_own) {
                Some(own) => own.push_back(job),
                None => waiting.push_back(VecDeque::from([job])),
            }
        }
        let Some(mut own) = waiting.pop_front() else { continue };
        while let Some(job) = own.pop_front() {
            if job.done.is_closed() {
                continue;
            }
            match task.attempt(vec![job]).await {
                Ok(()) => {}
                Err((error, alone)) if is_held_up(&error) => {
                    own.extend(alone);
                    break;
                }
                Err((error, alone)) => answer_all(alone, &error),
            }
        }
        if !own.is_empty() {
            waiting.push_back(own);
        }
    }
}

impl Batches {
    /// Commits a batch; where it fails as a whole, each organization's part is tried apart, and then each record.
    async fn commit(&self, batch: Vec<Job>) {
        #[cfg(ack_before_commit)]
        let batch = acknowledged_too_early(batch);
        let Err((error, batch)) = self.task.attempt(batch).await else { return };
        if !is_about_rows(&error) {
            answer_all(batch, &error);
            return;
        }
        tracing::debug!(records = batch.len(), error = chain(&error), "a batch is taken apart");
        // A fault in one organization holds up no other, until there is too much of it.
        let batches = self.clone();
        if let Ok(permit) = Arc::clone(&self.apart).acquire_owned().await {
            tokio::spawn(async move {
                batches.take_apart(batch).await;
                drop(permit);
            });
        }
    }

    async fn take_apart(&self, mut batch: Vec<Job>) {
        batch.sort_by_key(|job| job.entry.org.as_uuid());
        let mut rest = batch.into_iter().peekable();
        while let Some(first) = rest.next() {
            let org = first.entry.org;
            let mut own = vec![first];
            while let Some(job) = rest.next_if(|job| job.entry.org == org) {
                own.push(job);
            }
            let Err((error, own)) = self.task.attempt(own).await else { continue };
            if own.len() == 1 || is_held_up(&error) || !is_about_rows(&error) {
                self.settle(own, &error);
                continue;
            }
            for job in own {
                if let Err((error, alone)) = self.task.attempt(vec![job]).await {
                    self.settle(alone, &error);
                }
            }
        }
    }

    /// Lets records wait for rows that are held, and answers what else has failed.
    fn settle(&self, batch: Vec<Job>, error: &StorageError) {
        if !is_held_up(error) {
            answer_all(batch, error);
            return;
        }
        for job in batch {
            // Its senders hear that the writer is gone, should it be.
            let _ = self.held.send(job);
        }
    }
}

impl Task {
    /// One transaction. Its records are acknowledged after the commit; they come back when it fails.
    async fn attempt(&self, batch: Vec<Job>) -> Result<(), (StorageError, Vec<Job>)> {
        let entries: Vec<Entry> = batch.iter().map(|job| job.entry.clone()).collect();
        // A message that trips a fault of ours must not end the writer for everybody.
        let write = AssertUnwindSafe(self.backend.write(&entries, PATIENCE)).catch_unwind();
        // The database has its own limits; this one holds where it has stopped answering.
        let written = match timeout(self.transaction, write).await {
            Ok(Ok(written)) => written,
            Ok(Err(_panic)) => {
                Err(StorageError::rejected("the records cannot be written: see the panic above"))
            }
            Err(_elapsed) => Err(StorageError::unavailable("the database did not answer in time")),
        };
        match written {
            Ok(recorded) => {
                for (job, recorded) in batch.into_iter().zip(recorded) {
                    // The sender may be gone.
                    let _ = job.done.send(Ok(recorded));
                }
                Ok(())
            }
            Err(error) => Err((error, batch)),
        }
    }
}

/// Tells every sender of what became of the whole.
fn answer_all(batch: Vec<Job>, error: &StorageError) {
    for job in batch {
        let _ = job.done.send(Err(error.again()));
    }
}

/// The fault that the crash harness has to find: success is told before anything is committed.
#[cfg(any(test, ack_before_commit))]
fn acknowledged_too_early(batch: Vec<Job>) -> Vec<Job> {
    use crate::record::Recorded;

    let told = batch.into_iter().map(|job| {
        let _ = job.done.send(Ok(Recorded { is_new: true, ..Recorded::default() }));
        Job { entry: job.entry, done: oneshot::channel().0 }
    });
    told.collect()
}
