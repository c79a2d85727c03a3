//! The backend: what each part of the store asks of PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::sql_types::Bool;
use futures::future::join_all;
use org_resolver::{IdentifierKind, LookupKey, OrgId};
use serde_json::Value;
use uuid::Uuid;

use super::connect::{CONNECT_TIMEOUT, Login, POOL_WAIT, Role};
use super::lease::Lease;
use super::pool::{Pool, Room};
use super::sql::directory;
use super::sql::operator::session::Operator;
use super::sql::run;
use super::sql::scope::Scope;
use super::sql::tx::Tx;
use super::{batch, booking, contact, dialect, listen, pooler, roles, warm};
use crate::backend::Backend;
use crate::body::pack;
use crate::changes::ChangeSink;
use crate::classify::needs_new_session;
use crate::config::StorageConfig;
use crate::error::StorageError;
use crate::operator::store::OperatorStore;
use crate::quarantine::QuarantinedMessage;
use crate::record::{Entry, Record, Recorded};
use crate::refusals::{self, RefusalCount};
use crate::repo::{Booked, Contact, NewBooking};
use crate::retention::{Cleared, Step};
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::scope::TenantStore;
use crate::seal::Sealer;
use crate::sql_types::{DbJson, DbUuid};
use crate::tenants::TenantRows;
use crate::text::{clean, clean_json, clean_option};
use crate::turns::Turns;

/// The directory answers misses of a cache, and the operator's door is used by people: neither needs many.
const DIRECTORY_CONNECTIONS: usize = 4;
const OPERATOR_CONNECTIONS: usize = 2;

/// As many as the writer uses at once. Their own, so that events never wait for tools.
const WRITER_CONNECTIONS: usize = crate::writer::MAX_TRANSACTIONS;

/// How many of an organization's scopes, bookings and reads wait for a connection or hold one, where there are more
/// connections, so that others find some.
const AT_ONCE: usize = 4;

/// One question at a time, which waits for no work of the other pools.
const HEALTH_CONNECTIONS: usize = 1;

/// Work beside the messages: the quarantine, and what is cleared away in the background. Two, so that a long step of the one
/// does not hold up the other.
const HOUSEKEEPING_CONNECTIONS: usize = 2;

/// A server that is a copy of another, or was told to take no writes.
const IS_READ_ONLY: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";

/// The connections of scopes that the first requests find ready.
const WARM_CONNECTIONS: usize = 4;

/// The pools of one database.
pub(crate) struct PgBackend {
    app: Pool,
    directory: Pool,
    operator: Pool,
    writer: Pool,
    /// For whatever one organization does with a connection of scopes.
    turns: Turns,
    health: Pool,
    /// For work beside the messages, which is not counted among any organization's.
    housekeeping: Pool,
    listener: Login,
    room: Arc<Room>,
    sealer: Sealer,
}

