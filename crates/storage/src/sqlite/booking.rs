//! A booking in one turn of the writer.

use async_trait::async_trait;
use uuid::Uuid;

use super::sql::scope::Scope;
use crate::error::StorageError;
use crate::repo::{
    Appointments, Booked, Bookings, Contacts, EffectId, NewAppointment, NewBooking, NewToolResult,
    Reservation, ToolResults,
};

#[async_trait]
impl Bookings for Scope {
    async fn book(&mut self, booking: &NewBooking<'_>) -> Result<Booked, StorageError> {
        book(self, booking).await
    }
}

/// Books, as PostgreSQL's `book_appointment` does.
async fn book(scope: &mut Scope, booking: &NewBooking<'_>) -> Result<Booked, StorageError> {
    let (call, now) = (&booking.call, booking.now);
    if let Reservation::Done { answer, succeeded, effect, .. } = scope.reserve(call, now).await? {
        return Ok(Booked::Before { answer, succeeded, effect });
    }
    if let Some(key) = booking.effect {
        let wish = scope.reserve(&NewToolResult { key, ..call.clone() }, now).await?;
        if let Reservation::Done { answer, succeeded: true, effect, is_undone: false } = wish {
            scope.store(call.key, &answer, true, effect).await?;
            return Ok(Booked::Fulfilled { answer, effect });
        }
    }
    // Nobody becomes a contact by a wish for a place that is taken. The writer is alone, so what is free stays free.
    let busy = scope.busy(booking.starts_at, booking.blocked_until).await?;
    let is_free = |(resource, seat): &&(Uuid, i16)| {
        !busy.iter().any(|busy| busy.resource_id == *resource && i32::from(busy.seat) == i32::from(*seat))
    };
    for (resource_id, seat) in booking.places.iter().filter(is_free) {
        let contact = scope.upsert(&booking.contact, now).await?;
        let appointment = NewAppointment {
            contact_id: Some(contact.id),
            service: booking.service,
            resource_id: *resource_id,
            seat: *seat,
            starts_at: booking.starts_at,
            ends_at: booking.ends_at,
            blocked_until: booking.blocked_until,
            patient_name: booking.contact.name.unwrap_or_default(),
            patient_phone: contact.phone.as_deref(),
            patient_email: booking.contact.email,
            vapi_call_id: Some(call.vapi_call_id).filter(|id| !id.is_empty()),
            tool_call_id: Some(call.tool_call_id).filter(|id| !id.is_empty()),
        };
        if let Some(id) = scope.insert(&appointment, now).await? {
            for key in [Some(call.key), booking.effect].into_iter().flatten() {
                scope.store(key, &booking.answer, true, Some(EffectId(id.0))).await?;
            }
            return Ok(Booked::Made(id));
        }
    }
    Ok(Booked::Taken)
}
