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
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures::{join, try_join};
use org_resolver::OrgId;
use tenant::phone::Region;

use self::statements::{
    AddDeliveries, Commit, ContestedCalls, EraseCalls, LockCalls, LockContacts, PinCalls, RaiseAlarms,
    ReadReports, WriteCalls, WriteContacts, WriteReports,
};
use super::connect::Pool;
use super::dialect::{self, Conn};
use super::lease::Lease;
use super::sql::scope::Scope;
use crate::batch::{Alarm, Changes, Found, Group, groups, in_order, meetings};
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
        drop(lease);
        Lease::discard_idle(pool);
        lease = Lease::get(pool).await?;
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
enum Failure {
    Statement(diesel::result::Error),
    Other(StorageError),
}

impl Failure {
    fn is_connection_lost(&self) -> bool {
        matches!(self, Self::Statement(error) if is_connection_lost(error))
    }
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        Self::Statement(error)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Other(error)
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

impl BatchScope<'_> {
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
        let (deliveries, (), calls, mut reports, mut contacts, (mut contested, mut erased)) = try_join!(
            self.add_deliveries(groups),
            self.pin(groups),
            self.lock_calls(groups),
            self.read_reports(groups),
            self.lock_contacts(groups),
            self.contested(groups),
        )?;
        // The rows come in the order in which they were asked for.
        let (mut deliveries, mut calls) = (deliveries.into_iter(), calls.into_iter());
        let found = groups.iter().map(|group| Found {
            deliveries: deliveries.by_ref().take(group.deliveries().len()).collect(),
            calls: calls
                .by_ref()
                .take(group.ledger_calls().len())
                .map(|row| row.read(DbUuid(group.org.as_uuid()), self.sealer))
                .collect(),
            reports: reports.remove(&group.org).unwrap_or_default(),
            contacts: contacts.remove(&group.org).unwrap_or_default(),
            contested: contested.remove(&group.org).unwrap_or_default(),
            erased: erased.remove(&group.org).unwrap_or_default(),
        });
        Ok(found.collect())
    }

    async fn add_deliveries(&self, groups: &[Group<'_>]) -> QueryResult<Vec<i32>> {
        let sent = AddDeliveries::of(groups);
        if sent.keys.is_empty() {
            return Ok(Vec::new());
        }
        sent.load(&mut { self.conn }).await
    }

    async fn pin(&self, groups: &[Group<'_>]) -> QueryResult<()> {
        let pins = PinCalls::of(groups);
        if !pins.calls.is_empty() {
            pins.execute(&mut { self.conn }).await?;
        }
        Ok(())
    }

    async fn lock_calls(&self, groups: &[Group<'_>]) -> QueryResult<Vec<CallRow>> {
        let wanted = LockCalls::of(groups);
        if wanted.calls.is_empty() {
            return Ok(Vec::new());
        }
        wanted.load(&mut { self.conn }).await
    }

    /// The reports of calls that are locked by now.
    async fn read_reports(&self, groups: &[Group<'_>]) -> QueryResult<HashMap<OrgId, Vec<CallReport>>> {
        let mut reports = HashMap::<_, Vec<_>>::new();
        let wanted = ReadReports::of(groups);
        if !wanted.calls.is_empty() {
            for (row, org) in wanted.load::<(ReportRow, DbUuid)>(&mut { self.conn }).await? {
                reports.entry(OrgId::new(org.0)).or_default().push(row.into());
            }
        }
        Ok(reports)
    }

    async fn lock_contacts(&self, groups: &[Group<'_>]) -> QueryResult<HashMap<OrgId, Vec<Contact>>> {
        let mut contacts = HashMap::<_, Vec<_>>::new();
        let wanted = LockContacts::of(groups);
        if !wanted.phones.is_empty() {
            for (row, org) in wanted.load::<(Contact, DbUuid)>(&mut { self.conn }).await? {
                contacts.entry(OrgId::new(org.0)).or_default().push(row);
            }
        }
        Ok(contacts)
    }

    /// The calls that organizations of the batch share with others, here or in the database; and those that were erased.
    async fn contested(&self, groups: &[Group<'_>]) -> QueryResult<(CallsOf, CallsOf)> {
        let asked = ContestedCalls::of(groups);
        if asked.calls.is_empty() {
            return Ok(Default::default());
        }
        let (mut contested, mut erased) = (meetings(groups), CallsOf::new());
        for (org, call, is_contested, is_erased) in asked.load(&mut { self.conn }).await? {
            let org: DbUuid = org;
            let add = |calls: &mut CallsOf, call: String| {
                calls.entry(OrgId::new(org.0)).or_default().insert(call);
            };
            if is_erased {
                add(&mut erased, String::clone(&call));
            }
            if is_contested {
                add(&mut contested, call);
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
            self.write_calls(calls),
            self.write_reports(reports),
            self.write_contacts(&contacts),
            self.erase(&erased),
            self.raise(&alarms),
            self.end(ending)
        )?;
        Ok(())
    }

    async fn write_calls(&self, calls: WriteCalls) -> QueryResult<()> {
        if !calls.orgs.is_empty() {
            calls.execute(&mut { self.conn }).await?;
        }
        Ok(())
    }

    async fn write_reports(&self, reports: WriteReports) -> QueryResult<()> {
        if !reports.orgs.is_empty() {
            reports.execute(&mut { self.conn }).await?;
        }
        Ok(())
    }

    async fn write_contacts(&self, contacts: &[(DbUuid, DateTime<Utc>, &Contact)]) -> QueryResult<()> {
        if !contacts.is_empty() {
            WriteContacts::of(contacts).execute(&mut { self.conn }).await?;
        }
        Ok(())
    }

    async fn erase(&self, calls: &[(DbUuid, &str)]) -> QueryResult<()> {
        if !calls.is_empty() {
            EraseCalls::of(calls).execute(&mut { self.conn }).await?;
        }
        Ok(())
    }

    async fn raise(&self, alarms: &[(DbUuid, &Alarm<'_>)]) -> QueryResult<()> {
        if !alarms.is_empty() {
            RaiseAlarms::of(alarms).execute(&mut { self.conn }).await?;
        }
        Ok(())
    }

    async fn end(&self, ending: Ending) -> QueryResult<()> {
        match ending {
            Ending::Commit => Commit.execute(&mut { self.conn }).await.map(|_| ()),
            Ending::Open => Ok(()),
        }
    }
}
