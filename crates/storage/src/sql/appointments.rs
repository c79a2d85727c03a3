//! The appointments.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use scheduling::Busy;
use uuid::Uuid;

use super::super::dialect;
use super::run;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{Appointment, AppointmentId, Appointments, NewAppointment};
use crate::schema::appointments;
use crate::sql_types::{DbTime, DbUuid};
use crate::text::{clean, clean_option, new_id};

const BOOKED: &str = "booked";

/// The place of a booked appointment, and until when it is taken.
type Place = (Uuid, i16, DateTime<Utc>, DateTime<Utc>);

#[async_trait]
impl Appointments for Scope {
    async fn insert(
        &mut self,
        appointment: &NewAppointment<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<AppointmentId>, StorageError> {
        let id = AppointmentId(new_id(now));
        let values = (
            appointments::organization_id.eq(self.org),
            appointments::id.eq(id),
            appointments::contact_id.eq(appointment.contact_id),
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
        );
        // The exclusion constraint is a conflict like any other here: the statement waits for a scope elsewhere that
        // books the same place, and then does nothing. The transaction stays whole.
        let insert = diesel::insert_into(appointments::table).values(values).on_conflict_do_nothing();
        let inserted = run::execute(self.tx.conn()?, insert).await;
        let rows = self.tx.check(dialect::taken_is_no_row(inserted))?;
        Ok((rows == 1).then_some(id))
    }

    async fn busy(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Busy>, StorageError> {
        let booked = appointments::table
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
            ));
        let busy = |(resource_id, seat, from, to): Place| {
            let seat = u16::try_from(seat).map_err(|_cause| StorageError::Inconsistent {
                table: "appointments",
                column: "seat",
                row: format!("{from} of resource {resource_id}"),
            })?;
            Ok(Busy { resource_id, seat, from, to })
        };
        self.tx.load(booked).await?.into_iter().map(busy).collect()
    }

    async fn get(&mut self, id: AppointmentId) -> Result<Option<Appointment>, StorageError> {
        let own = appointments::table.filter(appointments::organization_id.eq(self.org));
        self.tx.find(own.filter(appointments::id.eq(id)).select(Appointment::as_select())).await
    }

    async fn cancel(&mut self, id: AppointmentId) -> Result<bool, StorageError> {
        let booked = appointments::table
            .filter(appointments::organization_id.eq(self.org))
            .filter(appointments::id.eq(id))
            .filter(appointments::status.eq(BOOKED));
        let cancelled = diesel::update(booked).set(appointments::status.eq("cancelled"));
        Ok(self.tx.execute(cancelled).await? == 1)
    }

    async fn list(&mut self, from: DateTime<Utc>, limit: i64) -> Result<Vec<Appointment>, StorageError> {
        let listed = appointments::table
            .filter(appointments::organization_id.eq(self.org))
            .filter(appointments::starts_at.ge(DbTime(from)))
            .order((appointments::starts_at.asc(), appointments::id.asc()))
            .limit(limit)
            .select(Appointment::as_select());
        self.tx.load(listed).await
    }
}
