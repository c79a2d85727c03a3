//! SQLite: one writer, a few readers, each on a thread of its own. The scope's own filter is the lock here.

mod batch;
mod dialect;
mod migrate;
mod open;
mod poll;
mod readers;
mod thread;
mod tx;

#[path = "sql/appointments.rs"]
mod appointments;
#[path = "sql/calls.rs"]
mod calls;
#[path = "sql/contacts.rs"]
mod contacts;
#[path = "sql/declared.rs"]
mod declared;
#[path = "sql/directory.rs"]
mod directory;
#[path = "sql/events.rs"]
mod events;
#[path = "sql/inbox.rs"]
mod inbox;
#[path = "sql/operator.rs"]
mod operator;
#[path = "sql/operator/apply.rs"]
mod operator_apply;
#[path = "sql/operator/mappings.rs"]
mod operator_mappings;
#[path = "sql/operator/quarantine.rs"]
mod operator_quarantine;
#[path = "sql/scope.rs"]
mod scope;
#[path = "sql/security_log.rs"]
mod security_log;
#[path = "sql/tool_results.rs"]
mod tool_results;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::SqliteConnection;
use diesel_async::RunQueryDsl;
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use org_resolver::{LookupKey, OrgId};
use tokio::sync::Mutex;
use uuid::Uuid;

pub(crate) use self::migrate::migrate;
use self::open::Settings;
use self::operator::Operator;
use self::readers::Readers;
use self::scope::Scope;
use self::thread::ConnectionThread;
use self::tx::Tx;
use crate::backend::{AccessRow, Backend, OwnerRow, QuarantineBounds, QuarantinedMessage};
use crate::changes::ChangeSink;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::operator::OperatorStore;
use crate::record::{Entry, Recorded};
use crate::scope::TenantStore;
use crate::seal::Sealer;

/// The connection that the shared statements run on.
type Conn = SyncConnectionWrapper<SqliteConnection, ConnectionThread>;

/// Readers of the directory: the machine's disk is the limit, not their number.
const READERS: usize = 3;

/// One database file.
pub(crate) struct SqliteBackend {
    /// SQLite has one writer at a time, so scopes take turns here, where waiting is cheap and fair.
    writer: Arc<Mutex<Conn>>,
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
        let writer = open::open(&settings).await?;
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(open::open(&settings).await?);
        }
        let backend = Self {
            writer: Arc::new(Mutex::new(writer)),
            readers: Readers::new(readers, settings.wait),
            settings,
            sealer,
        };
        dialect::require_tables(backend.readers.get().await?.conn()?).await?;
        Ok(backend)
    }

    async fn begin(&self) -> Result<Tx, StorageError> {
        Tx::begin(&self.writer, self.settings.wait).await
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError> {
        Ok(Box::new(Scope::new(org, self.begin().await?, self.sealer.clone())))
    }

    async fn write(&self, entries: &[Entry], _patience: Duration) -> Result<Vec<Recorded>, StorageError> {
        // There are no rows to wait for, only the writer itself.
        let writer = tx::turn(&self.writer, self.settings.wait).await?;
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

    async fn access(&self, org: OrgId) -> Result<Option<AccessRow>, StorageError> {
        Ok(directory::access(self.readers.get().await?.conn()?, org).await?)
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
        use diesel::IntoSql;
        use diesel::sql_types::Integer;

        let mut reader = self.readers.get().await?;
        diesel::select(1.into_sql::<Integer>()).execute(reader.conn()?).await?;
        Ok(())
    }

    async fn watch(&self, sink: &dyn ChangeSink) {
        poll::watch(&self.settings, sink).await;
    }
}
