//! Records of many messages in one transaction on SQLite: one job on the writer's thread, statement after statement.
//!
//! A statement costs a few microseconds here and nothing travels, so rows go one by one.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::upsert::excluded;
use org_resolver::OrgId;
use tenant::phone::Region;

use super::kept::kept;
use super::lease::Writer;
use super::sql::scope::Scope;
use crate::batch::{Alarm, Delivery, Found, Group, PIN_AGAINST_MAPPING, groups, in_order, meetings};
use crate::body::pack;
use crate::error::StorageError;
use crate::record::{Entry, Record, Recorded};
use crate::repo::{Call, CallReport, Contact};
use crate::rows::ledger::{CallRow, ReportRow};
use crate::schema::{
    call_logs, call_pins, call_reports, contacts, organizations, security_log, webhook_events,
};
use crate::seal::Sealer;
use crate::sql_types::{DbJson, DbTime, DbUuid};
use crate::text::{clean_json, new_id};

/// One transaction over the data of several organizations, one after the other. The filter by organization in each
/// statement is the lock here.
struct BatchScope<'a> {
    conn: &'a mut SqliteConnection,
    sealer: &'a Sealer,
}

/// Records everything or nothing.
pub(super) async fn write(
    mut writer: Writer,
    sealer: Sealer,
    entries: Vec<Entry>,
) -> Result<Vec<Recorded>, StorageError> {
    // The job runs to its end though nobody waits for it any more, and its transaction ends with it.
    writer
        .conn
        .spawn_blocking(move |conn| {
            conn.batch_execute("BEGIN IMMEDIATE")?;
            // In no case does a transaction stay open on the connection that everybody writes with.
            let work = || BatchScope { conn: &mut *conn, sealer: &sealer }.record(&entries);
            let recorded = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
                Err(StorageError::rejected("the records cannot be written: see the panic above"))
            });
            let ended = match recorded {
                Ok(recorded) => conn.batch_execute("COMMIT").map(|()| Ok(recorded)),
                Err(error) => conn.batch_execute("ROLLBACK").map(|()| Err(error)),
            };
            if ended.is_err() {
                // Without a transaction this fails, which is as good.
                let _ = conn.batch_execute("ROLLBACK");
            }
            ended
        })
        .await?
}

/// Records one message inside the transaction of a scope.
pub(super) async fn record(scope: &mut Scope, record: Arc<Record>) -> Result<Recorded, StorageError> {
    let entries = vec![Entry { org: OrgId::new(scope.org.0), record }];
    let sealer = scope.sealer.clone();
    let job = move |conn: &mut SqliteConnection| Ok(BatchScope { conn, sealer: &sealer }.record(&entries));
    let recorded = scope.tx.conn()?.spawn_blocking(job).await;
    match scope.tx.check(recorded)? {
        Ok(recorded) => Ok(recorded.into_iter().next().unwrap_or_default()),
        Err(error) => scope.tx.fail(error),
    }
}

