//! `bookAppointment`: one appointment, in a place that the database keeps free of a second.

use async_trait::async_trait;
use chrono::{Days, NaiveDate, NaiveTime};
use phrases::Phrase;
use scheduling::{Busy, Calendar, Placement, SlotRequest, Unbookable, place};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::repo::{NewBooking, NewContact};
use storage::{OrgScope, StorageError};

use super::arguments::PHONE;
use super::definition::{Tool, ToolDefinition, ToolRun, Work};
use super::run::booked;

/// How far around the wished date taken places are read: alternatives reach two weeks ahead.
const DAYS_AROUND: (u64, u64) = (1, 16);

/// How many places a booking tries. Where so many are taken, what is busy is read first.
const PLACES: usize = 32;

/// Books an appointment. Ask for the date, the time, the name and the phone number first, and repeat them.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BookAppointment {
    /// The date, YYYY-MM-DD, in the organization's time zone
    appointment_date: NaiveDate,
    /// The time of day, HH:MM on the 24-hour clock, in the organization's time zone
    #[schemars(regex(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    appointment_time: NaiveTime,
    /// The full name of the person who comes
    #[schemars(length(max = 200))]
    patient_name: String,
    /// The phone number of the person who comes
    #[schemars(extend("format" = PHONE))]
    patient_phone: String,
    /// The e-mail address of the person who comes
    #[schemars(email)]
    patient_email: Option<String>,
    /// What the appointment is for, such as a consultation
    #[schemars(length(max = 200))]
    service_type: Option<String>,
    /// The length in minutes; the service's own length when left out
    #[schemars(range(min = 15, max = 240))]
    duration: Option<u16>,
}

#[async_trait]
impl Tool for BookAppointment {
    fn definition() -> ToolDefinition {
        ToolDefinition {
            aliases: &["bookClinicAppointment"],
            is_effectful: true,
            ..ToolDefinition::of::<Self>("bookAppointment")
        }
    }

    fn booking<'a>(&'a self, work: &Work<'a>) -> Result<Option<NewBooking<'a>>, StorageError> {
        let calendar = work.tenant.calendar()?;
        let free = place(calendar, &self.request(calendar), &[], work.caller.now);
        Ok(free.ok().and_then(|free| self.booking_in(work, &free)))
    }

    async fn run(&self, scope: &mut OrgScope, work: &Work<'_>) -> Result<ToolRun, StorageError> {
        let calendar = work.tenant.calendar()?;
        let request = self.request(calendar);
        let busy = busy_around(scope, calendar, request.date).await?;
        let free = match place(calendar, &request, &busy, work.caller.now) {
            Ok(places) => places,
            Err(refusal) => return Ok(refused(work, &refusal)),
        };
        if let Some(booking) = self.booking_in(work, &free)
            && let Some(ran) = booked(scope.bookings().book(&booking).await?, &booking)
        {
            return Ok(ran);
        }
        // Others were faster in every place that looked free.
        let busy = busy_around(scope, calendar, request.date).await?;
        let refusal = place(calendar, &request, &busy, work.caller.now).err();
        Ok(refused(work, &refusal.unwrap_or(Unbookable::Taken { alternatives: Vec::new() })))
    }
}

impl BookAppointment {
    fn request(&self, calendar: &Calendar) -> SlotRequest {
        SlotRequest {
            date: self.appointment_date,
            time: self.appointment_time,
            minutes: calendar.minutes_for(self.service_type.as_deref(), self.duration),
            service: self.service_type.clone(),
        }
    }

    /// The booking in the first of these places that is free.
    fn booking_in<'a>(&'a self, work: &Work<'a>, places: &[Placement]) -> Option<NewBooking<'a>> {
        let (caller, first) = (work.caller, places.first()?);
        let service = self.service_type.as_deref();
        let at = self.appointment_date.and_time(self.appointment_time);
        // Capacities stop at 1000 in the schema.
        let seat = |place: &Placement| (place.resource_id, i16::try_from(place.seat).unwrap_or(i16::MAX));
        Some(NewBooking {
            call: work.call.clone()?,
            effect: work.effect,
            contact: NewContact {
                phone: Some(&self.patient_phone),
                name: Some(&self.patient_name),
                email: self.patient_email.as_deref(),
                last_call_at: (!caller.call_id.is_empty()).then_some(caller.now),
            },
            service,
            places: places.iter().take(PLACES).map(seat).collect(),
            starts_at: first.starts_at,
            ends_at: first.ends_at,
            blocked_until: first.blocked_until,
            answer: work.say(&Phrase::Booked { name: &self.patient_name, service, at }),
            now: caller.now,
        })
    }
}

/// The busy times around a date, in the organization's zone.
pub(super) async fn busy_around(
    scope: &mut OrgScope,
    calendar: &Calendar,
    date: NaiveDate,
) -> Result<Vec<Busy>, StorageError> {
    let midnight =
        |date: NaiveDate| scheduling::resolve(calendar.timezone, date.and_time(NaiveTime::MIN)).instant();
    let from = date.checked_sub_days(Days::new(DAYS_AROUND.0)).unwrap_or(date);
    let to = date.checked_add_days(Days::new(DAYS_AROUND.1)).unwrap_or(date);
    scope.appointments().busy(midnight(from), midnight(to)).await
}

/// Taken, past and closed are answers that can be spoken, not errors.
fn refused(work: &Work<'_>, refusal: &Unbookable) -> ToolRun {
    let answer = work.say(&Phrase::Unbookable(refusal));
    ToolRun { answer, succeeded: false, made: None, effect: "not_booked" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_schema_is_what_is_published() {
        let definition = BookAppointment::definition();
        let text = |about: &str, more: serde_json::Value| {
            let mut property = json!({"type": "string", "description": about});
            property.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            property
        };
        assert_eq!(
            *definition.schema(),
            json!({
                "type": "object",
                "required": ["appointmentDate", "appointmentTime", "patientName", "patientPhone"],
                "properties": {
                    "appointmentDate": text(
                        "The date, YYYY-MM-DD, in the organization's time zone",
                        json!({"format": "date"}),
                    ),
                    "appointmentTime": text(
                        "The time of day, HH:MM on the 24-hour clock, in the organization's time zone",
                        json!({"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}),
                    ),
                    "patientName": text("The full name of the person who comes", json!({"maxLength": 200})),
                    "patientPhone": text("The phone number of the person who comes", json!({})),
                    "patientEmail": text(
                        "The e-mail address of the person who comes",
                        json!({"format": "email"}),
                    ),
                    "serviceType": text(
                        "What the appointment is for, such as a consultation",
                        json!({"maxLength": 200}),
                    ),
                    "duration": {
                        "type": "integer",
                        "minimum": 15,
                        "maximum": 240,
                        "description": "The length in minutes; the service's own length when left out",
                    },
                },
            })
        );
    }

    proptest! {
        #[test]
        fn every_time_that_the_schema_allows_is_one(
            time in {
                let definition = BookAppointment::definition();
                let pattern = definition.schema()["properties"]["appointmentTime"]["pattern"].as_str().unwrap();
                string_regex(pattern.trim_matches(['^', '$'])).unwrap()
            }
        ) {
            prop_assert!(scheduling::parse_time(&time).is_some(), "{}", time);
        }
    }
}
