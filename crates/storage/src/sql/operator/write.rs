//! Changing one entry of an organization, by the rows that say it.

use diesel::prelude::*;
use org_resolver::OrgId;
use scheduling::{Closure, OpeningHours, Resource, Service};
use serde_json::Value;
use signature::SecretKey;
use tenant::{CredentialSpec, Document, Entry, Organization, Transfer, hours_to_value};
use uuid::Uuid;

use super::session::Operator;
use super::work::{Work, one_row, put, remove};
use crate::error::StorageError;
use crate::recipe;
use crate::rows::SecretRow;
use crate::schema::{
    closures, credentials, knowledge_documents, opening_hours, organizations, resources, services,
    transfer_destinations,
};
use crate::seal::Purpose;
use crate::sql_types::{DbJson, DbTextList, DbUuid};
use crate::stored;
use crate::text::{clean, clean_json, clean_option};

impl Operator {
    /// Makes of the stored entry the wanted one. Both are of one kind.
    pub(super) async fn write(
        &mut self,
        work: &mut Work<'_>,
        stored: Option<&Entry>,
        wanted: Option<&Entry>,
    ) -> Result<(), StorageError> {
        let Some(wanted) = wanted else {
            return match stored {
                Some(gone) => self.remove_entry(gone, work).await,
                None => Ok(()),
            };
        };
        match (stored, wanted) {
            (_, Entry::Organization(wanted)) => self.put_organization(wanted, work).await,
            (_, Entry::Assistant(wanted)) => self.put_assistant(wanted, work).await,
            (_, Entry::Squad(wanted)) => self.put_squad(wanted, work).await,
            (Some(Entry::PhoneNumber(stored)), Entry::PhoneNumber(wanted)) => {
                self.put_number(Some(stored), wanted, work).await
            }
            (_, Entry::PhoneNumber(wanted)) => self.put_number(None, wanted, work).await,
            (_, Entry::Credential(wanted)) => self.put_credential(wanted, work).await,
            (_, Entry::Service(wanted)) => self.put_service(wanted, work).await,
            (_, Entry::Resource(wanted)) => self.put_resource(wanted, work).await,
            (_, Entry::OpeningHours(wanted)) => self.put_hours(wanted, work).await,
            (_, Entry::Closure(wanted)) => self.put_closure(wanted, work).await,
            (_, Entry::Transfer(wanted)) => self.put_transfer(wanted, work).await,
            (_, Entry::Document(wanted)) => self.put_document(wanted, work).await,
        }
    }

    /// Takes away the rows that say the entry.
    async fn remove_entry(&mut self, gone: &Entry, work: &mut Work<'_>) -> Result<(), StorageError> {
        let org = work.org;
        match gone {
            Entry::Organization(_) => {
                let own = organizations::table.filter(organizations::id.eq(org));
                self.tx.execute(diesel::delete(own)).await.map(|_| ())
            }
            Entry::Assistant(assistant) => self.remove_assistant(&assistant.id, work).await,
            Entry::Squad(id) => self.remove_squad(id, work).await,
            Entry::PhoneNumber(number) => self.remove_number(number, work).await,
            Entry::Credential(gone) => remove!(self, credentials, org, credentials::label.eq(&gone.label)),
            Entry::Service(gone) => remove!(self, services, org, services::name.eq(&gone.name)),
            Entry::Resource(gone) => remove!(self, resources, org, resources::name.eq(&gone.name)),
            Entry::OpeningHours(_) => remove!(self, opening_hours, org,),
            Entry::Closure(Closure { from, to, .. }) => {
                let from = closures::from_date.eq(from.to_string());
                remove!(self, closures, org, from.and(closures::to_date.eq(to.to_string())))
            }
            Entry::Transfer(gone) => {
                let own = transfer_destinations::department.eq(&gone.department);
                remove!(self, transfer_destinations, org, own)
            }
            Entry::Document(gone) => {
                remove!(self, knowledge_documents, org, knowledge_documents::path.eq(&gone.path))
            }
        }
    }

    async fn put_organization(&mut self, wanted: &Organization, work: &Work<'_>) -> Result<(), StorageError> {
        let profile = &wanted.profile;
        let limits = serde_json::to_value(wanted.limits).map_err(StorageError::rejected)?;
        let retention = serde_json::to_value(wanted.retention).map_err(StorageError::rejected)?;
        let values = (
            organizations::slug.eq(Some(&wanted.slug)),
            organizations::name.eq(clean(&profile.name)),
            organizations::timezone.eq(profile.timezone.name()),
            organizations::region.eq(profile.region.code()),
            organizations::primary_language.eq(&profile.primary_language),
            organizations::secondary_languages.eq(DbTextList(profile.secondary_languages.clone())),
            organizations::vapi_org_id.eq(clean_option(wanted.vapi_org_id.as_deref())),
            organizations::settings.eq(DbJson(clean_json(Value::Object(profile.settings.document())))),
            organizations::limits.eq(DbJson(limits)),
            organizations::retention.eq(DbJson(retention)),
            organizations::is_active.eq(wanted.active),
        );
        let written = if work.stored.is_some() {
            let own = organizations::table.filter(organizations::id.eq(work.org));
            self.tx.execute(diesel::update(own).set(values)).await
        } else {
            let new = (organizations::id.eq(work.org), values);
            self.tx.execute(diesel::insert_into(organizations::table).values(new)).await
        };
        one_row("organizations", written)
    }

