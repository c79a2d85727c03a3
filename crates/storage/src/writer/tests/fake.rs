//! A database whose every answer is the test's.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use org_resolver::{IdentifierKind, LookupKey, OrgId};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::backend::Backend;
use crate::changes::ChangeSink;
use crate::error::StorageError;
use crate::operator::store::OperatorStore;
use crate::quarantine::QuarantinedMessage;
use crate::record::{Entry, NewEvent, Record, Recorded};
use crate::refusals::RefusalCount;
use crate::repo::{Booked, Contact, EventVerdict, NewBooking};
use crate::retention::{Cleared, Step};
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::scope::TenantStore;
use crate::tenants::TenantRows;

type Answer = Result<Vec<Recorded>, StorageError>;

/// A transaction that waits for its end.
#[derive(Debug)]
pub(super) struct Write {
    /// The dedupe keys of its records.
    pub(super) keys: Vec<String>,
    pub(super) orgs: Vec<OrgId>,
    end: oneshot::Sender<Option<Answer>>,
}

impl Write {
    pub(super) fn succeed(self) {
        self.succeed_with(|_| true);
    }

    /// Commits; the messages are new of whose keys it is said.
    pub(super) fn succeed_with(self, is_new: impl Fn(&str) -> bool) {
        let recorded = self.keys.iter().map(|key| Recorded { is_new: is_new(key), ..Recorded::default() });
        let recorded = recorded.collect();
        // Given up on: as a server does that commits after its client went away.
        drop(self.end.send(Some(Ok(recorded))));
    }

    pub(super) fn fail(self, error: StorageError) {
        self.end.send(Some(Err(error))).unwrap();
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.end.is_closed()
    }

    fn panic(self) {
        self.end.send(None).unwrap();
    }
}

/// The test's side: the transactions, in the order of their beginning.
pub(super) struct FakeBackend(mpsc::UnboundedReceiver<Write>);

impl FakeBackend {
    pub(super) async fn next(&mut self) -> Write {
        self.0.recv().await.expect("the writer is gone")
    }

    /// No transaction is begun that the test has not taken.
    pub(super) fn is_idle(&mut self) -> bool {
        self.0.is_empty()
    }

    /// Waits until nobody is left who could write.
    pub(super) async fn has_ended(&mut self) -> bool {
        self.0.recv().await.is_none()
    }

    /// Ends every transaction by a rule. A rule that panics stands for a panic inside the transaction.
    pub(super) fn answer_by(
        mut self,
        rule: impl Fn(&Write) -> Result<(), StorageError> + Send + 'static,
    ) -> Tries {
        let tries = Tries::default();
        let log = tries.clone();
        tokio::spawn(async move {
            while let Some(write) = self.0.recv().await {
                log.0.lock().unwrap().push(write.keys.clone());
                match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rule(&write))) {
                    Ok(Ok(())) => write.succeed(),
                    Ok(Err(error)) => write.fail(error),
                    Err(_) => write.panic(),
                }
            }
        });
        tries
    }
}

/// The keys of the transactions that were tried.
#[derive(Clone, Default)]
pub(super) struct Tries(Arc<Mutex<Vec<Vec<String>>>>);

impl Tries {
    pub(super) fn keys(&self) -> Vec<Vec<String>> {
        self.0.lock().unwrap().clone()
    }
}

pub(super) fn backend() -> (Arc<dyn Backend>, FakeBackend) {
    let (writes, taken) = mpsc::unbounded_channel();
    (Arc::new(Scripted(writes)), FakeBackend(taken))
}

struct Scripted(mpsc::UnboundedSender<Write>);

fn unasked<T>() -> Result<T, StorageError> {
    Err(StorageError::rejected("the writer has no business here"))
}

#[async_trait]
impl Backend for Scripted {
    async fn write(&self, entries: &[Entry], _patience: Duration) -> Answer {
        let (end, ended) = oneshot::channel();
        let keys = entries.iter().map(|entry| entry.record.event.dedupe_key.clone()).collect();
        let orgs = entries.iter().map(|entry| entry.org).collect();
        self.0.send(Write { keys, orgs, end }).unwrap();
        ended.await.unwrap().expect("a fault of ours")
    }

    async fn open(&self, _: OrgId) -> Result<Box<dyn TenantStore>, StorageError> {
        unasked()
    }

    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError> {
        unasked()
    }

    async fn owners(&self, _: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError> {
        unasked()
    }

    async fn identifiers(&self, _: IdentifierKind, _: &str) -> Result<Vec<String>, StorageError> {
        unasked()
    }

    async fn pins(&self, _: &str) -> Result<Vec<OrgId>, StorageError> {
        unasked()
    }

    async fn access(&self, _: OrgId) -> Result<Option<(AccessRow, Vec<SecretRow>)>, StorageError> {
        unasked()
    }

    async fn tenant(&self, _: OrgId) -> Result<Option<TenantRows>, StorageError> {
        unasked()
    }

    async fn contact(&self, _: OrgId, _: &str) -> Result<Option<Contact>, StorageError> {
        unasked()
    }

    async fn book(
        &self,
        _: OrgId,
        _: Option<Arc<Record>>,
        _: &NewBooking<'_>,
    ) -> Result<(Recorded, Booked), StorageError> {
        unasked()
    }

    async fn quarantine(&self, _: &QuarantinedMessage<'_>) -> Result<bool, StorageError> {
        unasked()
    }

    async fn trim_quarantine(&self) -> Result<u64, StorageError> {
        unasked()
    }

    async fn retentions(&self, _: Uuid) -> Result<Vec<(Uuid, Value)>, StorageError> {
        unasked()
    }

    async fn clear_away(&self, _: Step) -> Result<Cleared, StorageError> {
        unasked()
    }

    async fn count_refusals(&self, _: &[RefusalCount]) -> Result<(), StorageError> {
        unasked()
    }

    async fn touch_credential(&self, _: OrgId, _: Uuid, _: DateTime<Utc>) -> Result<(), StorageError> {
        unasked()
    }

    async fn migrations(&self) -> Result<Vec<String>, StorageError> {
        unasked()
    }

    async fn deployment(&self, _: &str) -> Result<Option<Vec<u8>>, StorageError> {
        unasked()
    }

    async fn put_deployment(&self, _: &str, _: &[u8], _: bool) -> Result<(), StorageError> {
        unasked()
    }

    async fn ping(&self) -> Result<(), StorageError> {
        unasked()
    }

    async fn watch(&self, _: &dyn ChangeSink) {}
}

pub(super) fn org(number: u128) -> OrgId {
    OrgId::new(Uuid::from_u128(number))
}

pub(super) fn record(key: &str) -> Record {
    heavy(key, 0)
}

/// A record that takes exactly so many bytes, where they are enough for a body.
pub(super) fn heavy(key: &str, bytes: usize) -> Record {
    let mut record = Record::new(&NewEvent {
        kind: "status-update",
        vapi_call_id: None,
        dedupe_key: key,
        verdict: EventVerdict::Accepted,
        trace: "",
        body: b"",
        request_id: "r",
        received_at: DateTime::UNIX_EPOCH,
    });
    record.event.body = Vec::new();
    record.event.trace = vec![0; bytes];
    record
}
