//! Carrying out a plan, one change after the other. Each change has its line in the audit log.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel_async::RunQueryDsl;
use manifest::{Action, Change, Organization, Plan, Section, opening_hours_value};
use org_resolver::OrgId;
use scheduling::OpeningHours;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::operator::Operator;
use crate::error::StorageError;
use crate::operator::OperatorStore;
use crate::operator::rows::Rows;
use crate::operator::stored::{Stored, limits_value};
use crate::recipe;
use crate::schema::{
    closures, credentials, knowledge_documents, opening_hours, organizations, resources, services,
    transfer_destinations,
};
use crate::seal::Purpose;
use crate::sql_types::{DbJson, DbTextList, DbTime, DbUuid};
use crate::text::{clean, clean_json, clean_option};

/// Writes one row: the one with this id where there is one, else a new one.
macro_rules! put {
    ($operator:expr, $table:ident, $org:expr, $row:expr, $new_id:expr, $values:expr) => {{
        let (org, row, values) = ($org, $row, $values);
        let conn = $operator.tx.conn()?;
        let written = match row {
            Some(id) => {
                let own = $table::table.filter($table::organization_id.eq(org)).filter($table::id.eq(id));
                diesel::update(own).set(values).execute(conn).await
            }
            None => {
                let new = ($table::organization_id.eq(org), $table::id.eq(DbUuid($new_id)), values);
                diesel::insert_into($table::table).values(new).execute(conn).await
            }
        };
        $operator.one_row(stringify!($table), written)?
    }};
}
pub(super) use put;

/// Takes rows away.
macro_rules! remove {
    ($operator:expr, $table:ident, $org:expr, $($condition:expr)?) => {{
        let own = $table::table.filter($table::organization_id.eq($org))$(.filter($condition))?;
        let removed = diesel::delete(own).execute($operator.tx.conn()?).await;
        $operator.tx.check(removed)?
    }};
}
pub(super) use remove;

/// An organization in the making: its rows as they were, and what the file wants of it.
pub(super) struct Work<'a> {
    pub(super) org: DbUuid,
    pub(super) stored: Option<Stored>,
    pub(super) wanted: Option<&'a Organization>,
    /// For each wanted number the index of the stored one.
    pub(super) numbers: Vec<Option<usize>>,
}

impl Work<'_> {
    pub(super) fn rows(&self) -> Option<&Rows> {
        self.stored.as_ref().map(|stored| &stored.rows)
    }
}

impl Operator {
    pub(super) async fn carry_out(
        &mut self,
        plan: &Plan,
        wanted: &[Organization],
    ) -> Result<(), StorageError> {
        let mut work = self.gather(plan, wanted).await?;
        // What one organization gives up another may take. A new organization comes before its parts, and its own
        // fields before its numbers, because sorting keeps the plan's order.
        let mut changes: Vec<&Change> = plan.changes.iter().collect();
        changes.sort_by_key(|change| match change.action {
            Action::Remove => 0,
            Action::Update => 1,
            Action::Create => 2,
        });
        for change in changes {
            let Some(work) = work.get_mut(&change.organization_id) else { continue };
            self.change(change, work).await?;
            self.note(change).await?;
        }
        Ok(())
    }

