//! The statements of a batch. Their texts never change, whatever the number of rows, so that each is prepared once a
//! connection: rows travel as one array a column, sorted by organization.

use chrono::{DateTime, Utc};
use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Double, Integer, Nullable, SmallInt, Text};

use crate::batch::{Alarm, Delivery, Group, PIN_AGAINST_MAPPING};
use crate::body::pack;
use crate::columns::{call_columns, names, report_columns};
use crate::repo::Contact;
use crate::rows::ledger::{CallRow, ReportRow};
use crate::sql_types::{DbJson, DbTime, DbUuid, JsonText, SqlJson, SqlTime, SqlUuid};
use crate::text::{clean_json, new_id};

/// A statement about rows of the batch.
pub(super) trait Statement: QueryFragment<Pg> + QueryId + Send {
    /// True where there are none, so that it need not be sent.
    fn is_empty(&self) -> bool;
}

/// Declares a statement: pieces of text, and between them its parameters; where it begins with `select`, the columns of a
/// row come first.
macro_rules! statement {
    (
        $(#[$meta:meta])*
        $name:ident<$borrowed:lifetime> $(-> $result:ty)? {
            $(select $columns:expr;)?
            $($piece:literal $field:ident: $kind:ty = $value:ty),+;
            $end:literal
        }
    ) => {
        $(#[$meta])*
        pub(super) struct $name<$borrowed> {
            $($field: $value,)*
        }

        impl QueryFragment<Pg> for $name<'_> {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                $(
                    for (place, column) in $columns.into_iter().enumerate() {
                        out.push_sql(if place == 0 { "SELECT " } else { ", " });
                        out.push_sql(column);
                    }
                )?
                $(
                    out.push_sql($piece);
                    out.push_bind_param::<$kind, _>(&self.$field)?;
                )*
                out.push_sql($end);
                Ok(())
            }
        }

        impl Statement for $name<'_> {
            fn is_empty(&self) -> bool {
                self.orgs.is_empty()
            }
        }

        impl QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $(impl Query for $name<'_> {
            type SqlType = $result;
        })?
    };
}

statement! {
    /// Stores messages; gives how often each was delivered by now, in their order.
    AddDeliveries<'a> -> Integer {
        "SELECT * FROM add_deliveries(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " ids: Array<SqlUuid> = Vec<DbUuid>,
        ", " kinds: Array<Text> = Vec<&'a str>,
        ", " calls: Array<Nullable<Text>> = Vec<Option<&'a str>>,
        ", " keys: Array<Text> = Vec<&'a str>,
        ", " verdicts: Array<Text> = Vec<&'a str>,
        ", " traces: Array<SqlJson> = Vec<JsonText<'a>>,
        ", " bodies: Array<Binary> = Vec<&'a [u8]>,
        ", " lengths: Array<Integer> = Vec<i32>,
        ", " requests: Array<Text> = Vec<&'a str>,
        ", " arrivals: Array<SqlTime> = Vec<DbTime>,
        ", " counts: Array<Integer> = Vec<i32>;
        ")"
    }
}

impl<'a> AddDeliveries<'a> {
    pub(super) fn of(groups: &[Group<'a>]) -> Self {
        let own = |group: &Group<'a>| {
            let org = DbUuid(group.org.as_uuid());
            group.deliveries().into_iter().map(move |delivery| (org, delivery))
        };
        let rows: Vec<(DbUuid, Delivery<'a>)> = groups.iter().flat_map(own).collect();
        let first = || rows.iter().map(|(_, delivery)| delivery.first);
        let fullest = || rows.iter().map(|(_, delivery)| delivery.fullest);
        Self {
            orgs: rows.iter().map(|(org, _)| *org).collect(),
            ids: first().map(|event| DbUuid(new_id(event.received_at))).collect(),
            kinds: first().map(|event| &*event.kind).collect(),
            calls: first().map(|event| event.vapi_call_id.as_deref()).collect(),
            keys: first().map(|event| &*event.dedupe_key).collect(),
            verdicts: first().map(|event| event.verdict.as_str()).collect(),
            traces: first().map(|event| JsonText(&event.trace)).collect(),
            bodies: fullest().map(|event| &*event.body).collect(),
            lengths: fullest().map(|event| event.body_bytes).collect(),
            requests: first().map(|event| &*event.request_id).collect(),
            arrivals: first().map(|event| DbTime(event.received_at)).collect(),
            counts: rows.iter().map(|(_, delivery)| delivery.count).collect(),
        }
    }
}

/// Pairs of organization and value, with the instant of the organization's latest record.
struct Pairs<T> {
    orgs: Vec<DbUuid>,
    values: Vec<T>,
    times: Vec<DbTime>,
}

impl<T> Pairs<T> {
    fn of<'a>(groups: &'a [Group<'a>], values: impl Fn(&'a Group<'a>) -> Vec<T>) -> Self {
        let mut pairs = Self { orgs: Vec::new(), values: Vec::new(), times: Vec::new() };
        for group in groups {
            for value in values(group) {
                pairs.orgs.push(DbUuid(group.org.as_uuid()));
                pairs.values.push(value);
                pairs.times.push(DbTime(group.now()));
            }
        }
        pairs
    }

