//! Defaults, normal forms and what is derived.

use scheduling::OpeningHours;
use serde_json::json;
use tenant::{Limits, Retention, Route, hours_to_value};

use crate::support::{one, read};

#[test]
fn little_is_required() {
    let organization = one("").unwrap();
    // python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("b0a5c2a4-52cf-4a4b-9d6c-5a4a1f0f6f2e"), "lakeside-law"))'
    assert_eq!(organization.id, uuid::uuid!("14f8578d-c481-5f4b-b505-4480619da9ae"));
    assert_eq!(organization.profile.timezone, chrono_tz::UTC);
    assert_eq!(organization.profile.region.code(), "US");
    assert!(organization.active);
    assert_eq!(organization.profile.primary_language, "en");
    assert_eq!(organization.limits, Limits::default());
    assert_eq!(organization.opening_hours, None);
    let calendar = organization.calendar();
    assert!(calendar.opening_hours.is_always());
    assert_eq!(calendar.booking_days_ahead, 365);
    assert!(read("organizations = []").unwrap().organizations.is_empty());
}

#[test]
fn numbers_are_normalised_with_the_region() {
    let organization = one(
        r#"
        region = "de"
        phone_numbers = [
            { number = "030 / 1234-567", route = { destination = "(030) 7654321" } },
            { number = "+1 (555) 201-0100", route = { destination = "SIP:Desk@Example.com" } },
            { sip_uri = "SIP:Front@Sip.Vapi.ai", route = { squad = "squad_1" }, fallback_assistant = "asst_1" } ]
        transfers = [{ department = "billing", number = "0049 30 1234567" }]
        "#,
    )
    .unwrap();
    assert_eq!(organization.profile.region.code(), "DE");
    let numbers: Vec<_> = organization
        .phone_numbers
        .iter()
        .map(|n| n.number.as_deref().or(n.sip_uri.as_deref()).unwrap())
        .collect();
    assert_eq!(numbers, ["+49301234567", "+15552010100", "sip:front@sip.vapi.ai"]);
    let routes: Vec<_> = organization.phone_numbers.iter().map(|n| n.route.clone().unwrap()).collect();
    assert_eq!(
        routes,
        [
            Route::Destination("+49307654321".to_owned()),
            Route::Destination("sip:desk@example.com".to_owned()),
            Route::Squad("squad_1".to_owned()),
        ]
    );
    assert_eq!(serde_json::to_value(&routes[2]).unwrap(), json!({"squad": "squad_1"}));
    assert_eq!(organization.phone_numbers[2].fallback_assistant.as_deref(), Some("asst_1"));
    assert_eq!(organization.transfers[0].number.as_deref(), Some("+49301234567"));
}

#[test]
fn calendars_are_built() {
    let organization = one(r#"
        timezone = "Europe/Berlin"
        services = [{ name = " check-up " }, { name = "surgery", minutes = 300, buffer_minutes = 20 }]
        resources = [{ name = "Room 1" }, { name = "chair", capacity = 3 }]
        closures = [{ from = "2026-12-24", to = 2026-12-26, reason = "Christmas" }, { from = 2027-01-01 }]
        settings = { booking_days_ahead = 90, endpointing_timeout_seconds = 1.5, greeting = { en = "Hello" } }
        limits = { waiting = 60, streams = 100 }
        retention = { bodies_days = 14, calls_days = 0, stored_bytes = 5000000000 }
        "#)
    .unwrap();
    let calendar = organization.calendar();
    assert_eq!(calendar.timezone, chrono_tz::Europe::Berlin);
    assert_eq!(calendar.booking_days_ahead, 90);
    assert_eq!(calendar.service("Check-up").unwrap().minutes, 30);
    assert_eq!(calendar.service("surgery").unwrap().buffer_minutes, 20);
    // python3 -c 'import uuid; print(uuid.uuid5(uuid.UUID("14f8578d-c481-5f4b-b505-4480619da9ae"), "resource/room 1"))'
    assert_eq!(calendar.resources[0].id, uuid::uuid!("dda85f93-701d-5e70-a34e-c3d8bbbf05b7"));
    assert_eq!(calendar.resources.iter().map(|resource| resource.capacity).collect::<Vec<_>>(), [1, 3]);
    let days: Vec<String> = calendar.closures.iter().map(|c| format!("{} {}", c.from, c.to)).collect();
    assert_eq!(days, ["2026-12-24 2026-12-26", "2027-01-01 2027-01-01"]);
    assert_eq!(organization.profile.settings.other.get("greeting"), Some(&json!({"en": "Hello"})));
    assert_eq!(organization.limits, Limits { waiting: Some(60), streams: Some(100), ..Limits::default() });
    let retention = Retention {
        bodies_days: Some(14),
        calls_days: Some(0),
        stored_bytes: Some(5_000_000_000),
        ..Retention::default()
    };
    assert_eq!(organization.retention, retention);
}

#[test]
fn hours_are_stored_in_the_form_of_the_file() {
    let organization = one(
        r#"transfers = [{ department = "billing", sip_uri = "sip:b@x", opening_hours = { Tuesday = ["13:00-24:00", "9:00-12:00"], mon = ["09:00-17:00"] } }]"#,
    )
    .unwrap();
    let hours = organization.transfers[0].opening_hours.as_ref().unwrap();
    let value = hours_to_value(hours);
    assert_eq!(value, json!({"mon": ["09:00-17:00"], "tue": ["09:00-12:00", "13:00-24:00"]}));
    let days = value.as_object().unwrap().iter().map(|(day, ranges)| {
        (day, ranges.as_array().unwrap().iter().map(|range| range.as_str().unwrap()).collect::<Vec<_>>())
    });
    assert_eq!(&OpeningHours::parse(days).unwrap(), hours);
}
