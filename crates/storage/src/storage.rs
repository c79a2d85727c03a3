//! The handle that everything starts from.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use org_resolver::{OrgId, RefusedOrg, VerifiedOrg};
use tenant::Retention;
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::Backend;
use crate::canary;
use crate::changes::ChangeSink;
use crate::classify::chain;
use crate::clearing;
use crate::config::{DatabaseUrl, StorageConfig};
use crate::directory::Directory;
use crate::error::StorageError;
use crate::migrations::{self, MigrationReport};
use crate::operator::OperatorScope;
use crate::operator::entry::{self, AuditedOrg};
use crate::pg::{self, PgBackend};
use crate::quarantine::{QuarantineBounds, QuarantinedMessage};
use crate::record::{Record, Recorded};
use crate::refusals::RefusalCount;
use crate::repo::{Booked, Contact, NewBooking, SecurityEntry};
use crate::scope::OrgScope;
use crate::seal::Sealer;
use crate::sqlite::{self, SqliteBackend};
use crate::tenants::{HeardFirst, TenantData, Tenants};
use crate::writer::{Writer, WriterLimits};

/// How often the use of one credential is written down.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

/// The most credentials whose last use is remembered; beyond it the memory starts over.
const TOUCHED_AT_MOST: usize = 100_000;

/// How often it is seen whether there is something to clear away.
const HOUSE_EVERY: Duration = Duration::from_secs(10);

/// After so many looks in vain it is cleared away all the same.
const ROUNDS: u32 = 30;

/// How much longer than a statement a transaction of the writer may take.
const WRITER_GRACE: Duration = Duration::from_secs(2);

/// The store. Cheap to clone; clones share their connections.
#[derive(Clone)]
pub struct Storage {
    inner: Arc<Inner>,
}

struct Inner {
    backend: Arc<dyn Backend>,
    writer: Writer,
    directory: Arc<Directory>,
    sealer: Sealer,
    tenants: Tenants,
    /// The migrations that this program needs.
    needed: Vec<String>,
    is_migrated: AtomicBool,
    /// A message came into quarantine since it was trimmed.
    is_trim_due: AtomicBool,
    retention: Retention,
    clear_every: Duration,
    touched: Mutex<HashMap<Uuid, DateTime<Utc>>>,
}

impl Storage {
    /// Opens the store.
    ///
    /// On PostgreSQL it refuses a working role that could bypass the policies: a superuser, one with BYPASSRLS, one
    /// that can act as the owner of a tenant table; and tenant tables that do not force row-level security.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] for such a role, for a login that is refused and for a database without tables;
    /// [`StorageError::Unavailable`] when the database does not answer.
    pub async fn connect(config: StorageConfig, sealer: Sealer) -> Result<Self, StorageError> {
        let (backend, needed): (Arc<dyn Backend>, _) = match &config.url {
            DatabaseUrl::Postgres(url) => (
                Arc::new(PgBackend::connect(&config, url, sealer.clone()).await?),
                migrations::needed::<Pg>(&migrations::POSTGRES)?,
            ),
            DatabaseUrl::Sqlite(path) => (
                Arc::new(SqliteBackend::connect(&config, path, sealer.clone()).await?),
                migrations::needed::<Sqlite>(&migrations::SQLITE)?,
            ),
        };
        let directory = Arc::new(Directory::new(Arc::clone(&backend), sealer.clone()));
        let limits = WriterLimits {
            queue: config.write_queue,
            wait: config.write_wait,
            transaction: config.statement_timeout.saturating_add(WRITER_GRACE),
        };
        let writer = Writer::start(Arc::clone(&backend), limits);
        Ok(Self {
            inner: Arc::new(Inner {
                backend,
                writer,
                directory,
                sealer,
                tenants: Tenants::new(config.tenant_memory_bytes, config.tenant_time_to_live),
                needed,
                is_migrated: AtomicBool::new(false),
                is_trim_due: AtomicBool::new(true),
                retention: config.retention,
                clear_every: config.clear_every,
                touched: Mutex::default(),
            }),
        })
    }

