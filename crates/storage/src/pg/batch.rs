//! Records of many messages in one transaction on PostgreSQL: a handful of statements, whatever the number of rows.
//!
//! The functions that they call enter each organization by its own setting before they
//! touch its rows, and run with the rights of their caller: the ordinary policies check every row.

mod statements;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::methods::LoadQuery;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::future::BoxFuture;
use futures::{FutureExt, join, try_join};
use org_resolver::OrgId;
use tenant::phone::Region;

use self::statements::{
    AddDeliveries, Commit, ContestedCalls, EraseCalls, LockCalls, LockContacts, PinCalls, RaiseAlarms,
    ReadReports, Statement, WriteCalls, WriteContacts, WriteReports,
};
use super::connect::Pool;
use super::dialect::{self, Conn};
use super::lease::Lease;
use super::sql::scope::Scope;
use crate::batch::{Changes, Found, Group, groups, in_order, meetings};
use crate::classify::is_connection_lost;
use crate::error::StorageError;
use crate::record::{Entry, Record, Recorded};
use crate::repo::{CallReport, Contact};
use crate::rows::ledger::{CallRow, ReportRow};
use crate::schema::organizations;
use crate::seal::Sealer;
use crate::sql_types::DbUuid;

/// Calls by their organization.
type CallsOf = HashMap<OrgId, HashSet<String>>;

/// One transaction over the data of several organizations, one after the other.
pub(super) struct BatchScope<'a> {
    conn: &'a Conn,
    sealer: &'a Sealer,
}

/// Records everything or nothing. A row that another transaction holds is waited for at most so long.
pub(super) async fn write(
    pool: &Pool,
    sealer: &Sealer,
    entries: &[Entry],
    patience: Duration,
) -> Result<Vec<Recorded>, StorageError> {
    let mut lease = Lease::get(pool).await?;
    let mut written = BatchScope { conn: lease.conn()?, sealer }.write(entries, patience).await;
    if written.as_ref().is_err_and(Failure::is_connection_lost) {
        // Records are repeatable by their keys, so that a transaction whose end nobody heard of may be sent again.
        lease = lease.renew(pool).await?;
        written = BatchScope { conn: lease.conn()?, sealer }.write(entries, patience).await;
    }
    match written {
        Ok(recorded) => {
            lease.release();
            Ok(recorded)
        }
        Err(failure) => {
            if !failure.is_connection_lost() && lease.conn()?.batch_execute("ROLLBACK").await.is_ok() {
                lease.release();
            }
            Err(failure.into())
        }
    }
}

/// Records one message inside the transaction of a scope.
pub(super) async fn record(scope: &mut Scope, record: Arc<Record>) -> Result<Recorded, StorageError> {
    let entries = [Entry { org: OrgId::new(scope.org.0), record }];
    let batch = BatchScope { conn: scope.tx.conn()?, sealer: &scope.sealer };
    match batch.record(&entries, Ending::Open).await {
        Ok(recorded) => Ok(recorded.into_iter().next().unwrap_or_default()),
        Err(Failure::Statement(error)) => scope.tx.check(Err(error)),
        Err(Failure::Other(error)) => scope.tx.fail(error),
    }
}

/// The end of the transaction after the records.
#[derive(Clone, Copy)]
enum Ending {
    Commit,
    /// It belongs to a scope that goes on.
    Open,
}

/// Why a transaction came to nothing.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Failure {
    Statement(#[from] diesel::result::Error),
    Other(#[from] StorageError),
}

impl Failure {
    fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Statement(error) if is_connection_lost(error))
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Statement(error) => error.into(),
            Failure::Other(error) => error,
        }
    }
}

impl<'a> BatchScope<'a> {
    async fn write(&self, entries: &[Entry], patience: Duration) -> Result<Vec<Recorded>, Failure> {
        let begin = format!("BEGIN; SET LOCAL lock_timeout = {}", patience.as_millis());
        let mut conn = self.conn;
        let (begun, recorded) = join!(conn.batch_execute(&begin), self.record(entries, Ending::Commit));
        begun?;
        recorded
    }

    /// Records every entry inside the transaction that is open.
    async fn record(&self, entries: &[Entry], ending: Ending) -> Result<Vec<Recorded>, Failure> {
        let groups = self.with_regions(groups(entries)).await?;
        let mut changes = Vec::with_capacity(groups.len());
        for (group, found) in groups.iter().zip(self.look(&groups).await?) {
            changes.push((group.org, group.now(), group.fold(found)?));
        }
        self.change(&mut changes, ending).await?;
        Ok(in_order(changes.into_iter().map(|(_, _, changes)| changes)))
    }

