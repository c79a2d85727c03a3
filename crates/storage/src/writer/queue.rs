//! What waits for the writer. Organizations take turns where not all of it fits into the next transaction, and where too
//! much waits, the one that has the most waiting is told so.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use org_resolver::OrgId;
use tokio::sync::{Notify, oneshot};

use crate::error::StorageError;
use crate::record::{Entry, Recorded};

/// The most records of one transaction.
pub(super) const MAX_BATCH: usize = 256;

/// The most bytes of one transaction's bodies, compressed; a single larger record goes alone. A batch is in memory several
/// times over on its way to the database.
const MAX_BATCH_BYTES: usize = 1 << 20;

pub(super) type Outcome = Result<Recorded, StorageError>;

/// A record, and who waits for what becomes of it.
pub(super) struct Job {
    pub(super) entry: Entry,
    pub(super) done: oneshot::Sender<Outcome>,
}

/// The senders' end. Dropped, it closes the queue, which ends with what is in it.
pub(super) struct Entrance(Arc<Queue>);

/// The writer's end.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    most: usize,
    /// Something has changed: a record has arrived, or the last sender has left.
    changed: Notify,
}

/// What is in a queue.
pub(super) enum Seen {
    /// Nothing, now or later.
    End,
    /// Nothing yet.
    Nothing,
    /// Some records.
    Some,
    /// Enough for a transaction.
    Enough,
}

#[derive(Default)]
struct Waiting {
    /// By organization, each record with its place in the order of arrival. None is empty.
    own: HashMap<OrgId, VecDeque<(u64, Job)>>,
    /// Whose turn it is, and who comes after that.
    turns: VecDeque<OrgId>,
    arrived: u64,
    records: usize,
    bytes: usize,
    is_closed: bool,
}

impl Queue {
    /// A queue of at most so many records.
    pub(super) fn new(most: usize) -> (Entrance, Arc<Self>) {
        let queue = Self { waiting: Mutex::default(), most: most.max(1), changed: Notify::new() };
        let queue = Arc::new(queue);
        (Entrance(Arc::clone(&queue)), queue)
    }

    /// Looks at what waits; so many records are enough for a transaction, or as many bytes as one holds.
    pub(super) fn look(&self, enough: usize) -> Seen {
        let waiting = self.waiting();
        match waiting.records {
            0 if waiting.is_closed => Seen::End,
            0 => Seen::Nothing,
            records if records >= enough || waiting.bytes > MAX_BATCH_BYTES => Seen::Enough,
            _ => Seen::Some,
        }
    }

    /// Waits for a record, or the end.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// The records of the next transaction, in the order of their arrival.
    pub(super) fn next_batch(&self) -> Vec<Job> {
        let mut waiting = self.waiting();
        let (mut batch, mut bytes) = (Vec::new(), 0_usize);
        while batch.len() < MAX_BATCH {
            // One that is too large by itself goes alone.
            let room = if batch.is_empty() { Some(usize::MAX) } else { MAX_BATCH_BYTES.checked_sub(bytes) };
            let Some((weight, numbered)) = room.and_then(|room| waiting.pop_within(room)) else { break };
            bytes = bytes.saturating_add(weight);
            batch.push(numbered);
        }
        drop(waiting);
        batch.sort_unstable_by_key(|(number, _)| *number);
        batch.into_iter().map(|(_, job)| job).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entrance {
    /// Lets a record wait. In a full queue it takes the place of the last one of who has most.
    pub(super) fn push(&self, job: Job) -> Result<(), StorageError> {
        let queue = &*self.0;
        let mut waiting = queue.waiting();
        let crowded_out = (waiting.records >= queue.most).then(|| waiting.crowd_out(job.entry.org));
        if matches!(crowded_out, Some(None)) {
            return Err(full());
        }
        waiting.push(job);
        drop(waiting);
        if let Some(other) = crowded_out.flatten() {
            // Its sender may be gone.
            let _ = other.done.send(Err(full()));
        }
        queue.changed.notify_one();
        Ok(())
    }
}

fn full() -> StorageError {
    StorageError::unavailable("too many messages wait to be written")
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.0.waiting().is_closed = true;
        self.0.changed.notify_one();
    }
}

impl Waiting {
    fn push(&mut self, job: Job) {
        let org = job.entry.org;
        self.arrived += 1;
        self.records += 1;
        self.bytes = self.bytes.saturating_add(job.entry.record.weight());
        let own = self.own.entry(org).or_default();
        if own.is_empty() {
            self.turns.push_back(org);
        }
        own.push_back((self.arrived, job));
    }

    /// Takes the next record, with its weight, of the first organization whose next one fits. One whose next does not keeps
    /// its turn.
    fn pop_within(&mut self, room: usize) -> Option<(usize, (u64, Job))> {
        let weight = |org| Some(self.own.get(org)?.front()?.1.entry.record.weight());
        let fits = |org| weight(org).is_some_and(|weight| weight <= room);
        let org = self.turns.iter().position(fits).and_then(|place| self.turns.remove(place))?;
        let own = self.own.get_mut(&org)?;
        let first = own.pop_front()?;
        let weight = first.1.entry.record.weight();
        if own.is_empty() {
            self.own.remove(&org);
        } else {
            self.turns.push_back(org);
        }
        self.took(weight);
        Some((weight, first))
    }

    /// Takes the last record of the organization that has most; `None` when no other has more than this one.
    fn crowd_out(&mut self, by: OrgId) -> Option<Job> {
        let has = self.own.get(&by).map_or(0, VecDeque::len);
        let own = self.own.values_mut().max_by_key(|own| own.len())?;
        // Afterwards that one still has as many as this one, so that nobody's only record is sent away.
        if own.len() < has + 2 {
            return None;
        }
        let (_, last) = own.pop_back()?;
        self.took(last.entry.record.weight());
        Some(last)
    }

    fn took(&mut self, weight: usize) {
        self.records -= 1;
        self.bytes = self.bytes.saturating_sub(weight);
    }
}
