//! Turns by organization: so many of one organization's units of work wait for connections or hold them, and no more. The
//! rest of its work waits here, in the order of its arrival, where nobody else stands behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use org_resolver::OrgId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::StorageError;

/// How long a message waits at most until it may be recorded in one transaction with its booking. It is recorded alone
/// after that.
const MESSAGE_WAIT: Duration = Duration::from_secs(1);

/// The turns of all organizations. Only those that have work are remembered.
#[derive(Clone)]
pub(crate) struct Turns(Arc<Shared>);

struct Shared {
    at_once: usize,
    wait: Duration,
    taken: Mutex<HashMap<OrgId, Arc<Semaphore>>>,
}

/// One of an organization's turns, given back when dropped.
pub(crate) struct Turn {
    permit: Option<OwnedSemaphorePermit>,
    org: OrgId,
    turns: Turns,
}

impl Turns {
    /// So many turns for each organization, each waited for at most so long.
    pub(crate) fn new(at_once: usize, wait: Duration) -> Self {
        Self(Arc::new(Shared { at_once, wait, taken: Mutex::default() }))
    }

    /// Waits a bounded time for one of the organization's turns.
    pub(crate) async fn take(&self, org: OrgId) -> Result<Turn, StorageError> {
        self.take_within(org, self.0.wait).await
    }

    /// Waits for a turn no longer than a message waits for its booking.
    pub(crate) async fn take_for_message(&self, org: OrgId) -> Result<Turn, StorageError> {
        self.take_within(org, self.0.wait.min(MESSAGE_WAIT)).await
    }

    async fn take_within(&self, org: OrgId, wait: Duration) -> Result<Turn, StorageError> {
        let own = || Arc::new(Semaphore::new(self.0.at_once));
        let own = Arc::clone(self.taken().entry(org).or_insert_with(own));
        // It exists before the wait, so that giving up is a drop like any other.
        let mut turn = Turn { permit: None, org, turns: self.clone() };
        let waited = timeout(wait, own.acquire_owned()).await;
        let permit =
            waited.map_err(|_elapsed| StorageError::unavailable("the organization's turns are taken"))?;
        turn.permit = Some(permit.map_err(StorageError::unavailable)?);
        Ok(turn)
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<OrgId, Arc<Semaphore>>> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.permit = None;
        let mut taken = self.turns.taken();
        // All others who have it got it under this lock.
        if taken.get(&self.org).is_some_and(|own| Arc::strong_count(own) == 1) {
            taken.remove(&self.org);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::{FutureExt, poll};
    use uuid::Uuid;

    use super::*;
    use crate::error::ErrorKind;

    const WAIT: Duration = Duration::from_secs(5);

    fn org(number: u128) -> OrgId {
        OrgId::new(Uuid::from_u128(number))
    }

    fn now(turns: &Turns, number: u128) -> Option<Turn> {
        turns.take(org(number)).now_or_never().map(Result::unwrap)
    }

    #[tokio::test]
    async fn one_organizations_turns_are_not_anothers() {
        let turns = Turns::new(2, WAIT);
        let first = now(&turns, 1).unwrap();
        let second = now(&turns, 1).unwrap();
        assert!(now(&turns, 1).is_none());
        let other = now(&turns, 2).unwrap();
        let (mut third, mut fourth) = (pin!(turns.take(org(1))), pin!(turns.take(org(1))));
        assert!(poll!(&mut third).is_pending() && poll!(&mut fourth).is_pending());
        drop(other);
        assert!(poll!(&mut third).is_pending());
        drop(second);
        assert!(poll!(&mut fourth).is_pending(), "who came first is first");
        assert!(poll!(&mut third).is_ready());
        drop(first);
        assert!(poll!(&mut fourth).is_ready());
    }

    #[tokio::test]
    async fn organizations_without_work_are_forgotten() {
        let turns = Turns::new(1, WAIT);
        let held: Vec<Turn> = (0..100).map(|number| now(&turns, number).unwrap()).collect();
        assert!(now(&turns, 7).is_none(), "given up at once");
        assert_eq!(turns.taken().len(), 100);
        {
            let mut waiting = Box::pin(turns.take(org(7)));
            assert!(poll!(&mut waiting).is_pending());
            drop(held);
            assert_eq!(turns.taken().len(), 1, "the one that is waited for");
        }
        assert!(turns.taken().is_empty(), "given up before it was taken");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_not_waited_for_without_end() {
        let turns = Turns::new(1, WAIT);
        let held = now(&turns, 1).unwrap();
        let begun = tokio::time::Instant::now();
        let refused = turns.take_for_message(org(1)).await.err().map(|error| error.kind());
        assert_eq!((refused, begun.elapsed().as_secs()), (Some(ErrorKind::Transient), 1));
        let refused = turns.take(org(1)).await.err().map(|error| error.kind());
        assert_eq!((refused, begun.elapsed().as_secs()), (Some(ErrorKind::Transient), 6));
        drop(held);
        assert!(turns.take(org(1)).await.is_ok());
        assert!(turns.taken().is_empty());
    }
}
