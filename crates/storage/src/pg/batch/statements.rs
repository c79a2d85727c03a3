//! The statements of a batch. Their texts never change, whatever the number of rows, so that each is prepared once a
//! connection: rows travel as one array a column, sorted by organization.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, SmallInt, Text};
use org_resolver::OrgId;

use super::super::booking::Book;
use crate::batch::{Caller, Group, Told};
use crate::body::pack;
use crate::columns::{call_columns, report_columns};
use crate::error::StorageError;
use crate::rows::ledger::{CallRow, ReportRow};
use crate::seal::Sealer;
use crate::sql_types::{DbJson, DbTime, DbUuid, SqlJson, SqlTime, SqlUuid};
use crate::text::{clean, clean_json, new_id};

/// Makes rows of one kind that travel as one array a column, the organization first; parameters of a statement in their
/// order.
macro_rules! arrays {
    ($name:ident of $row:ident $(<$borrowed:lifetime>)?; $($column:ident: $kind:ty = $value:ty,)*) => {
        #[derive(Default)]
        struct $name $(<$borrowed>)? {
            orgs: Vec<DbUuid>,
            $($column: Vec<$value>,)*
        }

        impl $(<$borrowed>)? $name $(<$borrowed>)? {
            fn push(&mut self, org: DbUuid, row: $row $(<$borrowed>)?) {
                self.orgs.push(org);
                $(self.$column.push(row.$column);)*
            }

            fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql(", ");
                out.push_bind_param::<Array<SqlUuid>, _>(&self.orgs)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<Array<$kind>, _>(&self.$column)?;
                )*
                Ok(())
            }
        }
    };
}

/// The same, and the row itself.
macro_rules! rows {
    ($name:ident of $row:ident<$borrowed:lifetime>; $($column:ident: $kind:ty = $value:ty,)*) => {
        struct $row<$borrowed> {
            $($column: $value,)*
        }

        arrays! { $name of $row<$borrowed>; $($column: $kind = $value,)* }
    };
}

rows! { Events of Event<'a>;
    id: SqlUuid = DbUuid,
    kind: Text = &'a str,
    call: Nullable<Text> = Option<&'a str>,
    key: Text = &'a str,
    verdict: Text = &'a str,
    trace: Binary = &'a [u8],
    body: Binary = &'a [u8],
    length: Integer = i32,
    request: Text = &'a str,
    arrival: SqlTime = DbTime,
    count: Integer = i32,
    alarm: Nullable<Text> = Option<String>,
}

rows! { Calls of CallOfBatch<'a>;
    call: Text = &'a str,
    arrival: SqlTime = DbTime,
    is_pinned: Bool = bool,
    is_shared: Bool = bool,
    is_erased: Bool = bool,
}

rows! { Callers of CallerRow<'a>;
    id: SqlUuid = DbUuid,
    phone: Text = &'a str,
    call: Nullable<Text> = Option<&'a str>,
    name: Nullable<Text> = Option<Cow<'a, str>>,
    email: Nullable<Text> = Option<Cow<'a, str>>,
    last_call: Nullable<SqlTime> = Option<DbTime>,
    arrival: SqlTime = DbTime,
}

macro_rules! call_rows {
    ($table:ident $($columns:tt)*) => { arrays! { CallRows of CallRow; $($columns)* } };
}
call_columns!(call_rows);

macro_rules! report_rows {
    ($table:ident $($columns:tt)*) => { arrays! { ReportRows of ReportRow; $($columns)* } };
}
report_columns!(report_rows);

/// Records messages of many organizations.
pub(super) struct RecordBatch<'a> {
    /// How long to wait for a row that another transaction holds, in milliseconds; null for as long as the transaction does.
    patience: Option<String>,
    empty_body: Vec<u8>,
    /// Those with messages of calls, and whether one of these is an erasure.
    orgs: Vec<DbUuid>,
    erases: Vec<bool>,
    events: Events<'a>,
    calls: Calls<'a>,
    /// The most rows that a call has.
    waves: i32,
    row_waves: Vec<i32>,
    rows: CallRows,
    report_waves: Vec<i32>,
    reports: ReportRows,
    callers: Callers<'a>,
}

/// How often each message was delivered by now, whether each call is contested and whether it was erased before, and the
/// calls that have changed: organizations, calls and waves.
pub(super) type Answer = (Vec<i32>, Vec<bool>, Vec<bool>, Vec<DbUuid>, Vec<String>, Vec<i32>);

impl<'a> RecordBatch<'a> {
    pub(super) fn new(patience: Option<Duration>) -> Self {
        Self {
            patience: patience.map(|patience| patience.as_millis().to_string()),
            empty_body: pack(b""),
            orgs: Vec::new(),
            erases: Vec::new(),
            events: Events::default(),
            calls: Calls::default(),
            waves: 0,
            row_waves: Vec::new(),
            rows: CallRows::default(),
            report_waves: Vec::new(),
            reports: ReportRows::default(),
            callers: Callers::default(),
        }
    }

