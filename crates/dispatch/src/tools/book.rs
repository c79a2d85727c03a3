//! `bookAppointment`: one appointment, in a place that the database keeps free of a second.

use async_trait::async_trait;
use chrono::{DateTime, Days, NaiveDate, Utc};
use phrases::{FieldKind, Language, Phrase};
use scheduling::{Busy, Calendar, Placement, SlotRequest, Unbookable, place};
use storage::repo::{Contact, EffectId, NewAppointment, NewContact, ToolAnswer};
use storage::{OrgScope, StorageError};
use tenant::phone;

use super::definition::{self, Field, TOOL_DEADLINE, ToolDefinition, text_of};
use super::run::{Tool, ToolRun, Work};

/// How far around the wished date taken places are read: alternatives reach two weeks ahead.
const DAYS_AROUND: (u64, u64) = (1, 16);

/// The day of an appointment, asked for in the same words by every tool.
pub(super) const DATE: Field = Field {
    name: "appointmentDate",
    kind: FieldKind::Date,
    is_required: true,
    description: "The date, YYYY-MM-DD, in the organization's time zone",
};

/// What an appointment is for.
pub(super) const SERVICE: Field = Field {
    name: "serviceType",
    kind: FieldKind::Text(200),
    is_required: false,
    description: "What the appointment is for, such as a consultation",
};

/// The length of an appointment.
pub(super) const DURATION: Field = Field {
    name: "duration",
    kind: FieldKind::Integer(15, 240),
    is_required: false,
    description: "The length in minutes; the service's own length when left out",
};

const DEFINITION: ToolDefinition = ToolDefinition {
    name: "bookAppointment",
    aliases: &["bookClinicAppointment"],
    description: "Books an appointment. Ask for the date, the time, the name and the phone number first, and repeat them.",
    fields: &[
        DATE,
        Field {
            name: "appointmentTime",
            kind: FieldKind::Time,
            is_required: true,
            description: "The time of day, HH:MM on the 24-hour clock, in the organization's time zone",
        },
        Field {
            name: "patientName",
            kind: FieldKind::Text(200),
            is_required: true,
            description: "The full name of the person who comes",
        },
        Field {
            name: "patientPhone",
            kind: FieldKind::Phone,
            is_required: true,
            description: "The phone number of the person who comes",
        },
        Field {
            name: "patientEmail",
            kind: FieldKind::Email,
            is_required: false,
            description: "The e-mail address of the person who comes",
        },
        SERVICE,
        DURATION,
    ],
    is_effectful: true,
    deadline: TOOL_DEADLINE,
};

/// Books an appointment.
pub(crate) struct BookAppointment;

#[async_trait]
impl Tool for BookAppointment {
    fn definition(&self) -> &ToolDefinition {
        &DEFINITION
    }

    async fn run(&self, scope: &mut OrgScope, work: &Work<'_>) -> Result<ToolRun, StorageError> {
        let calendar = scope.declared().calendar().await?;
        let language = Language::of(&work.profile.primary_language);
        let Some(request) = read(work, &calendar) else {
            // The check has seen to this already; the sentence is for the day it changes.
            return Ok(refused(language.say(&Phrase::WhenUnreadable)));
        };
        let free = match free_places(scope, &calendar, &request, work.now).await? {
            Ok(places) => places,
            Err(refusal) => return Ok(refused(language.say(&Phrase::Unbookable(&refusal)))),
        };
        let contact = contact(scope, work).await?;
        for place in free {
            if let Some(id) = insert(scope, work, &request, &contact, place).await? {
                tracing::debug!(call_id = work.caller.call_id, appointment_id = %id.0, "booked an appointment");
                return Ok(booked(work, &request, id));
            }
        }
        // Somebody was faster in every place that looked free.
        let refusal = match free_places(scope, &calendar, &request, work.now).await? {
            Err(refusal) => refusal,
            Ok(_) => Unbookable::Taken { alternatives: Vec::new() },
        };
        Ok(refused(language.say(&Phrase::Unbookable(&refusal))))
    }
}

