//! The backend: what each part of the store asks of SQLite.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::result::Error;
use diesel_async::SimpleAsyncConnection;
use org_resolver::{IdentifierKind, LookupKey, OrgId};
use serde_json::Value;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::dialect::Conn;
use super::lease::{Lease, Line};
use super::open::Settings;
use super::readers::Readers;
use super::sql::directory;
use super::sql::operator::session::Operator;
use super::sql::scope::Scope;
use super::sql::tx::Tx;
use super::thread::ConnectionThread;
use super::{batch, booking, contact, dialect, open, poll, quarantine, tenant};
use super::{refusals, retention};
use crate::backend::Backend;
use crate::changes::ChangeSink;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::operator::store::OperatorStore;
use crate::quarantine::QuarantinedMessage;
use crate::record::{Entry, Record, Recorded};
use crate::refusals::RefusalCount;
use crate::repo::{Booked, Contact, NewBooking};
use crate::retention::{Cleared, Step};
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::scope::TenantStore;
use crate::seal::Sealer;
use crate::tenants::TenantRows;
use crate::turns::Turns;

/// Readers of the directory: the machine's disk is the limit, not their number.
const READERS: usize = 3;

/// How many of them one organization's own reads hold, so that others and the directory find some.
const READERS_AT_ONCE: usize = 1;

/// One database file.
pub(crate) struct SqliteBackend {
    writer: Line,
    writer_thread: ConnectionThread,
    readers: Readers,
    reading: Turns,
    /// Serves the question whether the file can be written, and nothing else.
    health: Mutex<Conn>,
    settings: Settings,
    sealer: Sealer,
}