    /// Adds the rows of a group. `shared` are the calls that other organizations of the batch have messages of.
    pub(super) fn add(
        &mut self,
        group: &'a Group<'a>,
        told: &mut Told<'a>,
        shared: Option<&HashSet<String>>,
        sealer: &Sealer,
    ) -> Result<(), StorageError> {
        let (org, arrival) = (DbUuid(group.org.as_uuid()), DbTime(group.now()));
        for delivery in group.deliveries() {
            let event = &delivery.first.event;
            let alarm = delivery.first.alarm.as_ref().filter(|_| delivery.first.pins_call);
            let row = Event {
                id: DbUuid(new_id(event.received_at)),
                kind: &event.kind,
                call: event.vapi_call_id.as_deref(),
                key: &event.dedupe_key,
                verdict: event.verdict.as_str(),
                trace: &event.trace,
                body: &delivery.fullest.body,
                length: delivery.fullest.body_bytes,
                request: &event.request_id,
                arrival: DbTime(event.received_at),
                count: delivery.count,
                alarm: alarm.map(|detail| clean_json(detail.clone()).to_string()),
            };
            self.events.push(org, row);
        }
        let pinned = group.pinned_calls();
        for call in group.calls() {
            let row = CallOfBatch {
                call,
                arrival,
                is_pinned: pinned.contains(call),
                is_shared: shared.is_some_and(|shared| shared.contains(call)),
                is_erased: told.erased.contains(call),
            };
            self.calls.push(org, row);
        }
        if self.calls.orgs.last() == Some(&org) {
            self.orgs.push(org);
            self.erases.push(!told.erased.is_empty());
        }
        for (wave, call, report) in told.rows.drain(..) {
            self.waves = self.waves.max(wave);
            self.row_waves.push(wave);
            self.rows.push(org, CallRow::of(call, org, sealer)?);
            if let Some(report) = report {
                self.report_waves.push(wave);
                self.reports.push(org, ReportRow::from(report));
            }
        }
        for Caller { id, call_id, contact } in told.callers.drain(..) {
            let Some(phone) = contact.phone else { continue };
            let said = |text: Option<&'a str>| text.filter(|text| !text.trim().is_empty()).map(clean);
            let row = CallerRow {
                id: DbUuid(id),
                phone,
                call: call_id,
                name: said(contact.name),
                email: said(contact.email),
                last_call: contact.last_call_at.map(DbTime),
                arrival,
            };
            self.callers.push(org, row);
        }
        Ok(())
    }
}

impl QueryFragment<Pg> for RecordBatch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT * FROM record_batch(");
        out.push_bind_param::<Nullable<Text>, _>(&self.patience)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.empty_body)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.orgs)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Bool>, _>(&self.erases)?;
        self.events.walk(&mut out)?;
        self.calls.walk(&mut out)?;
        out.push_sql(", ");
        out.push_bind_param::<Integer, _>(&self.waves)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.row_waves)?;
        self.rows.walk(&mut out)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Integer>, _>(&self.report_waves)?;
        self.reports.walk(&mut out)?;
        self.callers.walk(&mut out)?;
        out.push_sql(")");
        Ok(())
    }
}

/// Records a message and books. The rows of FROM are made before what is selected for them: the message comes first, and its
/// transaction's patience holds for both.
pub(super) struct RecordAndBook<'a> {
    pub(super) record: RecordBatch<'a>,
    pub(super) book: Book<'a>,
}

impl QueryFragment<Pg> for RecordAndBook<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.book.walk_ast(out.reborrow())?;
        out.push_sql(" AS booked, recorded.* FROM (");
        self.record.walk_ast(out.reborrow())?;
        out.push_sql(") AS recorded");
        Ok(())
    }
}

impl Query for RecordAndBook<'_> {
    type SqlType = (SqlJson, <RecordBatch<'static> as Query>::SqlType);
}

impl QueryId for RecordBatch<'_> {
    type QueryId = RecordBatch<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for RecordBatch<'_> {
    type SqlType = (Array<Integer>, Array<Bool>, Array<Bool>, Array<SqlUuid>, Array<Text>, Array<Integer>);
}

/// Reads the regions of organizations, in their order; null for one that is not there.
pub(super) struct ReadRegions(Vec<DbUuid>);

impl ReadRegions {
    pub(super) fn of(orgs: impl Iterator<Item = OrgId>) -> Self {
        Self(orgs.map(|org| DbUuid(org.as_uuid())).collect())
    }
}

impl QueryFragment<Pg> for ReadRegions {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT (SELECT o.region FROM organizations o WHERE o.id = asked.id) FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.0)?;
        // Each row enters its organization before the policies look at it.
        out.push_sql(
            ") AS asked (id) WHERE set_config('app.organization_id', asked.id::text, true) IS NOT NULL",
        );
        Ok(())
    }
}

impl QueryId for ReadRegions {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for ReadRegions {
    type SqlType = Nullable<Text>;
}