fn read(work: &Work<'_>, calendar: &Calendar) -> Option<SlotRequest> {
    let argument = |name: &str| work.arguments.get(name);
    let service = text_of(work.arguments, "serviceType");
    let asked =
        argument("duration").and_then(definition::integer).and_then(|minutes| u16::try_from(minutes).ok());
    Some(SlotRequest {
        date: argument("appointmentDate").and_then(definition::date)?,
        time: argument("appointmentTime").and_then(definition::time)?,
        minutes: calendar.minutes_for(service.as_deref(), asked),
        service,
    })
}

async fn free_places(
    scope: &mut OrgScope,
    calendar: &Calendar,
    request: &SlotRequest,
    now: DateTime<Utc>,
) -> Result<Result<Vec<Placement>, Unbookable>, StorageError> {
    let busy = busy_around(scope, calendar, request.date).await?;
    Ok(place(calendar, request, &busy, now))
}

/// What is taken around a date, in the organization's zone.
pub(super) async fn busy_around(
    scope: &mut OrgScope,
    calendar: &Calendar,
    date: NaiveDate,
) -> Result<Vec<Busy>, StorageError> {
    let midnight = |date: NaiveDate| {
        scheduling::resolve(calendar.timezone, date.and_time(chrono::NaiveTime::MIN)).instant()
    };
    let from = date.checked_sub_days(Days::new(DAYS_AROUND.0)).unwrap_or(date);
    let to = date.checked_add_days(Days::new(DAYS_AROUND.1)).unwrap_or(date);
    scope.appointments().busy(midnight(from), midnight(to)).await
}

async fn contact(scope: &mut OrgScope, work: &Work<'_>) -> Result<Contact, StorageError> {
    let phone = text_of(work.arguments, "patientPhone")
        .and_then(|raw| phone::normalise(&raw, Some(work.profile.region)));
    let name = text_of(work.arguments, "patientName");
    let email = text_of(work.arguments, "patientEmail");
    let contact = NewContact {
        phone: phone.as_deref(),
        name: name.as_deref(),
        email: email.as_deref(),
        last_call_at: (!work.caller.call_id.is_empty()).then_some(work.now),
    };
    scope.contacts().upsert(&contact, work.now).await
}

async fn insert(
    scope: &mut OrgScope,
    work: &Work<'_>,
    request: &SlotRequest,
    contact: &Contact,
    place: Placement,
) -> Result<Option<EffectId>, StorageError> {
    let name = text_of(work.arguments, "patientName").unwrap_or_default();
    let email = text_of(work.arguments, "patientEmail");
    let appointment = NewAppointment {
        contact_id: Some(contact.id),
        service: request.service.as_deref(),
        resource_id: place.resource_id,
        // Capacities stop at 1000 in the schema.
        seat: i16::try_from(place.seat).unwrap_or(i16::MAX),
        starts_at: place.starts_at,
        ends_at: place.ends_at,
        blocked_until: place.blocked_until,
        patient_name: &name,
        patient_phone: contact.phone.as_deref(),
        patient_email: email.as_deref(),
        vapi_call_id: Some(work.caller.call_id).filter(|id| !id.is_empty()),
        tool_call_id: Some(work.tool_call_id).filter(|id| !id.is_empty()),
    };
    Ok(scope.appointments().insert(&appointment, work.now).await?.map(|id| EffectId(id.0)))
}

fn booked(work: &Work<'_>, request: &SlotRequest, id: EffectId) -> ToolRun {
    let name = text_of(work.arguments, "patientName").unwrap_or_default();
    let local = request.date.and_time(request.time);
    let phrase = Phrase::Booked { name: &name, service: request.service.as_deref(), at: local };
    let sentence = Language::of(&work.profile.primary_language).say(&phrase);
    ToolRun { answer: ToolAnswer::Result(sentence), succeeded: true, made: Some(id), effect: "booked" }
}

/// Taken, past and closed are answers that can be spoken, not errors.
fn refused(sentence: String) -> ToolRun {
    ToolRun { answer: ToolAnswer::Result(sentence), succeeded: false, made: None, effect: "not_booked" }
}
