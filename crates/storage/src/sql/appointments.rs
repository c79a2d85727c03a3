//! The appointments.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use scheduling::Busy;

use super::dialect;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{Appointment, AppointmentId, Appointments, ContactId, NewAppointment};
use crate::schema::appointments;
use crate::sql_types::{DbTime, DbUuid};
use crate::text::{clean, clean_option, new_id};

const BOOKED: &str = "booked";

#[derive(Queryable, Selectable)]
#[diesel(table_name = appointments)]
struct AppointmentRow {
    id: DbUuid,
    contact_id: Option<DbUuid>,
    service: Option<String>,
    resource_id: DbUuid,
    seat: i16,
    starts_at: DbTime,
    ends_at: DbTime,
    status: String,
    patient_name: String,
    patient_phone: Option<String>,
    patient_email: Option<String>,
}

#[async_trait]
impl Appointments for Scope {
    async fn insert(
        &mut self,
        appointment: &NewAppointment<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<AppointmentId>, StorageError> {
        let id = AppointmentId(new_id(now));
        // The exclusion constraint is a conflict like any other here: the statement waits for a scope elsewhere that
        // books the same place, and then does nothing. The transaction stays whole.
        let inserted = diesel::insert_into(appointments::table)
            .values((
                appointments::organization_id.eq(self.org),
                appointments::id.eq(DbUuid(id.0)),
                appointments::contact_id.eq(appointment.contact_id.map(|id| DbUuid(id.0))),
                appointments::service.eq(clean_option(appointment.service)),
                appointments::resource_id.eq(DbUuid(appointment.resource_id)),
                appointments::seat.eq(appointment.seat),
                appointments::starts_at.eq(DbTime(appointment.starts_at)),
                appointments::ends_at.eq(DbTime(appointment.ends_at)),
                appointments::blocked_until.eq(DbTime(appointment.blocked_until)),
                appointments::patient_name.eq(clean(appointment.patient_name)),
                appointments::patient_phone.eq(clean_option(appointment.patient_phone)),
                appointments::patient_email.eq(clean_option(appointment.patient_email)),
                appointments::vapi_call_id.eq(clean_option(appointment.vapi_call_id)),
                appointments::tool_call_id.eq(clean_option(appointment.tool_call_id)),
                appointments::created_at.eq(DbTime(now)),
            ))
            .on_conflict_do_nothing()
            .execute(self.tx.conn()?)
            .await;
        let rows = self.tx.check(dialect::taken_is_no_row(inserted))?;
        Ok((rows == 1).then_some(id))
    }

    async fn busy(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Busy>, StorageError> {
        let found = appointments::table
            .filter(appointments::organization_id.eq(self.org))
            .filter(appointments::status.eq(BOOKED))
            .filter(appointments::starts_at.lt(DbTime(to)))
            .filter(appointments::blocked_until.gt(DbTime(from)))
            .order(appointments::starts_at.asc())
            .select((
                appointments::resource_id,
                appointments::seat,
                appointments::starts_at,
                appointments::blocked_until,
            ))
            .load::<(DbUuid, i16, DbTime, DbTime)>(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?;
        rows.into_iter()
            .map(|(resource_id, seat, from, to)| {
                let seat = u16::try_from(seat).map_err(|_cause| StorageError::Inconsistent {
                    table: "appointments",
                    column: "seat",
                    row: format!("{} of resource {}", from.0, resource_id.0),
                })?;
                Ok(Busy { resource_id: resource_id.0, seat, from: from.0, to: to.0 })
            })
            .collect()
    }

    async fn get(&mut self, id: AppointmentId) -> Result<Option<Appointment>, StorageError> {
        let found = appointments::table
            .filter(appointments::organization_id.eq(self.org))
            .filter(appointments::id.eq(DbUuid(id.0)))
            .select(AppointmentRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(Appointment::from))
    }

    async fn cancel(&mut self, id: AppointmentId) -> Result<bool, StorageError> {
        let cancelled = diesel::update(
            appointments::table
                .filter(appointments::organization_id.eq(self.org))
                .filter(appointments::id.eq(DbUuid(id.0)))
                .filter(appointments::status.eq(BOOKED)),
        )
        .set(appointments::status.eq("cancelled"))
        .execute(self.tx.conn()?)
        .await;
        Ok(self.tx.check(cancelled)? == 1)
    }

    async fn list(&mut self, from: DateTime<Utc>, limit: i64) -> Result<Vec<Appointment>, StorageError> {
        let found = appointments::table
            .filter(appointments::organization_id.eq(self.org))
            .filter(appointments::starts_at.ge(DbTime(from)))
            .order((appointments::starts_at.asc(), appointments::id.asc()))
            .limit(limit)
            .select(AppointmentRow::as_select())
            .load(self.tx.conn()?)
            .await;
        Ok(self.tx.check(found)?.into_iter().map(Appointment::from).collect())
    }
}

impl From<AppointmentRow> for Appointment {
    fn from(row: AppointmentRow) -> Self {
        Self {
            id: AppointmentId(row.id.0),
            contact_id: row.contact_id.map(|id| ContactId(id.0)),
            service: row.service,
            resource_id: row.resource_id.0,
            seat: row.seat,
            starts_at: row.starts_at.0,
            ends_at: row.ends_at.0,
            status: row.status,
            patient_name: row.patient_name,
            patient_phone: row.patient_phone,
            patient_email: row.patient_email,
        }
    }
}