    /// Refuses a start that would go wrong at every message: on a database that a newer program has migrated, and with a
    /// master key that does not open what the database has sealed. The first key that comes here is the one that later
    /// ones are held against; a store without a key is not asked for one.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] with the sentence that mends it; [`StorageError::Unavailable`] when the database does
    /// not answer or takes no writes.
    pub async fn prove(&self) -> Result<(), StorageError> {
        let Inner { backend, needed, sealer, .. } = &*self.inner;
        migrations::refuse_newer(needed, &backend.migrations().await?)?;
        canary::prove(&**backend, sealer).await
    }

    /// Whether a master key has sealed something in this database: another key is then of no use.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database does not answer.
    pub async fn is_sealed(&self) -> Result<bool, StorageError> {
        Ok(self.inner.backend.deployment(canary::NAME).await?.is_some())
    }

    /// Makes what is missing: roles and tables on PostgreSQL, directory, file and tables on SQLite. Safe to run on
    /// several nodes at once; they take turns.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when the login may not do that, [`StorageError::Rejected`] when a migration
    /// fails, [`StorageError::Unavailable`] when the database does not answer.
    pub async fn migrate(config: &StorageConfig) -> Result<MigrationReport, StorageError> {
        match &config.url {
            DatabaseUrl::Postgres(url) => pg::migrate(config, url).await,
            DatabaseUrl::Sqlite(_) if config.partitions > 1 => Err(StorageError::Configuration(
                "a SQLite database has no partitions: leave --partitions out, or name a PostgreSQL database"
                    .to_owned(),
            )),
            DatabaseUrl::Sqlite(path) => sqlite::migrate(config, path).await,
        }
    }