    /// Reads the numbers that mean something in their organization's region only.
    async fn with_regions<'g>(&self, mut groups: Vec<Group<'g>>) -> QueryResult<Vec<Group<'g>>> {
        for group in groups.iter_mut().filter(|group| group.needs_region()) {
            let setting = dialect::set_config("app.organization_id", group.org.to_string(), true);
            let own = organizations::table.filter(organizations::id.eq(DbUuid(group.org.as_uuid())));
            let region = own.select(organizations::region);
            let (_, region) = try_join!(
                diesel::select(setting).execute(&mut { self.conn }),
                region.load::<String>(&mut { self.conn }),
            )?;
            if let Some(region) = region.iter().find_map(|region| region.parse::<Region>().ok()) {
                group.set_region(region);
            }
        }
        Ok(groups)
    }

    /// Writes what needs no look, and locks what does.
    async fn look(&self, groups: &[Group<'_>]) -> QueryResult<Vec<Found>> {
        let (deliveries, (), calls, reports, contacts, (mut contested, mut erased)) = try_join!(
            self.load(AddDeliveries::of(groups)),
            self.execute(PinCalls::of(groups)),
            self.load(LockCalls::of(groups)),
            self.load(ReadReports::of(groups)),
            self.load(LockContacts::of(groups)),
            self.contested(groups),
        )?;
        let mut reports = by_org::<ReportRow, CallReport>(reports);
        let mut contacts = by_org::<Contact, Contact>(contacts);
        // The rows come in the order in which they were asked for.
        let (mut deliveries, mut calls) = (deliveries.into_iter(), calls.into_iter());
        let found = groups.iter().map(|group| Found {
            deliveries: deliveries.by_ref().take(group.deliveries().len()).collect(),
            calls: calls
                .by_ref()
                .take(group.ledger_calls().len())
                .map(|row: CallRow| row.read(DbUuid(group.org.as_uuid()), self.sealer))
                .collect(),
            reports: reports.remove(&group.org).unwrap_or_default(),
            contacts: contacts.remove(&group.org).unwrap_or_default(),
            contested: contested.remove(&group.org).unwrap_or_default(),
            erased: erased.remove(&group.org).unwrap_or_default(),
        });
        Ok(found.collect())
    }

    /// Sends a statement that has rows.
    fn execute<'b>(&'b self, statement: impl Statement + 'b) -> BoxFuture<'b, QueryResult<()>> {
        async move {
            if !statement.is_empty() {
                RunQueryDsl::execute(statement, &mut { self.conn }).await?;
            }
            Ok(())
        }
        .boxed()
    }

    /// Sends a statement that has rows; gives those that it answers.
    fn load<'b, T: Send + 'b>(
        &'b self,
        statement: impl Statement + LoadQuery<'b, &'a Conn, T> + 'b,
    ) -> BoxFuture<'b, QueryResult<Vec<T>>> {
        async move {
            if statement.is_empty() {
                return Ok(Vec::new());
            }
            RunQueryDsl::load(statement, &mut { self.conn }).await
        }
        .boxed()
    }

    /// The calls that organizations of the batch share with others, here or in the database; and those that were erased.
    async fn contested(&self, groups: &[Group<'_>]) -> QueryResult<(CallsOf, CallsOf)> {
        let asked = self.load::<(DbUuid, String, bool, bool)>(ContestedCalls::of(groups));
        let (mut contested, mut erased) = (meetings(groups), CallsOf::new());
        for (org, call, is_contested, is_erased) in asked.await? {
            let org = OrgId::from(org);
            if is_erased {
                erased.entry(org).or_default().insert(String::clone(&call));
            }
            if is_contested {
                contested.entry(org).or_default().insert(call);
            }
        }
        Ok((contested, erased))
    }

    /// Writes what the folds changed.
    async fn change(
        &self,
        changes: &mut [(OrgId, DateTime<Utc>, Changes<'_>)],
        ending: Ending,
    ) -> Result<(), Failure> {
        let mut calls = WriteCalls::default();
        let mut reports = WriteReports::default();
        for (org, _, changes) in &mut *changes {
            let org = DbUuid(org.as_uuid());
            for call in changes.calls.drain(..) {
                calls.push(org, CallRow::of(call, org, self.sealer)?);
            }
            for report in changes.reports.drain(..) {
                reports.push(org, ReportRow::from(report));
            }
        }
        let mut contacts = Vec::new();
        let mut alarms = Vec::new();
        let mut erased = Vec::new();
        for (org, now, changes) in changes {
            let (org, now) = (DbUuid(org.as_uuid()), *now);
            erased.extend(changes.erased.iter().map(|call| (org, *call)));
            contacts.extend(changes.contacts.iter().map(|contact| (org, now, contact)));
            alarms.extend(changes.alarms.iter().map(|alarm| (org, alarm)));
        }
        // The end travels with the rest: where one of them fails, the server ends the transaction without keeping it.
        try_join!(
            self.execute(calls),
            self.execute(reports),
            self.execute(WriteContacts::of(&contacts)),
            self.execute(EraseCalls::of(&erased)),
            self.execute(RaiseAlarms::of(&alarms)),
            self.end(ending)
        )?;
        Ok(())
    }

    async fn end(&self, ending: Ending) -> QueryResult<()> {
        match ending {
            Ending::Commit => Commit.execute(&mut { self.conn }).await.map(|_| ()),
            Ending::Open => Ok(()),
        }
    }
}

/// Rows by their organization, in their order.
fn by_org<R, T: From<R>>(rows: Vec<(R, DbUuid)>) -> HashMap<OrgId, Vec<T>> {
    let mut sorted = HashMap::<_, Vec<_>>::new();
    for (row, org) in rows {
        sorted.entry(org.into()).or_default().push(row.into());
    }
    sorted
}
