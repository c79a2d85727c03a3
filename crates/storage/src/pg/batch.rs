//! Records of many messages on PostgreSQL: one statement, which is a transaction by itself, whatever the number of rows.
//!
//! The function that it calls enters each organization by its own setting before it touches its rows, and runs with the
//! rights of its caller: the ordinary policies check every row.

mod statements;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use diesel::result::{Error, QueryResult};
use diesel_async::RunQueryDsl;
use org_resolver::OrgId;
use tenant::phone::Region;

use self::statements::{Answer, ReadRegions, RecordAndBook, RecordBatch};
use super::booking::{self, Book};
use super::dialect::Conn;
use super::lease::Lease;
use super::pool::Pool;
use super::sql::run;
use super::sql::scope::Scope;
use crate::batch::{Group, Written, groups, in_order, meetings};
use crate::classify::needs_new_session;
use crate::error::StorageError;
use crate::record::{Entry, Record, Recorded};
use crate::repo::{Booked, NewBooking};
use crate::seal::Sealer;
use crate::sql_types::DbJson;

/// How long a booking with its message waits for a row that another transaction holds. Less than the writer's batches, so
/// that none waits in vain for rows of the message.
const BOOKING_PATIENCE: Duration = Duration::from_millis(100);

/// A statement over the data of several organizations, one after the other.
pub(super) struct BatchScope<'a> {
    conn: &'a mut Conn,
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
    let mut written = BatchScope { conn: lease.conn()?, sealer }.record(entries, Some(patience), None).await;
    if written.as_ref().is_err_and(Failure::needs_new_session) {
        // Records are repeatable by their keys, so that a transaction whose end nobody heard of may be sent again.
        lease = lease.renew(pool).await?;
        written = BatchScope { conn: lease.conn()?, sealer }.record(entries, Some(patience), None).await;
    }
    // A statement that fails leaves no transaction open.
    if !written.as_ref().is_err_and(Failure::needs_new_session) {
        lease.release();
    }
    Ok(written?.0)
}

/// Records one message and books; the outer error is the database's.
pub(super) async fn record_and_book(
    conn: &mut Conn,
    sealer: &Sealer,
    entries: &[Entry; 1],
    booking: &NewBooking<'_>,
) -> QueryResult<Result<(Recorded, Booked), StorageError>> {
    let batch = BatchScope { conn, sealer };
    match batch.record(entries, Some(BOOKING_PATIENCE), Some(booking)).await {
        Ok((recorded, booked)) => Ok(recorded.into_iter().zip(booked).next().ok_or_else(no_row)),
        Err(Failure::Statement(error)) => Err(error),
        Err(Failure::Other(error)) => Ok(Err(error)),
    }
}

fn no_row() -> StorageError {
    StorageError::rejected("a query without a row")
}

/// Records one message inside the transaction of a scope.
pub(super) async fn record(scope: &mut Scope, record: Arc<Record>) -> Result<Recorded, StorageError> {
    let entries = [Entry { org: OrgId::new(scope.org.0), record }];
    let batch = BatchScope { conn: scope.tx.conn()?, sealer: &scope.sealer };
    match batch.record(&entries, None, None).await {
        Ok((recorded, _)) => Ok(recorded.into_iter().next().unwrap_or_default()),
        Err(Failure::Statement(error)) => scope.tx.check(Err(error)),
        Err(Failure::Other(error)) => scope.tx.fail(error),
    }
}

/// Why a batch came to nothing.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum Failure {
    Statement(#[from] Error),
    Other(#[from] StorageError),
}

impl Failure {
    fn needs_new_session(&self) -> bool {
        matches!(self, Self::Statement(error) if needs_new_session(error))
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
    /// Records every entry, in the open transaction or in one of its own, and books for the first one's organization.
    /// Without `patience` rows are waited for as the transaction does.
    async fn record(
        mut self,
        entries: &[Entry],
        patience: Option<Duration>,
        booking: Option<&NewBooking<'_>>,
    ) -> Result<(Vec<Recorded>, Option<Booked>), Failure> {
        let groups = self.with_regions(groups(entries)).await?;
        let mut told: Vec<_> = groups.iter().map(Group::told).collect();
        let mut batch = RecordBatch::new(patience);
        let meetings = meetings(&groups);
        for (group, told) in groups.iter().zip(&mut told) {
            batch.add(group, told, meetings.get(&group.org), self.sealer)?;
        }
        // Read to its end: the row comes before the transaction is committed.
        let (answer, booked) = match booking.zip(entries.first()) {
            Some((booking, entry)) => {
                let statement = RecordAndBook { record: batch, book: Book::new(entry.org, booking)? };
                let made = statement.book.appointment();
                let answer: Vec<(DbJson, Answer)> = run::load(self.conn, statement).await?;
                let (state, answer) = answer.into_iter().next().ok_or(Error::NotFound)?;
                (answer, Some(booking::read(state, booking.call.key, made)?))
            }
            None => {
                let answer: Vec<Answer> = batch.load(self.conn).await?;
                (answer.into_iter().next().ok_or(Error::NotFound)?, None)
            }
        };
        let (deliveries, contested, erased, owners, calls, waves) = answer;
        let mut changed = HashMap::<OrgId, HashSet<_>>::new();
        for (owner, one) in owners.into_iter().zip(calls.into_iter().zip(waves)) {
            changed.entry(owner.into()).or_default().insert(one);
        }
        let mut deliveries = deliveries.into_iter();
        let mut flags = contested.into_iter().zip(erased);
        let mut recorded = Vec::with_capacity(entries.len());
        for (group, told) in groups.iter().zip(&told) {
            let mut written = Written {
                deliveries: deliveries.by_ref().take(group.deliveries().len()).collect(),
                contested: meetings.get(&group.org).cloned().unwrap_or_default(),
                erased: HashSet::new(),
                changed: changed.remove(&group.org).unwrap_or_default(),
            };
            for (call, (is_contested, is_erased)) in group.calls().into_iter().zip(flags.by_ref()) {
                written.contested.extend(is_contested.then(|| call.to_owned()));
                written.erased.extend(is_erased.then(|| call.to_owned()));
            }
            recorded.extend(group.recorded(told, &written));
        }
        Ok((in_order(recorded), booked))
    }

    /// Reads the numbers that mean something in their organization's region only.
    async fn with_regions<'g>(&mut self, mut groups: Vec<Group<'g>>) -> QueryResult<Vec<Group<'g>>> {
        let national: Vec<_> = groups.iter_mut().filter(|group| group.needs_region()).collect();
        if !national.is_empty() {
            let regions = ReadRegions::of(national.iter().map(|group| group.org));
            let regions: Vec<Option<String>> = regions.load(self.conn).await?;
            for (group, region) in national.into_iter().zip(regions) {
                if let Some(region) = region.and_then(|region| region.parse::<Region>().ok()) {
                    group.set_region(region);
                }
            }
        }
        Ok(groups)
    }
}