    fn ids(&self) -> Vec<DbUuid> {
        self.times.iter().map(|at| DbUuid(new_id(at.0))).collect()
    }
}

statement! {
    /// Pins calls, and keeps erasures and messages apart.
    PinCalls<'a> {
        "SELECT pin_calls(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " calls: Array<Text> = Vec<&'a str>,
        ", " times: Array<SqlTime> = Vec<DbTime>,
        ", " pins: Array<Bool> = Vec<bool>,
        ", " erasures: Array<Bool> = Vec<bool>;
        ")"
    }
}

impl<'a> PinCalls<'a> {
    pub(super) fn of(groups: &'a [Group<'a>]) -> Self {
        let Pairs { orgs, values, times } = Pairs::of(groups, Group::other_calls);
        let (calls, pins) = values.into_iter().unzip();
        let erasures = groups.iter().flat_map(|group| vec![group.erases(); group.other_calls().len()]);
        Self { orgs, calls, times, pins, erasures: erasures.collect() }
    }
}

statement! {
    /// The pairs of organization and call whose call others have pinned too, or which was erased; and which of both.
    ContestedCalls<'a> -> (SqlUuid, Text, Bool, Bool) {
        "SELECT * FROM contested_calls(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " calls: Array<Text> = Vec<&'a str>;
        ")"
    }
}

impl<'a> ContestedCalls<'a> {
    pub(super) fn of(groups: &'a [Group<'a>]) -> Self {
        let Pairs { orgs, values, .. } = Pairs::of(groups, Group::calls);
        Self { orgs, calls: values }
    }
}

statement! {
    /// Finds or makes the rows of calls and locks them, in their order.
    LockCalls<'a> -> SqlTypeOf<AsSelect<CallRow, Pg>> {
        select call_columns!(names);
        " FROM lock_calls(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " calls: Array<Text> = Vec<&'a str>,
        ", " times: Array<SqlTime> = Vec<DbTime>;
        ")"
    }
}

impl<'a> LockCalls<'a> {
    pub(super) fn of(groups: &'a [Group<'a>]) -> Self {
        let Pairs { orgs, values, times } = Pairs::of(groups, Group::ledger_calls);
        Self { orgs, calls: values, times }
    }
}

statement! {
    /// The reports that are there of calls.
    ReadReports<'a> -> (SqlTypeOf<AsSelect<ReportRow, Pg>>, SqlUuid) {
        select report_columns!(names);
        ", organization_id FROM read_reports(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " calls: Array<Text> = Vec<&'a str>;
        ")"
    }
}

impl<'a> ReadReports<'a> {
    pub(super) fn of(groups: &'a [Group<'a>]) -> Self {
        let Pairs { orgs, values, .. } = Pairs::of(groups, Group::reported_calls);
        Self { orgs, calls: values }
    }
}

statement! {
    /// Finds or makes the contacts of numbers and locks them, in their order; not for calls that were erased.
    LockContacts<'a> -> (SqlTypeOf<AsSelect<Contact, Pg>>, SqlUuid) {
        "SELECT id, name, phone, email, language, do_not_call, last_call_at, organization_id FROM lock_contacts("
        orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " ids: Array<SqlUuid> = Vec<DbUuid>,
        ", " phones: Array<Text> = Vec<&'a str>,
        ", " calls: Array<Nullable<Text>> = Vec<Option<&'a str>>,
        ", " times: Array<SqlTime> = Vec<DbTime>;
        ")"
    }
}

impl<'a> LockContacts<'a> {
    pub(super) fn of(groups: &'a [Group<'a>]) -> Self {
        let pairs = Pairs::of(groups, Group::phones);
        Self {
            ids: pairs.ids(),
            orgs: pairs.orgs,
            phones: pairs.values.iter().map(|(phone, _)| *phone).collect(),
            calls: pairs.values.iter().map(|(_, call)| *call).collect(),
            times: pairs.times,
        }
    }
}

