//! The backend: what each part of the store asks of SQLite.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::IntoSql;
use diesel::sql_types::Integer;
use org_resolver::{LookupKey, OrgId};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::dialect::Conn;
use super::lease::{self, Lease};
use super::open::Settings;
use super::readers::Readers;
use super::sql::directory;
use super::sql::operator::session::Operator;
use super::sql::run;
use super::sql::scope::Scope;
use super::sql::tx::Tx;
use super::thread::ConnectionThread;
use super::{batch, booking, contact, dialect, open, poll, tenant};
use crate::backend::Backend;
use crate::changes::ChangeSink;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::operator::store::OperatorStore;
use crate::quarantine::{QuarantineBounds, QuarantinedMessage};
use crate::record::{Entry, Record, Recorded};
use crate::repo::{Booked, Contact, NewBooking};
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::scope::TenantStore;
use crate::seal::Sealer;
use crate::tenants::TenantRows;

/// Readers of the directory: the machine's disk is the limit, not their number.
const READERS: usize = 3;

/// One database file.
pub(crate) struct SqliteBackend {
    /// SQLite has one writer at a time, so scopes take turns here, where waiting is cheap and fair.
    writer: Arc<Mutex<Conn>>,
    writer_thread: ConnectionThread,
    readers: Readers,
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
        let backend = Self {
            writer: Arc::new(Mutex::new(writer)),
            writer_thread,
            readers: Readers::new(readers, settings.wait),
            settings,
            sealer,
        };
        dialect::require_tables(backend.readers.get().await?.conn()?).await?;
        Ok(backend)
    }

    async fn begin(&self) -> Result<Tx, StorageError> {
        Ok(Tx::new(Lease::begin(&self.writer, self.settings.wait).await?))
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError> {
        Ok(Box::new(Scope::new(org, self.begin().await?, self.sealer.clone())))
    }

    async fn write(&self, entries: &[Entry], _patience: Duration) -> Result<Vec<Recorded>, StorageError> {
        // There are no rows to wait for, only the writer itself.
        let writer = lease::turn(&self.writer, self.settings.wait).await?;
        batch::write(writer, self.sealer.clone(), entries.to_vec()).await
    }

    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError> {
        Ok(Box::new(Operator::new(self.begin().await?, self.sealer.clone()).await?))
    }

    async fn owners(&self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError> {
        Ok(directory::owners(self.readers.get().await?.conn()?, keys).await?)
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, StorageError> {
        Ok(directory::pins(self.readers.get().await?.conn()?, call_id).await?)
    }

    async fn access(&self, org: OrgId) -> Result<Option<(AccessRow, Vec<SecretRow>)>, StorageError> {
        Ok(directory::access(self.readers.get().await?.conn()?, org).await?)
    }

    async fn tenant(&self, org: OrgId) -> Result<Option<TenantRows>, StorageError> {
        Ok(tenant::read(self.readers.get().await?.conn()?, org).await?)
    }

    async fn contact(&self, org: OrgId, phone: &str) -> Result<Option<Contact>, StorageError> {
        Ok(contact::find(self.readers.get().await?.conn()?, org, phone).await?)
    }

    async fn book(
        &self,
        org: OrgId,
        message: Option<Arc<Record>>,
        booking: &NewBooking<'_>,
    ) -> Result<(Recorded, Booked), StorageError> {
        let writer = lease::turn(&self.writer, self.settings.wait).await?;
        let work = booking::whole(writer, org, self.sealer.clone(), message, booking);
        self.writer_thread.clone().run(work).await
    }

    async fn quarantine(
        &self,
        message: &QuarantinedMessage<'_>,
        bounds: QuarantineBounds,
    ) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        let kept = dialect::quarantine(tx.conn()?, message, bounds).await;
        tx.check(kept)?;
        tx.commit().await
    }

    async fn touch_credential(
        &self,
        org: OrgId,
        credential: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut tx = self.begin().await?;
        let touched = dialect::touch_credential(tx.conn()?, org, credential, now).await;
        tx.check(touched)?;
        tx.commit().await
    }

    async fn migrations(&self) -> Result<Vec<String>, StorageError> {
        Ok(directory::migrations(self.readers.get().await?.conn()?).await?)
    }

    async fn ping(&self) -> Result<(), StorageError> {
        let mut reader = self.readers.get().await?;
        run::execute(reader.conn()?, diesel::select(1.into_sql::<Integer>())).await?;
        Ok(())
    }

    async fn watch(&self, sink: &dyn ChangeSink) {
        poll::watch(&self.settings, sink).await;
    }
}
