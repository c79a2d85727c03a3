//! Appointments. That no two overlap in one place is the database's guarantee.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use scheduling::Busy;
use uuid::Uuid;

use super::contacts::ContactId;
use crate::error::StorageError;
use crate::schema::appointments;
use crate::sql_types::{SqlUuid, column};

/// Names an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = SqlUuid)]
pub struct AppointmentId(pub Uuid);
column!(AppointmentId: SqlUuid = Uuid);

/// An appointment.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = appointments)]
pub struct Appointment {
    /// Our id.
    pub id: AppointmentId,
    /// Whose it is.
    pub contact_id: Option<ContactId>,
    /// The service's name.
    pub service: Option<String>,
    /// The resource; nil is the organization itself.
    pub resource_id: Uuid,
    /// Which of the resource's places, from 0.
    pub seat: i16,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// `booked`, `cancelled`, `completed` or `no_show`.
    pub status: String,
    /// The name it was made for.
    pub patient_name: String,
    /// The number it was made for, normalised where it is one.
    pub patient_phone: Option<String>,
    /// The address it was made for.
    pub patient_email: Option<String>,
}

/// An appointment to make.
#[derive(Clone, Debug)]
pub struct NewAppointment<'a> {
    /// Whose it is.
    pub contact_id: Option<ContactId>,
    /// The service's name.
    pub service: Option<&'a str>,
    /// The resource; nil is the organization itself.
    pub resource_id: Uuid,
    /// Which of the resource's places, from 0.
    pub seat: i16,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// When it ends.
    pub ends_at: DateTime<Utc>,
    /// When the place is free again.
    pub blocked_until: DateTime<Utc>,
    /// The name it is made for.
    pub patient_name: &'a str,
    /// The number it is made for.
    pub patient_phone: Option<&'a str>,
    /// The address it is made for.
    pub patient_email: Option<&'a str>,
    /// The provider's id of the call.
    pub vapi_call_id: Option<&'a str>,
    /// The provider's id of the tool call.
    pub tool_call_id: Option<&'a str>,
}

/// The appointments of one organization.
#[async_trait]
pub trait Appointments: Send {
    /// Makes an appointment; `None` when the place is taken. The scope goes on either way.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn insert(
        &mut self,
        appointment: &NewAppointment<'_>,
        now: DateTime<Utc>,
    ) -> Result<Option<AppointmentId>, StorageError>;

    /// The busy times between two instants, buffers included.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn busy(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Busy>, StorageError>;

    /// An appointment by its id.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn get(&mut self, id: AppointmentId) -> Result<Option<Appointment>, StorageError>;

    /// Cancels a booked appointment; false when there is none. Its place is free at once.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn cancel(&mut self, id: AppointmentId) -> Result<bool, StorageError>;

    /// Appointments that begin at or after an instant, soonest first, at most `limit`.
    ///
    /// # Errors
    /// [`StorageError`] when the database does not answer.
    async fn list(&mut self, from: DateTime<Utc>, limit: i64) -> Result<Vec<Appointment>, StorageError>;
}