/// Runs a statement that may be repeated on a pooled connection; once more on a fresh one when the
/// first proves to be of no use.
macro_rules! read {
    ($pool:expr, |$conn:ident| $query:expr) => {{
        let mut lease = Lease::get($pool).await?;
        let mut outcome = {
            let $conn = lease.conn()?;
            $query.await
        };
        if outcome.as_ref().is_err_and(needs_new_session) {
            lease = lease.renew($pool).await?;
            outcome = {
                let $conn = lease.conn()?;
                $query.await
            };
        }
        if !outcome.as_ref().is_err_and(needs_new_session) {
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
        let (app, directory) =
            (login(None, Role::App)?, login(config.directory_url.as_ref(), Role::Directory)?);
        let operator = login(config.operator_url.as_ref(), Role::Operator)?;
        pooler::refuse_transaction_pooler(&app).await?;
        if config.directory_url.is_some() {
            pooler::refuse_transaction_pooler(&directory).await?;
        }
        let room = Arc::new(Room::default());
        let pool = |login: &Login, size| Pool::new(login.clone(), size, &room);
        let at_once = AT_ONCE.min(config.max_connections.saturating_sub(1)).max(1);
        let backend = Self {
            app: pool(&app, config.max_connections.max(1))?,
            directory: pool(&directory, DIRECTORY_CONNECTIONS)?,
            operator: pool(&operator, OPERATOR_CONNECTIONS)?,
            writer: pool(&app, WRITER_CONNECTIONS)?,
            turns: Turns::new(at_once, POOL_WAIT),
            health: pool(&app, HEALTH_CONNECTIONS)?,
            housekeeping: pool(&app, HOUSEKEEPING_CONNECTIONS)?,
            listener: directory,
            room,
            sealer,
        };
        let mut lease = Lease::get_first(&backend.app).await?;
        roles::refuse_unsafe_app(lease.conn()?).await?;
        lease.release();
        let mut lease = Lease::get_first(&backend.directory).await?;
        roles::refuse_unsafe_directory(lease.conn()?).await?;
        lease.release();
        Ok(backend)
    }

    async fn begin(&self, org: OrgId) -> Result<Tx, StorageError> {
        let turn = self.turns.take(org).await?;
        Ok(Tx::new(Lease::begin(&self.app, Some(org)).await?.in_turn(turn)))
    }
}

#[async_trait]
impl Backend for PgBackend {
    async fn open(&self, org: OrgId) -> Result<Box<dyn TenantStore>, StorageError> {
        Ok(Box::new(Scope::new(org, self.begin(org).await?, self.sealer.clone())))
    }

    fn parallel_batches(&self) -> usize {
        crate::writer::MAX_BATCHES
    }

    async fn write(&self, entries: &[Entry], patience: Duration) -> Result<Vec<Recorded>, StorageError> {
        batch::write(&self.writer, &self.sealer, entries, patience).await
    }

    async fn operator(&self) -> Result<Box<dyn OperatorStore>, StorageError> {
        let tx = Tx::new(Lease::begin(&self.operator, None).await?);
        Ok(Box::new(Operator::new(tx, self.sealer.clone()).await?))
    }

    async fn owners(&self, keys: &[LookupKey]) -> Result<Vec<OwnerRow>, StorageError> {
        read!(&self.directory, |conn| directory::owners(conn, keys))
    }

    async fn identifiers(&self, kind: IdentifierKind, after: &str) -> Result<Vec<String>, StorageError> {
        read!(&self.directory, |conn| directory::identifiers(conn, kind, after))
    }

    async fn pins(&self, call_id: &str) -> Result<Vec<OrgId>, StorageError> {
        read!(&self.directory, |conn| directory::pins(conn, call_id))
    }

    async fn access(&self, org: OrgId) -> Result<Option<(AccessRow, Vec<SecretRow>)>, StorageError> {
        read!(&self.directory, |conn| directory::access(conn, org))
    }

    async fn tenant(&self, org: OrgId) -> Result<Option<TenantRows>, StorageError> {
        let _turn = self.turns.take(org).await?;
        let read = || diesel::select(dialect::read_tenant(DbUuid(org.as_uuid())));
        let document: Vec<Option<String>> = read!(&self.app, |conn| run::load(conn, read()))?;
        let document = document.into_iter().flatten().next();
        document.map(|rows| serde_json::from_str(&rows)).transpose().map_err(StorageError::rejected)
    }

    async fn contact(&self, org: OrgId, phone: &str) -> Result<Option<Contact>, StorageError> {
        let _turn = self.turns.take(org).await?;
        read!(&self.app, |conn| contact::find(conn, org, phone))
    }

    async fn book(
        &self,
        org: OrgId,
        message: Option<Arc<Record>>,
        booking: &NewBooking<'_>,
    ) -> Result<(Recorded, Booked), StorageError> {
        // What the keys hold makes it safe to send again.
        match message {
            Some(record) => {
                let _turn = self.turns.take_for_message(org).await?;
                let entries = [Entry { org, record }];
                read!(&self.app, |conn| batch::record_and_book(conn, &self.sealer, &entries, booking))?
            }
            None => {
                let _turn = self.turns.take(org).await?;
                let booked = read!(&self.app, |conn| booking::book(conn, org, booking))?;
                booked.map(|booked| (Recorded::default(), booked))
            }
        }
    }

    async fn quarantine(&self, message: &QuarantinedMessage<'_>) -> Result<bool, StorageError> {
        let packed = pack(message.body);
        let keep = || {
            diesel::select(dialect::quarantine_message(
                clean(message.kind),
                clean_option(message.vapi_call_id),
                clean(message.dedupe_key),
                DbJson(clean_json(message.identifiers.clone())),
                packed.as_slice(),
                i32::try_from(message.body.len()).unwrap_or(i32::MAX),
                clean(message.request_id),
            ))
        };
        let kept: Vec<bool> = read!(&self.housekeeping, |conn| run::load(conn, keep()))?;
        Ok(kept.contains(&true))
    }

    async fn trim_quarantine(&self) -> Result<u64, StorageError> {
        let trim = || diesel::select(dialect::trim_quarantine());
        let removed: Vec<i64> = read!(&self.housekeeping, |conn| run::load(conn, trim()))?;
        Ok(removed.first().copied().unwrap_or_default().unsigned_abs())
    }

    async fn retentions(&self, after: Uuid) -> Result<Vec<(Uuid, Value)>, StorageError> {
        read!(&self.directory, |conn| directory::retentions(conn, after))
    }

    async fn clear_away(&self, step: Step) -> Result<Cleared, StorageError> {
        let clear = || {
            diesel::select(dialect::clear_away(
                DbUuid(step.org.as_uuid()),
                step.bodies_days,
                step.transcripts_days,
                step.calls_days,
                step.stored_bytes,
                i32::try_from(step.rows).unwrap_or(i32::MAX),
            ))
        };
        let counts: Vec<Vec<i64>> = read!(&self.housekeeping, |conn| run::load(conn, clear()))?;
        let mut counts = counts.into_iter().flatten().map(i64::unsigned_abs);
        let (worked, removed) = (counts.next().unwrap_or_default(), counts.next().unwrap_or_default());
        Ok(Cleared { worked, removed })
    }

    async fn count_refusals(&self, found: &[RefusalCount]) -> Result<(), StorageError> {
        let mut tx = Tx::new(Lease::begin(&self.housekeeping, None).await?);
        tx.execute(diesel::select(dialect::count_refusals(DbJson(refusals::document(found))))).await?;
        tx.commit().await
    }

    async fn touch_credential(
        &self,
        org: OrgId,
        credential: Uuid,
        _now: DateTime<Utc>,
    ) -> Result<(), StorageError> {
        let mut tx = self.begin(org).await?;
        tx.execute(diesel::select(dialect::touch_credential(DbUuid(credential)))).await?;
        tx.commit().await
    }

    async fn migrations(&self) -> Result<Vec<String>, StorageError> {
        read!(&self.health, |conn| directory::migrations(conn))
    }

    async fn deployment(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        read!(&self.directory, |conn| directory::deployment(conn, name))
    }

    async fn put_deployment(&self, name: &str, value: &[u8], replaces: bool) -> Result<(), StorageError> {
        read!(&self.directory, |conn| directory::put_deployment(conn, name, value, replaces))
    }

    async fn warm_up(&self) {
        // One pool after the other: the start needs the processors too. Batches of nothing, at the same time so that each
        // takes another connection, have all of a batch's statements planned.
        let nothing = || self.write(&[], CONNECT_TIMEOUT);
        let allowance = warm::allowance(&self.app).await.unwrap_or_default();
        let batches = allowance.min(crate::writer::MAX_BATCHES);
        join_all((0..batches).map(|_| nothing())).await;
        warm::up(&self.app, WARM_CONNECTIONS.min(allowance.saturating_sub(batches))).await;
    }

    async fn ping(&self) -> Result<(), StorageError> {
        let answer: Vec<bool> = read!(&self.health, |conn| run::load(conn, sql::<Bool>(IS_READ_ONLY)))?;
        if answer.contains(&true) {
            // A session that began where no writes were taken may stay so. The next question has a new one.
            self.health.forget_idle();
            return Err(StorageError::unavailable("the database takes no writes"));
        }
        Ok(())
    }

    async fn watch(&self, sink: &dyn ChangeSink) {
        listen::watch(&self.listener, &self.room, sink).await;
    }
}