impl BatchScope<'_> {
    fn record(&mut self, entries: &[Entry]) -> Result<Vec<Recorded>, StorageError> {
        let mut all = Vec::new();
        let mut groups = groups(entries);
        let mut contested = meetings(&groups);
        for group in &mut groups {
            let org = DbUuid(group.org.as_uuid());
            if group.needs_region()
                && let Some(region) = self.region(org)?
            {
                group.set_region(region);
            }
            let mut found = self.look(org, group)?;
            found.contested.extend(contested.remove(&group.org).unwrap_or_default());
            let mut changes = group.fold(found)?;
            let now = group.now();
            for call in changes.calls.drain(..) {
                self.write_call(org, call)?;
            }
            for report in changes.reports.drain(..) {
                self.write_report(org, report)?;
            }
            for contact in &changes.contacts {
                self.write_contact(org, contact, now)?;
            }
            for call in &changes.erased {
                self.erase(org, call)?;
            }
            for alarm in &changes.alarms {
                self.raise(org, alarm)?;
            }
            all.extend(changes.recorded);
        }
        Ok(in_order(all))
    }

    fn region(&mut self, org: DbUuid) -> QueryResult<Option<Region>> {
        let own = organizations::table.filter(organizations::id.eq(org));
        let region = own.select(organizations::region).first::<String>(self.conn).optional()?;
        Ok(region.and_then(|region| region.parse().ok()))
    }

    /// Writes what needs no look, and looks at the rest.
    fn look(&mut self, org: DbUuid, group: &Group<'_>) -> QueryResult<Found> {
        let now = group.now();
        let mut found = Found::default();
        for delivery in group.deliveries() {
            found.deliveries.push(self.add_delivery(org, &delivery)?);
        }
        for (call, is_pinned) in group.other_calls() {
            if is_pinned {
                self.pin(org, call, now)?;
            }
            if self.is_erased(org, call)? {
                found.erased.insert(call.to_owned());
            }
        }
        for call in group.ledger_calls() {
            let row = self.find_or_make_call(org, call, now)?;
            if row.is_erased() {
                found.erased.insert(call.to_owned());
            }
            found.calls.push(row);
        }
        for call in group.reported_calls() {
            found.reports.extend(self.find_report(org, call)?);
        }
        for (phone, call) in group.phones() {
            let is_known = found.contacts.last().is_some_and(|known| known.phone.as_deref() == Some(phone));
            if !is_known && !call.is_some_and(|call| found.erased.contains(call)) {
                found.contacts.push(self.find_or_make_contact(org, phone, now)?);
            }
        }
        found.contested = self.contested(org, group)?;
        Ok(found)
    }

    /// Stores a message and counts its deliveries. An erased body stays erased.
    fn add_delivery(&mut self, org: DbUuid, delivery: &Delivery<'_>) -> QueryResult<i32> {
        let Delivery { first: Record { event: first, .. }, fullest, count } = delivery;
        let insert = diesel::insert_into(webhook_events::table)
            .values((
                webhook_events::organization_id.eq(org),
                webhook_events::id.eq(DbUuid(new_id(first.received_at))),
                webhook_events::kind.eq(&first.kind),
                webhook_events::vapi_call_id.eq(first.vapi_call_id.as_deref()),
                webhook_events::dedupe_key.eq(&first.dedupe_key),
                webhook_events::verdict.eq(first.verdict.as_str()),
                webhook_events::trace.eq(&first.trace),
                webhook_events::body.eq(&fullest.body),
                webhook_events::body_bytes.eq(fullest.body_bytes),
                webhook_events::request_id.eq(&first.request_id),
                webhook_events::received_at.eq(DbTime(first.received_at)),
                webhook_events::deliveries.eq(count),
            ))
            .on_conflict((webhook_events::organization_id, webhook_events::dedupe_key))
            .do_update()
            .set(
                webhook_events::deliveries
                    .eq(webhook_events::deliveries + excluded(webhook_events::deliveries)),
            )
            .returning(webhook_events::deliveries);
        let deliveries = kept!(insert).get_result::<i32>(self.conn)?;
        if deliveries != *count {
            let poorer = webhook_events::table
                .filter(webhook_events::organization_id.eq(org))
                .filter(webhook_events::dedupe_key.eq(&first.dedupe_key))
                .filter(webhook_events::body_bytes.gt(0))
                .filter(webhook_events::body_bytes.lt(fullest.body_bytes));
            diesel::update(poorer)
                .set((
                    webhook_events::body.eq(&fullest.body),
                    webhook_events::body_bytes.eq(fullest.body_bytes),
                ))
                .execute(self.conn)?;
        }
        Ok(deliveries)
    }

    fn is_erased(&mut self, org: DbUuid, call: &str) -> QueryResult<bool> {
        diesel::select(diesel::dsl::exists(own_pin(org, call).filter(call_pins::is_erased)))
            .get_result(self.conn)
    }

    /// Erases what was said in a call. Its rows stay, and the kinds and times of its messages.
    fn erase(&mut self, org: DbUuid, call: &str) -> QueryResult<()> {
        diesel::update(own_pin(org, call)).set(call_pins::is_erased.eq(true)).execute(self.conn)?;
        let report = call_reports::table
            .filter(call_reports::organization_id.eq(org))
            .filter(call_reports::vapi_call_id.eq(call));
        diesel::delete(report).execute(self.conn)?;
        let messages = webhook_events::table
            .filter(webhook_events::organization_id.eq(org))
            .filter(webhook_events::vapi_call_id.eq(call))
            .filter(webhook_events::body_bytes.gt(0).or(webhook_events::answer.is_not_null()));
        diesel::update(messages)
            .set((
                webhook_events::body.eq(pack(b"")),
                webhook_events::body_bytes.eq(0),
                webhook_events::answer.eq(None::<DbJson>),
            ))
            .execute(self.conn)
            .map(|_| ())
    }

    /// Pins a call that has no row in the ledger.
    fn pin(&mut self, org: DbUuid, call: &str, now: DateTime<Utc>) -> QueryResult<()> {
        diesel::insert_into(call_pins::table)
            .values((
                call_pins::organization_id.eq(org),
                call_pins::vapi_call_id.eq(call),
                call_pins::created_at.eq(DbTime(now)),
            ))
            .on_conflict_do_nothing()
            .execute(self.conn)
            .map(|_| ())
    }

    fn find_or_make_call(&mut self, org: DbUuid, call: &str, now: DateTime<Utc>) -> QueryResult<Call> {
        let known = call_logs::table
            .filter(call_logs::organization_id.eq(org))
            .filter(call_logs::vapi_call_id.eq(call))
            .select(CallRow::as_select())
            .first(self.conn)
            .optional()?;
        if let Some(row) = known {
            return Ok(row.read(org, self.sealer));
        }
        diesel::insert_into(call_logs::table)
            .values((
                call_logs::organization_id.eq(org),
                call_logs::vapi_call_id.eq(call),
                call_logs::created_at.eq(DbTime(now)),
            ))
            .execute(self.conn)?;
        Ok(Call::new(call.to_owned(), now))
    }

    fn find_or_make_contact(&mut self, org: DbUuid, phone: &str, now: DateTime<Utc>) -> QueryResult<Contact> {
        let known = contacts::table
            .filter(contacts::organization_id.eq(org))
            .filter(contacts::phone.eq(phone))
            .select(Contact::as_select())
            .first(self.conn)
            .optional()?;
        match known {
            Some(contact) => Ok(contact),
            None => diesel::insert_into(contacts::table)
                .values((
                    contacts::organization_id.eq(org),
                    contacts::id.eq(DbUuid(new_id(now))),
                    contacts::phone.eq(phone),
                    contacts::created_at.eq(DbTime(now)),
                    contacts::updated_at.eq(DbTime(now)),
                ))
                .returning(Contact::as_returning())
                .get_result(self.conn),
        }
    }

    /// The calls of the group that other organizations have pinned too.
    fn contested(&mut self, org: DbUuid, group: &Group<'_>) -> QueryResult<HashSet<String>> {
        let mut contested = HashSet::new();
        for call in group.calls() {
            let others = call_pins::table
                .filter(call_pins::vapi_call_id.eq(call))
                .filter(call_pins::organization_id.ne(org));
            if diesel::select(diesel::dsl::exists(others)).get_result::<bool>(self.conn)? {
                contested.insert(call.to_owned());
            }
        }
        Ok(contested)
    }

    fn find_report(&mut self, org: DbUuid, call: &str) -> QueryResult<Option<CallReport>> {
        let own = call_reports::table
            .filter(call_reports::organization_id.eq(org))
            .filter(call_reports::vapi_call_id.eq(call));
        let row = own.select(ReportRow::as_select()).first(self.conn).optional()?;
        Ok(row.map(CallReport::from))
    }

    fn write_call(&mut self, org: DbUuid, call: Call) -> Result<(), StorageError> {
        let row = CallRow::of(call, org, self.sealer)?;
        let own = call_logs::table
            .filter(call_logs::organization_id.eq(org))
            .filter(call_logs::vapi_call_id.eq(row.vapi_call_id.clone()));
        kept!(diesel::update(own).set(row)).execute(self.conn)?;
        Ok(())
    }

    fn write_report(&mut self, org: DbUuid, report: CallReport) -> QueryResult<()> {
        let row = ReportRow::from(report);
        let insert = diesel::insert_into(call_reports::table)
            .values((call_reports::organization_id.eq(org), &row))
            .on_conflict((call_reports::organization_id, call_reports::vapi_call_id))
            .do_update()
            .set(&row);
        kept!(insert).execute(self.conn).map(|_| ())
    }

    fn write_contact(&mut self, org: DbUuid, contact: &Contact, now: DateTime<Utc>) -> QueryResult<()> {
        let own = contacts::table
            .filter(contacts::organization_id.eq(org))
            .filter(contacts::id.eq(DbUuid(contact.id.0)));
        let update = diesel::update(own).set((
            contacts::name.eq(&contact.name),
            contacts::email.eq(contact.email.as_deref()),
            contacts::last_call_at.eq(contact.last_call_at.map(DbTime)),
            contacts::updated_at.eq(DbTime(now)),
        ));
        kept!(update).execute(self.conn).map(|_| ())
    }

    /// Tells the organization of a call that another one has pinned.
    fn raise(&mut self, org: DbUuid, alarm: &Alarm<'_>) -> QueryResult<()> {
        let Alarm { event, detail } = alarm;
        diesel::insert_into(security_log::table)
            .values((
                security_log::organization_id.eq(org),
                security_log::id.eq(DbUuid(new_id(event.received_at))),
                security_log::event.eq(PIN_AGAINST_MAPPING),
                security_log::detail.eq(DbJson(clean_json((*detail).clone()))),
                security_log::vapi_call_id.eq(event.vapi_call_id.as_deref()),
                security_log::request_id.eq(&event.request_id),
                security_log::created_at.eq(DbTime(event.received_at)),
            ))
            .execute(self.conn)
            .map(|_| ())
    }
}

/// The pin of an organization's call.
#[diesel::dsl::auto_type(no_type_alias)]
fn own_pin<'a>(org: DbUuid, call: &'a str) -> _ {
    call_pins::table.filter(call_pins::organization_id.eq(org)).filter(call_pins::vapi_call_id.eq(call))
}