    async fn put_credential(&mut self, spec: &CredentialSpec, work: &Work<'_>) -> Result<(), StorageError> {
        let label = &spec.label;
        let row = work.rows().and_then(|rows| rows.credentials.iter().find(|row| row.label == *label));
        let id = row.map_or_else(Uuid::new_v4, |row| row.id);
        let recipe = recipe::encode(&spec.scheme).map_err(StorageError::rejected)?;
        let values = (
            credentials::label.eq(clean(label)),
            credentials::recipe.eq(DbJson(recipe)),
            credentials::not_before.eq(spec.not_before),
            credentials::not_after.eq(spec.not_after),
        );
        let stored = row.and_then(|row| self.stored_secret(row));
        let Some(secret) = spec.secret.as_ref().or(stored.as_ref()) else {
            let reason = match row {
                Some(_) => format!(
                    "the secret of credential {label:?} does not open with the recipe and the validity that stand beside it: \
                     give it anew"
                ),
                None => format!("credential {label:?} has no secret, and none is stored for it"),
            };
            return Err(StorageError::Conflict { reason });
        };
        let terms = recipe::terms(&spec.scheme, spec.not_before, spec.not_after);
        let terms = terms.map_err(StorageError::rejected)?;
        // Sealed anew with every change: the terms are a part of the seal.
        let purpose = Purpose::Credential(id, &terms);
        let sealed = self.sealer.seal(OrgId::new(work.org.0), purpose, secret.expose())?;
        let sealed =
            (credentials::sealed_secret.eq(sealed.bytes), credentials::sealing_key_id.eq(sealed.key_id));
        put!(self, credentials, work.org, row.map(|row| row.id), id, (values, sealed))
    }

    fn stored_secret(&self, row: &SecretRow) -> Option<SecretKey> {
        let scheme = recipe::decode(&row.recipe).ok()?;
        stored::secret(row, &scheme, &self.sealer).ok()
    }

    async fn put_service(&mut self, service: &Service, work: &Work<'_>) -> Result<(), StorageError> {
        let row = work.rows().and_then(|rows| named(&rows.services, &service.name, |row| &row.name));
        let values = (
            services::name.eq(clean(&service.name)),
            services::minutes.eq(i32::from(service.minutes)),
            services::buffer_minutes.eq(i32::from(service.buffer_minutes)),
        );
        put!(self, services, work.org, row.map(|row| row.id), Uuid::new_v4(), values)
    }

    async fn put_resource(&mut self, resource: &Resource, work: &Work<'_>) -> Result<(), StorageError> {
        let row = work.rows().and_then(|rows| named(&rows.resources, &resource.name, |row| &row.name));
        // The file's id is made from the name, so that a resource that comes back meets its appointments again; a row
        // that was renamed by hand may still have it.
        let is_taken = |id| work.rows().is_some_and(|rows| rows.resources.iter().any(|row| row.id == id));
        let id = if is_taken(resource.id) { Uuid::new_v4() } else { resource.id };
        let values =
            (resources::name.eq(clean(&resource.name)), resources::capacity.eq(i32::from(resource.capacity)));
        put!(self, resources, work.org, row.map(|row| row.id), id, values)
    }

    async fn put_hours(&mut self, hours: &OpeningHours, work: &Work<'_>) -> Result<(), StorageError> {
        remove!(self, opening_hours, work.org,)?;
        for (day, range) in hours.rows() {
            let range = range.to_string();
            let (opens, closes) = range.split_once('-').unwrap_or_default();
            let values = (
                opening_hours::weekday.eq(i16::try_from(day.number_from_monday()).unwrap_or_default()),
                opening_hours::opens.eq(opens),
                opening_hours::closes.eq(closes),
            );
            put!(self, opening_hours, work.org, None::<Uuid>, Uuid::new_v4(), values)?;
        }
        Ok(())
    }

    async fn put_closure(&mut self, closure: &Closure, work: &Work<'_>) -> Result<(), StorageError> {
        let (from, to) = (closure.from.to_string(), closure.to.to_string());
        let row = work
            .rows()
            .and_then(|rows| rows.closures.iter().find(|row| row.from_date == from && row.to_date == to));
        let row = row.map(|row| row.id);
        let values = (
            closures::from_date.eq(from),
            closures::to_date.eq(to),
            closures::reason.eq(clean_option(closure.reason.as_deref())),
        );
        put!(self, closures, work.org, row, Uuid::new_v4(), values)
    }

    async fn put_transfer(&mut self, transfer: &Transfer, work: &Work<'_>) -> Result<(), StorageError> {
        let row =
            work.rows().and_then(|rows| named(&rows.transfers, &transfer.department, |row| &row.department));
        let values = (
            transfer_destinations::department.eq(clean(&transfer.department)),
            transfer_destinations::number.eq(clean_option(transfer.number.as_deref())),
            transfer_destinations::sip_uri.eq(clean_option(transfer.sip_uri.as_deref())),
            transfer_destinations::opening_hours.eq(transfer.opening_hours.as_ref().map(hours_to_value)),
        );
        put!(self, transfer_destinations, work.org, row.map(|row| row.id), Uuid::new_v4(), values)
    }

    async fn put_document(&mut self, file: &Document, work: &Work<'_>) -> Result<(), StorageError> {
        let row = work.rows().and_then(|rows| rows.knowledge.iter().find(|row| row.path == file.path));
        let values = (
            knowledge_documents::path.eq(clean(&file.path)),
            knowledge_documents::title.eq(clean(&file.title)),
            knowledge_documents::content.eq(clean(&file.content)),
        );
        put!(self, knowledge_documents, work.org, row.map(|row| row.id), Uuid::new_v4(), values)
    }
}

/// The row of a name: as it is written, else whatever its case.
fn named<'a, T>(rows: &'a [T], name: &str, of: impl Fn(&T) -> &str) -> Option<&'a T> {
    let lower = name.trim().to_lowercase();
    let exact = rows.iter().find(|row| of(row) == name);
    exact.or_else(|| rows.iter().find(|row| of(row).trim().to_lowercase() == lower))
}
