//! A booking in one job of the writer.

use std::sync::Arc;

use async_trait::async_trait;
use org_resolver::OrgId;
use uuid::Uuid;

use super::batch;
use super::lease::{Lease, Writer};
use super::sql::scope::Scope;
use super::sql::tx::Tx;
use crate::error::StorageError;
use crate::record::{Record, Recorded};
use crate::repo::{
    Appointments, Booked, Bookings, Contacts, EffectId, NewAppointment, NewBooking, NewContact,
    NewToolResult, Reservation, ToolResults,
};
use crate::seal::Sealer;

#[async_trait]
impl Bookings for Scope {
    async fn book(&mut self, booking: &NewBooking<'_>) -> Result<Booked, StorageError> {
        book(self, booking).await
    }
}

/// A transaction that records the message, where there is one, and books. It borrows nothing, for the writer's thread.
pub(super) fn whole(
    writer: Writer,
    org: OrgId,
    sealer: Sealer,
    message: Option<Arc<Record>>,
    booking: &NewBooking<'_>,
) -> impl Future<Output = Result<(Recorded, Booked), StorageError>> + Send + 'static {
    let booking = OwnedBooking::from(booking);
    async move {
        let mut scope = Scope::new(org, Tx::new(Lease::begin(writer).await?), sealer);
        let recorded = match message {
            Some(record) => batch::record(&mut scope, record).await?,
            None => Recorded::default(),
        };
        let booked = book(&mut scope, &booking.borrowed()).await?;
        scope.tx.commit().await?;
        Ok((recorded, booked))
    }
}

/// A booking that owns its texts.
struct OwnedBooking {
    /// The rest.
    booking: NewBooking<'static>,
    /// Ids of the call and the tool call, and the tool.
    call: [String; 3],
    /// Number, name and address of the contact, and the service.
    texts: [Option<String>; 4],
}

impl From<&NewBooking<'_>> for OwnedBooking {
    fn from(booking: &NewBooking<'_>) -> Self {
        let NewBooking { call, contact, service, places, answer, .. } = booking;
        Self {
            call: [call.vapi_call_id, call.tool_call_id, call.tool].map(str::to_owned),
            texts: [contact.phone, contact.name, contact.email, *service].map(|text| text.map(str::to_owned)),
            booking: NewBooking {
                call: NewToolResult { key: call.key, vapi_call_id: "", tool_call_id: "", tool: "" },
                contact: NewContact { last_call_at: contact.last_call_at, ..NewContact::default() },
                service: None,
                places: places.clone(),
                answer: answer.clone(),
                ..*booking
            },
        }
    }
}

impl OwnedBooking {
    fn borrowed(&self) -> NewBooking<'_> {
        let booking = self.booking.clone();
        let [vapi_call_id, tool_call_id, tool] = &self.call;
        let [phone, name, email, service] = self.texts.each_ref().map(Option::as_deref);
        NewBooking {
            call: NewToolResult { vapi_call_id, tool_call_id, tool, ..booking.call },
            contact: NewContact { phone, name, email, ..booking.contact },
            service,
            ..booking
        }
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