    /// The rows of every organization that changes.
    async fn gather<'a>(
        &mut self,
        plan: &Plan,
        wanted: &'a [Organization],
    ) -> Result<HashMap<Uuid, Work<'a>>, StorageError> {
        let wanted: HashMap<&str, &Organization> =
            wanted.iter().map(|wanted| (wanted.slug.as_str(), wanted)).collect();
        let mut ids: Vec<Uuid> = plan.changes.iter().map(|change| change.organization_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let stored = self.load(Some(&ids)).await?;
        let mut stored: HashMap<Uuid, Stored> =
            stored.into_iter().map(|stored| (stored.organization.id, stored)).collect();
        let mut work = HashMap::new();
        for change in &plan.changes {
            let id = change.organization_id;
            work.entry(id).or_insert_with(|| {
                let stored = stored.remove(&id);
                let is_going = change.section == Section::Organization && change.action == Action::Remove;
                let wanted = wanted.get(change.organization.as_str()).copied().filter(|_| !is_going);
                let numbers = wanted.map_or_else(Vec::new, |wanted| {
                    let known = stored.as_ref().map_or(&[][..], |stored| &stored.organization.phone_numbers);
                    manifest::pair_phone_numbers(known, &wanted.phone_numbers)
                });
                Work { org: DbUuid(id), stored, wanted, numbers }
            });
        }
        Ok(work)
    }

    async fn change(&mut self, change: &Change, work: &mut Work<'_>) -> Result<(), StorageError> {
        match (change.section, change.action) {
            (Section::Organization, Action::Remove) => {
                let gone = organizations::table.filter(organizations::id.eq(work.org));
                let removed = diesel::delete(gone).execute(self.tx.conn()?).await;
                self.tx.check(removed).map(|_| ())
            }
            (Section::Organization, _) => self.put_organization(work).await,
            (Section::Assistants, Action::Remove) => self.remove_assistant(&change.subject, work).await,
            (Section::Assistants, _) => self.put_assistant(&change.subject, work).await,
            (Section::Squads, Action::Remove) => self.remove_squad(&change.subject, work).await,
            (Section::Squads, _) => self.put_squad(&change.subject, work).await,
            (Section::PhoneNumbers, Action::Remove) => self.remove_number(&change.subject, work).await,
            (Section::PhoneNumbers, _) => self.put_number(&change.subject, work).await,
            (Section::OpeningHours, action) => {
                remove!(self, opening_hours, work.org,);
                let hours = work.wanted.and_then(|wanted| wanted.opening_hours.as_ref());
                match hours.filter(|_| action != Action::Remove) {
                    Some(hours) => self.put_hours(work.org, hours).await,
                    None => Ok(()),
                }
            }
            (_, Action::Remove) => self.remove_entry(change, work.org).await,
            (Section::Credentials, _) => self.put_credential(&change.subject, work).await,
            (Section::Services, _) => self.put_service(&change.subject, work).await,
            (Section::Resources, _) => self.put_resource(&change.subject, work).await,
            (Section::Closures, _) => self.put_closure(&change.subject, work).await,
            (Section::Transfers, _) => self.put_transfer(&change.subject, work).await,
            (Section::Knowledge, _) => self.put_knowledge(&change.subject, work).await,
        }
    }

    async fn note(&mut self, change: &Change) -> Result<(), StorageError> {
        let verb = match change.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Remove => "remove",
        };
        let mut detail = Map::new();
        detail.insert("organization_id".to_owned(), json!(change.organization_id));
        detail.insert("detail".to_owned(), json!(change.detail));
        let action = format!("{verb} {}", change.section.singular());
        self.audit(&action, &format!("{} {}", change.organization, change.subject), detail).await
    }

    async fn put_organization(&mut self, work: &Work<'_>) -> Result<(), StorageError> {
        let wanted = work.wanted.ok_or_else(foreign)?;
        let values = (
            organizations::slug.eq(&wanted.slug),
            organizations::name.eq(clean(&wanted.name)),
            organizations::timezone.eq(wanted.timezone.name()),
            organizations::region.eq(wanted.region.code()),
            organizations::primary_language.eq(&wanted.primary_language),
            organizations::secondary_languages.eq(DbTextList(wanted.secondary_languages.clone())),
            organizations::vapi_org_id.eq(clean_option(wanted.vapi_org_id.as_deref())),
            organizations::settings.eq(DbJson(clean_json(Value::Object(wanted.settings.clone())))),
            organizations::limits.eq(DbJson(limits_value(&wanted.limits))),
            organizations::is_active.eq(wanted.active),
        );
        let conn = self.tx.conn()?;
        let written = if work.stored.is_some() {
            let own = organizations::table.filter(organizations::id.eq(work.org));
            diesel::update(own).set(values).execute(conn).await
        } else {
            let new = (organizations::id.eq(work.org), values);
            diesel::insert_into(organizations::table).values(new).execute(conn).await
        };
        self.one_row("organizations", written)
    }

    async fn put_credential(&mut self, label: &str, work: &Work<'_>) -> Result<(), StorageError> {
        let spec = find(work, |wanted| wanted.credentials.iter().find(|spec| spec.label == label))?;
        let row = work.rows().and_then(|rows| rows.credentials.iter().find(|row| row.label == label));
        let row = row.map(|row| row.id);
        let id = row.map_or_else(Uuid::new_v4, |id| id.0);
        let recipe = recipe::encode(&spec.scheme).map_err(StorageError::rejected)?;
        let values = (
            credentials::label.eq(clean(&spec.label)),
            credentials::recipe.eq(DbJson(recipe)),
            credentials::not_before.eq(spec.not_before.map(DbTime)),
            credentials::not_after.eq(spec.not_after.map(DbTime)),
        );
        match (&spec.secret, row) {
            (Some(secret), row) => {
                let org = OrgId::new(work.org.0);
                let sealed = self.sealer.seal(org, Purpose::Credential(id), secret.expose())?;
                let sealed = (
                    credentials::sealed_secret.eq(sealed.bytes),
                    credentials::sealing_key_id.eq(sealed.key_id),
                );
                put!(self, credentials, work.org, row, id, (values, sealed));
            }
            (None, Some(row)) => {
                let own = credentials::table
                    .filter(credentials::organization_id.eq(work.org))
                    .filter(credentials::id.eq(row));
                let written = diesel::update(own).set(values).execute(self.tx.conn()?).await;
                self.one_row("credentials", written)?;
            }
            (None, None) => {
                let reason = format!("credential {label:?} has no secret, and none is stored for it");
                return Err(StorageError::Conflict { reason });
            }
        }
        Ok(())
    }

    async fn put_service(&mut self, name: &str, work: &Work<'_>) -> Result<(), StorageError> {
        let service = find(work, |wanted| wanted.services.iter().find(|service| service.name == name))?;
        let row = work.rows().and_then(|rows| named(&rows.services, name, |row| &row.name));
        let values = (
            services::name.eq(clean(&service.name)),
            services::minutes.eq(i32::from(service.minutes)),
            services::buffer_minutes.eq(i32::from(service.buffer_minutes)),
        );
        put!(self, services, work.org, row.map(|row| row.id), Uuid::new_v4(), values);
        Ok(())
    }

    async fn put_resource(&mut self, name: &str, work: &Work<'_>) -> Result<(), StorageError> {
        let resource = find(work, |wanted| wanted.resources.iter().find(|resource| resource.name == name))?;
        let row = work.rows().and_then(|rows| named(&rows.resources, name, |row| &row.name));
        // The file's id is made from the name, so that a resource that comes back meets its appointments again; a row
        // that was renamed by hand may still have it.
        let is_taken = |id| work.rows().is_some_and(|rows| rows.resources.iter().any(|row| row.id.0 == id));
        let id = if is_taken(resource.id) { Uuid::new_v4() } else { resource.id };
        let values =
            (resources::name.eq(clean(&resource.name)), resources::capacity.eq(i32::from(resource.capacity)));
        put!(self, resources, work.org, row.map(|row| row.id), id, values);
        Ok(())
    }

    async fn put_hours(&mut self, org: DbUuid, hours: &OpeningHours) -> Result<(), StorageError> {
        for (day, range) in hours.rows() {
            let range = range.to_string();
            let (opens, closes) = range.split_once('-').unwrap_or_default();
            let values = (
                opening_hours::weekday.eq(i16::try_from(day.number_from_monday()).unwrap_or_default()),
                opening_hours::opens.eq(opens),
                opening_hours::closes.eq(closes),
            );
            put!(self, opening_hours, org, None::<DbUuid>, Uuid::new_v4(), values);
        }
        Ok(())
    }

    async fn put_closure(&mut self, subject: &str, work: &Work<'_>) -> Result<(), StorageError> {
        let (from, to) = days(subject);
        let closure = find(work, |wanted| {
            let is_it = |closure: &&scheduling::Closure| {
                closure.from.to_string() == from && closure.to.to_string() == to
            };
            wanted.closures.iter().find(is_it)
        })?;
        let row = work
            .rows()
            .and_then(|rows| rows.closures.iter().find(|row| row.from_date == from && row.to_date == to));
        let values = (
            closures::from_date.eq(from),
            closures::to_date.eq(to),
            closures::reason.eq(clean_option(closure.reason.as_deref())),
        );
        put!(self, closures, work.org, row.map(|row| row.id), Uuid::new_v4(), values);
        Ok(())
    }

    async fn put_transfer(&mut self, department: &str, work: &Work<'_>) -> Result<(), StorageError> {
        let transfer =
            find(work, |wanted| wanted.transfers.iter().find(|transfer| transfer.department == department))?;
        let row = work.rows().and_then(|rows| named(&rows.transfers, department, |row| &row.department));
        let values = (
            transfer_destinations::department.eq(clean(&transfer.department)),
            transfer_destinations::number.eq(clean_option(transfer.number.as_deref())),
            transfer_destinations::sip_uri.eq(clean_option(transfer.sip_uri.as_deref())),
            transfer_destinations::opening_hours
                .eq(transfer.opening_hours.as_ref().map(|hours| DbJson(opening_hours_value(hours)))),
        );
        put!(self, transfer_destinations, work.org, row.map(|row| row.id), Uuid::new_v4(), values);
        Ok(())
    }

    async fn put_knowledge(&mut self, path: &str, work: &Work<'_>) -> Result<(), StorageError> {
        let file = find(work, |wanted| wanted.knowledge.iter().find(|file| file.path == path))?;
        let row = work.rows().and_then(|rows| rows.knowledge.iter().find(|row| row.path == path));
        let values = (
            knowledge_documents::path.eq(clean(&file.path)),
            knowledge_documents::title.eq(clean(&file.title)),
            knowledge_documents::content.eq(clean(&file.content)),
        );
        put!(self, knowledge_documents, work.org, row.map(|row| row.id), Uuid::new_v4(), values);
        Ok(())
    }

    /// Removes what is one row, by its key as it is stored.
    async fn remove_entry(&mut self, change: &Change, org: DbUuid) -> Result<(), StorageError> {
        let key = change.subject.as_str();
        match change.section {
            Section::Credentials => remove!(self, credentials, org, credentials::label.eq(key)),
            Section::Services => remove!(self, services, org, services::name.eq(key)),
            Section::Resources => remove!(self, resources, org, resources::name.eq(key)),
            Section::Transfers => {
                remove!(self, transfer_destinations, org, transfer_destinations::department.eq(key))
            }
            Section::Knowledge => remove!(self, knowledge_documents, org, knowledge_documents::path.eq(key)),
            Section::Closures => {
                let (from, to) = days(key);
                let same_days = closures::from_date.eq(from).and(closures::to_date.eq(to));
                remove!(self, closures, org, same_days)
            }
            Section::Organization
            | Section::Assistants
            | Section::Squads
            | Section::PhoneNumbers
            | Section::OpeningHours => 0,
        };
        Ok(())
    }

    /// Exactly one row was to be written; a row that somebody took away meanwhile is not passed over.
    pub(super) fn one_row(
        &mut self,
        table: &'static str,
        written: QueryResult<usize>,
    ) -> Result<(), StorageError> {
        match self.tx.check(written)? {
            1 => Ok(()),
            _ => Err(StorageError::Conflict { reason: format!("a row of {table} is gone: plan again") }),
        }
    }
}

/// What the file wants under a change's key.
pub(super) fn find<'a, T>(
    work: &Work<'a>,
    entry: impl FnOnce(&'a Organization) -> Option<&'a T>,
) -> Result<&'a T, StorageError> {
    work.wanted.and_then(entry).ok_or_else(foreign)
}

pub(super) fn foreign() -> StorageError {
    StorageError::rejected("the plan was made for other organizations")
}

/// The row of a name: as it is written, else whatever its case.
fn named<'a, T>(rows: &'a [T], name: &str, of: impl Fn(&T) -> &str) -> Option<&'a T> {
    let lower = name.trim().to_lowercase();
    let exact = rows.iter().find(|row| of(row) == name);
    exact.or_else(|| rows.iter().find(|row| of(row).trim().to_lowercase() == lower))
}

/// The first and the last day of a closure's key, `2026-12-24..2026-12-26` or one day alone.
fn days(subject: &str) -> (&str, &str) {
    subject.split_once("..").unwrap_or((subject, subject))
}