    /// Counts messages that were refused, of which no more is kept; at most [`REFUSALS_AT_ONCE`](crate::REFUSALS_AT_ONCE) rows.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn count_refusals(&self, found: &[RefusalCount]) -> Result<(), StorageError> {
        self.inner.backend.count_refusals(found).await
    }

    /// Opens some of PostgreSQL's connections and makes them ready, so that the first requests do not wait for that. Where
    /// it fails they do.
    pub async fn warm_up(&self) {
        self.inner.backend.warm_up().await;
    }

    /// The directory that a resolver and a gate read.
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.inner.directory)
    }

    /// Tells the sink of every change to the directory and to declarations, for as long as the future is polled; the
    /// store's own memory hears of them first. It never ends by itself: where the database goes away, it comes back with
    /// it and says that everything may have changed.
    pub async fn watch(&self, sink: &dyn ChangeSink) {
        self.inner.backend.watch(&HeardFirst { tenants: &self.inner.tenants, sink }).await;
    }

    /// Records a message, and returns when it is committed. Messages that arrive together are committed together, each
    /// organization's messages inside its own setting.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database does not answer, or too many messages wait already. The message
    /// may be kept all the same, and must be sent again; the second time it is a repetition.
    pub async fn record(&self, org: &VerifiedOrg, record: Record) -> Result<Recorded, StorageError> {
        self.inner.writer.record(org.id(), record).await
    }

    /// What the organization declared of itself. It is in memory once it was asked for, and read again after a change:
    /// within a second where [`watch`](Self::watch) runs, else when its time to live is over.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it has to be read and the database does not answer;
    /// [`StorageError::Inconsistent`] when the organization is gone or its zone or region is unknown.
    pub async fn tenant(&self, org: &VerifiedOrg) -> Result<Arc<TenantData>, StorageError> {
        let Inner { backend, tenants, .. } = &*self.inner;
        let org = org.id();
        let read = async {
            let rows = backend.tenant(org).await?;
            TenantData::read(rows.ok_or_else(|| StorageError::inconsistent("organizations", "id", &org))?)
        };
        tenants.get(org, read).await
    }

    /// What the organization declared of itself when it was last asked for, fresh or not: for when the database does not
    /// answer. `None` where it was never asked for, or was forgotten for lack of room.
    pub async fn last_tenant(&self, org: &VerifiedOrg) -> Option<Arc<TenantData>> {
        self.inner.tenants.last(org.id()).await
    }

    /// The organization's contact with this number in its normal form, read on its own: one round trip.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn contact(&self, org: &VerifiedOrg, phone: &str) -> Result<Option<Contact>, StorageError> {
        self.inner.backend.contact(org.id(), phone).await
    }

    /// Books an appointment whole, in a transaction of its own; on PostgreSQL in one round trip. It is made although
    /// nobody waits for it any more, and then the same tool call finds its answer.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn book(&self, org: &VerifiedOrg, booking: &NewBooking<'_>) -> Result<Booked, StorageError> {
        self.inner.backend.book(org.id(), None, booking).await.map(|(_, booked)| booked)
    }

    /// Records a message that asks for one booking and nothing else, and [books](Self::book), in one transaction. Where
    /// that fails the message is [recorded](Self::record) alone, and the booking is `None`: to be tried on its own.
    ///
    /// # Errors
    /// As [`record`](Self::record): [`StorageError::Unavailable`] when the database does not answer.
    pub async fn record_and_book(
        &self,
        org: &VerifiedOrg,
        record: Record,
        booking: &NewBooking<'_>,
    ) -> Result<(Recorded, Option<Booked>), StorageError> {
        let record = Arc::new(record);
        match self.inner.backend.book(org.id(), Some(Arc::clone(&record)), booking).await {
            Ok((recorded, booked)) => Ok((recorded, Some(booked))),
            Err(error) => {
                tracing::debug!(error = chain(&error), "a message is recorded without its booking");
                Ok((self.inner.writer.record(org.id(), record).await?, None))
            }
        }
    }

    /// Opens a scope: one transaction inside the organization.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database does not answer or no connection is free in time.
    pub async fn scope(&self, org: &VerifiedOrg) -> Result<OrgScope, StorageError> {
        self.open(org.id()).await
    }

    /// Opens the operator's door for `actor`, a person or a program, and says why.
    ///
    /// The opening itself is written to the audit log and kept, whatever becomes of the scope: nobody reads secrets
    /// without a trace.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when actor or reason are blank, [`StorageError::Unavailable`] when the database
    /// does not answer or somebody else is writing for too long.
    pub async fn operator(&self, actor: &str, reason: &str) -> Result<OperatorScope, StorageError> {
        OperatorScope::open(&*self.inner.backend, self.directory(), actor, reason).await
    }

    /// Enters an organization as `actor`, a person or a program, and says why. `None` when there is no such organization.
    ///
    /// The audit log has the entry, committed, before this returns; whatever is done afterwards is done in ordinary
    /// scopes, with the rights of the working role and under the organization's policies.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when actor or reason are blank, [`StorageError::Unavailable`] when the database
    /// does not answer or somebody else is writing for too long.
    pub async fn enter(
        &self,
        org: OrgId,
        actor: &str,
        reason: &str,
    ) -> Result<Option<AuditedOrg>, StorageError> {
        entry::enter(&*self.inner.backend, org, actor, reason).await
    }

    /// Opens a scope inside an organization that an operator has entered.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database does not answer or no connection is free in time.
    pub async fn entered_scope(&self, org: &AuditedOrg) -> Result<OrgScope, StorageError> {
        self.open(org.id()).await
    }

    async fn open(&self, org: OrgId) -> Result<OrgScope, StorageError> {
        Ok(OrgScope::new(org, self.inner.backend.open(org).await?))
    }

    /// Records a message that is authentic and refused, for the organization that it was sent to: in its inbox and,
    /// on the first delivery, in its security log. Both or neither.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer; nothing is kept then.
    pub async fn record_refusal(
        &self,
        org: &RefusedOrg,
        record: Record,
        entry: &SecurityEntry<'_>,
    ) -> Result<(), StorageError> {
        let mut scope = self.open(org.id()).await?;
        let received_at = record.event.received_at;
        if scope.events().record(Arc::new(record)).await?.is_new {
            scope.security_log().insert(entry, received_at).await?;
        }
        scope.commit().await
    }

    /// Says how much the quarantine keeps, on every node.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn bound_quarantine(&self, bounds: QuarantineBounds) -> Result<(), StorageError> {
        let (backend, name) = (&self.inner.backend, QuarantineBounds::NAME);
        let wanted = serde_json::to_vec(&bounds).map_err(StorageError::rejected)?;
        if backend.deployment(name).await?.as_deref() == Some(&*wanted) {
            return Ok(());
        }
        backend.put_deployment(name, &wanted, true).await
    }

    /// Keeps a message that the shared secret verified and nobody claims. False where it is not kept: it alone is over a
    /// bound, or so much has come lately that the quarantine has to be trimmed first.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn quarantine(&self, message: &QuarantinedMessage<'_>) -> Result<bool, StorageError> {
        let kept = self.inner.backend.quarantine(message).await?;
        self.inner.is_trim_due.fetch_or(kept, Ordering::Relaxed);
        Ok(kept)
    }

    /// Removes what stands beyond the quarantine's bounds, in short steps; gives how many messages.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn trim_quarantine(&self) -> Result<u64, StorageError> {
        let mut removed = 0;
        loop {
            let some = self.inner.backend.trim_quarantine().await?;
            if some == 0 {
                return Ok(removed);
            }
            removed += some;
        }
    }

    /// Goes once through all organizations and clears away what they keep no longer: their own rule, else the
    /// configuration's; gives how many rows are gone. Several nodes may do it at once.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    pub async fn clear_away(&self) -> Result<u64, StorageError> {
        clearing::pass(&*self.inner.backend, self.inner.retention).await
    }

    /// Clears away what is kept no longer, for as long as the future is polled.
    pub async fn keep_house(&self) {
        tokio::join!(self.keep_quarantine(), self.keep_retention());
    }

    async fn keep_retention(&self) {
        loop {
            // Not at the start, when there is enough to do.
            sleep(self.inner.clear_every).await;
            match self.clear_away().await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "cleared away what is kept no longer"),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "what is kept no longer is not cleared away");
                }
            }
        }
    }

    async fn keep_quarantine(&self) {
        let is_due = &self.inner.is_trim_due;
        loop {
            // What grows old is looked for seldom, and so is what other nodes kept.
            for _ in 0..ROUNDS {
                sleep(HOUSE_EVERY).await;
                if is_due.load(Ordering::Relaxed) {
                    break;
                }
            }
            is_due.store(false, Ordering::Relaxed);
            if let Err(error) = self.trim_quarantine().await {
                is_due.store(true, Ordering::Relaxed);
                tracing::warn!(error = chain(&error), "the quarantine is not trimmed");
            }
        }
    }

    /// Whether the use of the organization's own credential has to be noted by now.
    pub fn is_touch_due(&self, org: &VerifiedOrg, now: DateTime<Utc>) -> bool {
        org.credential().is_some_and(|credential| is_due(&self.touched(), credential.as_uuid(), now))
    }

    /// Notes that the organization's own credential admitted a message: at most once a minute for each credential,
    /// and nothing for the shared secret.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer; the next use is noted again then.
    pub async fn touch_credential(&self, org: &VerifiedOrg, now: DateTime<Utc>) -> Result<(), StorageError> {
        let Some(credential) = org.credential() else { return Ok(()) };
        let credential = credential.as_uuid();
        if !self.take_touch(credential, now) {
            return Ok(());
        }
        let touched = self.inner.backend.touch_credential(org.id(), credential, now).await;
        if touched.is_err() {
            self.touched().remove(&credential);
        }
        touched
    }

    /// Whether the store can be written and every migration that this program needs has run. The question has a connection of
    /// its own, so that it neither waits for work nor holds any up.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when it does not answer or takes no writes, [`StorageError::Configuration`] when a
    /// migration is pending.
    pub async fn health(&self) -> Result<(), StorageError> {
        let inner = &self.inner;
        inner.backend.ping().await?;
        // Migrations only ever grow, so once they fit they are not asked for again.
        if inner.is_migrated.load(Ordering::Relaxed) {
            return Ok(());
        }
        let applied = inner.backend.migrations().await?;
        if let Some(pending) = inner.needed.iter().find(|version| !applied.contains(version)) {
            return Err(StorageError::Configuration(format!(
                "migration {pending} is pending: run `vapi-gateway migrate`"
            )));
        }
        inner.is_migrated.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn take_touch(&self, credential: Uuid, now: DateTime<Utc>) -> bool {
        let mut touched = self.touched();
        let is_due = is_due(&touched, credential, now);
        if is_due {
            if touched.len() >= TOUCHED_AT_MOST {
                touched.clear();
            }
            touched.insert(credential, now);
        }
        is_due
    }

    fn touched(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, DateTime<Utc>>> {
        self.inner.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_due(touched: &HashMap<Uuid, DateTime<Utc>>, credential: Uuid, now: DateTime<Utc>) -> bool {
    touched.get(&credential).is_none_or(|last| now.signed_duration_since(last) >= TOUCH_EVERY)
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}
