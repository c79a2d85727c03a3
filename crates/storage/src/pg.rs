//! PostgreSQL: pools of connections that took a role, and row-level security behind every scope.

mod batch;
mod connect;
mod dialect;
mod listen;
mod migrate;
mod roles;
mod tls;
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

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use org_resolver::{LookupKey, OrgId};
use uuid::Uuid;

use self::connect::{Login, Pool, Role};
pub(crate) use self::migrate::migrate;
use self::operator::Operator;
use self::scope::Scope;
use self::tx::{Lease, Tx};
use crate::backend::{AccessRow, Backend, OwnerRow, QuarantineBounds, QuarantinedMessage};
use crate::body::pack;
use crate::changes::ChangeSink;
use crate::classify::is_connection_lost;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::operator::OperatorStore;
use crate::record::{Entry, Recorded};
use crate::scope::TenantStore;
use crate::seal::Sealer;
use crate::sql_types::{DbJson, DbUuid};
use crate::text::{clean, clean_json, clean_option};

/// The connection that the shared statements run on.
type Conn = AsyncPgConnection;

/// How long a request waits for a connection of the pool before it is told to come back.
const POOL_WAIT: Duration = Duration::from_secs(2);

/// The directory answers misses of a cache, and the operator's door is used by people: neither needs many.
const DIRECTORY_CONNECTIONS: usize = 4;
const OPERATOR_CONNECTIONS: usize = 2;

/// As many as the writer uses at once. Their own, so that events never wait for tools.
const WRITER_CONNECTIONS: usize = crate::writer::MAX_TRANSACTIONS;

/// The pools of one database.
pub(crate) struct PgBackend {
    app: Pool,
    directory: Pool,
    operator: Pool,
    writer: Pool,
    listener: Login,
    sealer: Sealer,
}

/// Runs a read on a pooled connection; once more on a fresh one when the first proves to be dead.
macro_rules! read {
    ($pool:expr, |$conn:ident| $query:expr) => {{
        let mut lease = Lease::get($pool).await?;
        let mut outcome = {
            let $conn = lease.conn()?;
            $query.await
        };
        if outcome.as_ref().is_err_and(is_connection_lost) {
            drop(lease);
            Lease::discard_idle($pool);
            lease = Lease::get($pool).await?;
            outcome = {
                let $conn = lease.conn()?;
                $query.await
            };
        }
        if !outcome.as_ref().is_err_and(is_connection_lost) {
            lease.release();
        }
        outcome.map_err(StorageError::from)
    }};
}

impl PgBackend {
    /// Opens the pools, and refuses a working role that could see past the policies.
    pub(crate) async fn connect(
        config: &StorageConfig,
        url: &str,
        sealer: Sealer,
    ) -> Result<Self, StorageError> {
        let login = |own_url: Option<&String>, role| {
            Login::new(config, own_url.map_or(url, String::as_str), Some(role))
        };
        let directory = login(config.directory_url.as_ref(), Role::Directory)?;
        let backend = Self {
            app: connect::pool(login(None, Role::App)?, config.max_connections.max(1))?,
            directory: connect::pool(directory.clone(), DIRECTORY_CONNECTIONS)?,
            operator: connect::pool(
                login(config.operator_url.as_ref(), Role::Operator)?,
                OPERATOR_CONNECTIONS,
            )?,
            writer: connect::pool(login(None, Role::App)?, WRITER_CONNECTIONS)?,
            listener: directory,
            sealer,
        };
        let mut lease = Lease::get_first(&backend.app).await?;
        roles::refuse_unsafe(lease.conn()?).await?;
        lease.release();
        Lease::get_first(&backend.directory).await?.release();
        Ok(backend)
    }
}

#[async_trait]
impl Backend for PgBackend {
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError> {
        let tx = Tx::begin(&self.app, Some(org)).await?;
        Ok(Box::new(Scope::new(org, tx, self.sealer.clone())))
    }

    fn parallel_batches(&self) -> usize {
        crate::writer::MAX_BATCHES
    }

    async fn write(&self, entries: &[Entry], patience: Duration) -> Result<Vec<Recorded>, StorageError> {
        batch::write(&self.writer, &self.sealer, entries, patience).await
    }

    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError> {
        let tx = Tx::begin(&self.operator, None).await?;
        Ok(Box::new(Operator::new(tx, self.sealer.clone()).await?))
    }

    async fn owners(&self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError> {
        read!(&self.directory, |conn| directory::owners(conn, keys))
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, StorageError> {
        read!(&self.directory, |conn| directory::pins(conn, call_id))
    }

    async fn access(&self, org: OrgId) -> Result<Option<AccessRow>, StorageError> {
        read!(&self.directory, |conn| directory::access(conn, org))
    }

    async fn quarantine(
        &self,
        message: &QuarantinedMessage<'_>,
        bounds: QuarantineBounds,
    ) -> Result<(), StorageError> {
        let mut tx = Tx::begin(&self.app, None).await?;
        let kept = diesel::select(dialect::quarantine_message(
            clean(message.kind),
            clean_option(message.vapi_call_id),
            clean(message.dedupe_key),
            DbJson(clean_json(message.identifiers.clone())),
            pack(message.body),
            i32::try_from(message.body.len()).unwrap_or(i32::MAX),
            clean(message.request_id),
            i64::from(bounds.max_messages),
            i64::try_from(bounds.max_bytes).unwrap_or(i64::MAX),
            i64::try_from(bounds.max_age.as_secs()).unwrap_or(i64::MAX),
        ))
        .get_result::<Option<DbUuid>>(tx.conn()?)
        .await;
        tx.check(kept)?;
        tx.commit().await
    }

    async fn touch_credential(
        &self,
        org: OrgId,
        credential: Uuid,
        _now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut tx = Tx::begin(&self.app, Some(org)).await?;
        let touched = diesel::select(dialect::touch_credential(DbUuid(credential))).execute(tx.conn()?).await;
        tx.check(touched)?;
        tx.commit().await
    }

    async fn migrations(&self) -> Result<Vec<String>, StorageError> {
        read!(&self.app, |conn| directory::migrations(conn))
    }

    async fn ping(&self) -> Result<(), StorageError> {
        use diesel::IntoSql;
        use diesel::sql_types::Integer;

        read!(&self.app, |conn| diesel::select(1.into_sql::<Integer>()).execute(conn)).map(|_| ())
    }

    async fn watch(&self, sink: &dyn ChangeSink) {
        listen::watch(&self.listener, sink).await;
    }
}