/// Makes a statement that gives rows to a function, one array a column.
macro_rules! write_rows {
    ($name:ident $function:literal $row:ident $($column:ident: $kind:ty = $value:ty,)*) => {
        #[derive(Default)]
        pub(super) struct $name {
            orgs: Vec<DbUuid>,
            $($column: Vec<$value>,)*
        }

        impl $name {
            pub(super) fn push(&mut self, org: DbUuid, row: $row) {
                self.orgs.push(org);
                $(self.$column.push(row.$column);)*
            }
        }

        impl QueryFragment<Pg> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_sql(concat!("SELECT ", $function, "("));
                out.push_bind_param::<Array<SqlUuid>, _>(&self.orgs)?;
                $(
                    out.push_sql(", ");
                    out.push_bind_param::<Array<$kind>, _>(&self.$column)?;
                )*
                out.push_sql(")");
                Ok(())
            }
        }

        impl Statement for $name {
            fn is_empty(&self) -> bool {
                self.orgs.is_empty()
            }
        }

        impl QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
    };
}

/// Writes every column of calls that are locked.
macro_rules! write_calls {
    ($table:ident $($columns:tt)*) => { write_rows! { WriteCalls "write_calls" CallRow $($columns)* } };
}
call_columns!(write_calls);

/// Writes every column of reports whose calls are locked.
macro_rules! write_reports {
    ($table:ident $($columns:tt)*) => { write_rows! { WriteReports "write_reports" ReportRow $($columns)* } };
}
report_columns!(write_reports);

statement! {
    /// Writes what became known of contacts that are locked.
    WriteContacts<'a> {
        "SELECT write_contacts(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " ids: Array<SqlUuid> = Vec<DbUuid>,
        ", " names: Array<Text> = Vec<&'a str>,
        ", " emails: Array<Nullable<Text>> = Vec<Option<&'a str>>,
        ", " last_calls: Array<Nullable<SqlTime>> = Vec<Option<DbTime>>,
        ", " updates: Array<SqlTime> = Vec<DbTime>;
        ")"
    }
}

impl<'a> WriteContacts<'a> {
    pub(super) fn of(contacts: &[(DbUuid, DateTime<Utc>, &'a Contact)]) -> Self {
        let rows = || contacts.iter().map(|(_, _, contact)| *contact);
        Self {
            orgs: contacts.iter().map(|(org, _, _)| *org).collect(),
            ids: rows().map(|contact| DbUuid(contact.id.0)).collect(),
            names: rows().map(|contact| &*contact.name).collect(),
            emails: rows().map(|contact| contact.email.as_deref()).collect(),
            last_calls: rows().map(|contact| contact.last_call_at.map(DbTime)).collect(),
            updates: contacts.iter().map(|(_, now, _)| DbTime(*now)).collect(),
        }
    }
}

statement! {
    /// Erases what was said in calls that are locked.
    EraseCalls<'a> {
        "SELECT erase_calls(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " calls: Array<Text> = Vec<&'a str>,
        ", " empty: Binary = Vec<u8>;
        ")"
    }
}

impl<'a> EraseCalls<'a> {
    pub(super) fn of(calls: &[(DbUuid, &'a str)]) -> Self {
        let (orgs, calls) = calls.iter().copied().unzip();
        Self { orgs, calls, empty: pack(b"") }
    }
}

statement! {
    /// Tells organizations of calls that others have pinned.
    RaiseAlarms<'a> {
        "SELECT raise_alarms(" orgs: Array<SqlUuid> = Vec<DbUuid>,
        ", " ids: Array<SqlUuid> = Vec<DbUuid>,
        ", " events: Array<Text> = Vec<&'a str>,
        ", " details: Array<SqlJson> = Vec<DbJson>,
        ", " calls: Array<Nullable<Text>> = Vec<Option<&'a str>>,
        ", " requests: Array<Text> = Vec<&'a str>,
        ", " arrivals: Array<SqlTime> = Vec<DbTime>;
        ")"
    }
}

impl<'a> RaiseAlarms<'a> {
    pub(super) fn of(alarms: &[(DbUuid, &Alarm<'a>)]) -> Self {
        let events = || alarms.iter().map(|(_, alarm)| alarm.event);
        Self {
            orgs: alarms.iter().map(|(org, _)| *org).collect(),
            ids: events().map(|event| DbUuid(new_id(event.received_at))).collect(),
            events: alarms.iter().map(|_| PIN_AGAINST_MAPPING).collect(),
            details: alarms.iter().map(|(_, alarm)| DbJson(clean_json(alarm.detail.clone()))).collect(),
            calls: events().map(|event| event.vapi_call_id.as_deref()).collect(),
            requests: events().map(|event| &*event.request_id).collect(),
            arrivals: events().map(|event| DbTime(event.received_at)).collect(),
        }
    }
}

/// Ends the transaction. Prepared like the rest, because a plain query could overtake statements that still wait for
/// their preparation.
#[derive(QueryId)]
pub(super) struct Commit;

impl QueryFragment<Pg> for Commit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("COMMIT");
        Ok(())
    }
}