impl SqliteBackend {
    /// Opens the file, which `migrate` has made.
    pub(crate) async fn connect(
        config: &StorageConfig,
        path: &Path,
        sealer: Sealer,
    ) -> Result<Self, StorageError> {
        let settings = Settings::new(config, path)?;
        if !path.exists() {
            return Err(StorageError::Configuration(format!(
                "there is no database at {}: run `vapi-gateway migrate`",
                path.display()
            )));
        }
        let writer_thread = ConnectionThread::start();
        let writer = open::open_on(writer_thread.clone(), &settings).await?;
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(open::open(&settings).await?);
        }
        let mut health = open::open(&settings).await?;
        // Somebody who writes at the moment is an answer too.
        health.batch_execute("PRAGMA busy_timeout = 0").await?;
        let backend = Self {
            writer: Line::new(writer, settings.wait),
            writer_thread,
            readers: Readers::new(readers, settings.wait),
            reading: Turns::new(READERS_AT_ONCE, settings.wait),
            health: Mutex::new(health),
            settings,
            sealer,
        };
        dialect::require_tables(backend.readers.get().await?.conn()?).await?;
        Ok(backend)
    }

    async fn begin(&self, org: OrgId) -> Result<Tx, StorageError> {
        Ok(Tx::new(Lease::begin(self.writer.get_for(org).await?).await?))
    }

    async fn begin_outside(&self) -> Result<Tx, StorageError> {
        Ok(Tx::new(Lease::begin(self.writer.get().await?).await?))
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError> {
        Ok(Box::new(Scope::new(org, self.begin(org).await?, self.sealer.clone())))
    }

    async fn write(&self, entries: &[Entry], _patience: Duration) -> Result<Vec<Recorded>, StorageError> {
        // There are no rows to wait for, only the writer itself.
        let writer = self.writer.get().await?;
        batch::write(writer, self.sealer.clone(), entries.to_vec()).await
    }

    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError> {
        Ok(Box::new(Operator::new(self.begin_outside().await?, self.sealer.clone()).await?))
    }

    async fn owners(&self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError> {
        Ok(directory::owners(self.readers.get().await?.conn()?, keys).await?)
    }

    async fn identifiers(&self, kind: IdentifierKind, after: &str) -> Result<Vec<String>, StorageError> {
        Ok(directory::identifiers(self.readers.get().await?.conn()?, kind, after).await?)
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, StorageError> {
        Ok(directory::pins(self.readers.get().await?.conn()?, call_id).await?)
    }

    async fn access(&self, org: OrgId) -> Result<Option<(AccessRow, Vec<SecretRow>)>, StorageError> {
        Ok(directory::access(self.readers.get().await?.conn()?, org).await?)
    }

    async fn tenant(&self, org: OrgId) -> Result<Option<TenantRows>, StorageError> {
        let _turn = self.reading.take(org).await?;
        Ok(tenant::read(self.readers.get().await?.conn()?, org).await?)
    }

    async fn contact(&self, org: OrgId, phone: &str) -> Result<Option<Contact>, StorageError> {
        let _turn = self.reading.take(org).await?;
        Ok(contact::find(self.readers.get().await?.conn()?, org, phone).await?)
    }

    async fn book(
        &self,
        org: OrgId,
        message: Option<Arc<Record>>,
        booking: &NewBooking<'_>,
    ) -> Result<(Recorded, Booked), StorageError> {
        let writer = match message {
            Some(_) => self.writer.get_for_message(org).await?,
            None => self.writer.get_for(org).await?,
        };
        let work = booking::whole(writer, org, self.sealer.clone(), message, booking);
        self.writer_thread.clone().run(work).await
    }

    async fn quarantine(&self, message: &QuarantinedMessage<'_>) -> Result<bool, StorageError> {
        let mut tx = self.begin_outside().await?;
        let kept = quarantine::keep(tx.conn()?, message).await?;
        tx.commit().await?;
        Ok(kept)
    }

    async fn trim_quarantine(&self) -> Result<u64, StorageError> {
        // Ranking a full table takes long, so it is done beside the writer and the readers. The writer has the removal alone.
        let beyond = quarantine::beyond(&mut open::open(&self.settings).await?).await?;
        if beyond.is_empty() {
            return Ok(0);
        }
        let mut tx = self.begin_outside().await?;
        let removed = quarantine::remove(tx.conn()?, beyond).await;
        let removed = tx.check(removed)?;
        tx.commit().await?;
        Ok(u64::try_from(removed).unwrap_or(u64::MAX))
    }

    async fn retentions(&self, after: Uuid) -> Result<Vec<(Uuid, Value)>, StorageError> {
        Ok(directory::retentions(self.readers.get().await?.conn()?, after).await?)
    }

    async fn clear_away(&self, step: Step) -> Result<Cleared, StorageError> {
        if !retention::is_due(self.readers.get().await?.conn()?, step).await? {
            return Ok(Cleared::default());
        }
        let mut tx = self.begin(step.org).await?;
        let cleared = retention::clear_away(tx.conn()?, step).await;
        let cleared = tx.check(cleared)?;
        tx.commit().await?;
        Ok(cleared)
    }

    async fn count_refusals(&self, found: &[RefusalCount]) -> Result<(), StorageError> {
        let mut tx = self.begin_outside().await?;
        let counted = refusals::count(tx.conn()?, found).await;
        tx.check(counted)?;
        tx.commit().await
    }

    async fn touch_credential(
        &self,
        org: OrgId,
        credential: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut tx = self.begin(org).await?;
        let touched = dialect::touch_credential(tx.conn()?, org, credential, now).await;
        tx.check(touched)?;
        tx.commit().await
    }

    async fn migrations(&self) -> Result<Vec<String>, StorageError> {
        Ok(directory::migrations(self.readers.get().await?.conn()?).await?)
    }

    async fn deployment(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(directory::deployment(self.readers.get().await?.conn()?, name).await?)
    }

    async fn put_deployment(&self, name: &str, value: &[u8], replaces: bool) -> Result<(), StorageError> {
        let mut tx = self.begin_outside().await?;
        let put = directory::put_deployment(tx.conn()?, name, value, replaces).await;
        tx.check(put)?;
        tx.commit().await
    }

    async fn ping(&self) -> Result<(), StorageError> {
        match self.health.lock().await.batch_execute("BEGIN IMMEDIATE; ROLLBACK").await {
            Err(Error::DatabaseError(_, busy)) if busy.message().contains("database is locked") => Ok(()),
            answer => Ok(answer?),
        }
    }

    async fn watch(&self, sink: &dyn ChangeSink) {
        poll::watch(&self.settings, sink).await;
    }
}
