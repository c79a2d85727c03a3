//! Appointments through tool calls: what is said, what is kept, and that a slot is given once.

use std::thread;

use crate::harness::message::{self, call, tool_call, tool_calls};
use crate::harness::{Database, Organization, days_ahead, spoken};
use chrono::{NaiveDate, NaiveTime};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, only_error, only_result, results};

on_both_databases![
    a_booking_is_confirmed_in_a_sentence,
    a_slot_is_given_once,
    every_shape_of_a_tool_call_books,
    arguments_that_do_not_fit_name_their_field,
    refusals_can_be_spoken,
    several_calls_are_answered_in_order,
    organizations_do_not_take_each_others_slots,
];

/// A message with one call of a tool, in a phone call of its own.
fn one(organization: &Organization, call_id: &str, tool: &str, arguments: &Value) -> Value {
    tool_calls(call(call_id, &organization.assistant), &[tool_call("call_1", tool, arguments)])
}

fn at(date: NaiveDate, time: &str) -> String {
    spoken(date.and_time(NaiveTime::parse_from_str(time, "%H:%M").unwrap()))
}

fn a_booking_is_confirmed_in_a_sentence(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let date = days_ahead(9);
    let answer =
        gateway.answer(northgate, &message::book("call-1", &northgate.assistant, "call_abc", date, "14:30"));
    let result = &results(&answer)[0];
    assert_eq!(
        (result["toolCallId"].as_str(), result["name"].as_str()),
        (Some("call_abc"), Some("bookAppointment"))
    );
    let sentence = result["result"].as_str().unwrap();
    for part in ["Jane Doe", "consultation", &at(date, "14:30"), "booked"] {
        assert!(sentence.contains(part), "{part}: {sentence}");
    }
    // The other organization's assistant speaks its own language.
    let answer = gateway
        .answer(fontaneria, &message::book("call-1", &fontaneria.assistant, "call_abc", date, "14:30"));
    let sentence = only_result(&answer);
    assert!(
        sentence.contains("Jane Doe") && sentence.contains("14:30") && sentence.contains("cita"),
        "{sentence}"
    );
    assert!(!sentence.contains("booked"), "{sentence}");

    if let Some(postgres) = deployment.postgres() {
        // PostgreSQL's own time zones say when half past two is.
        let local = |zone: &str| format!("to_char(starts_at AT TIME ZONE '{zone}', 'YYYY-MM-DD HH24:MI')");
        for (organization, zone) in [(northgate, "America/New_York"), (fontaneria, "Europe/Madrid")] {
            let rows = postgres.run(&format!(
                "SELECT {}, extract(epoch FROM ends_at - starts_at)::int, a.service, a.patient_name, a.patient_phone,
                        a.status, c.name, c.phone
                 FROM appointments a JOIN contacts c ON c.organization_id = a.organization_id AND c.id = a.contact_id
                 WHERE a.organization_id = '{}'",
                local(zone),
                organization.id,
            ));
            let start = format!("{date} 14:30");
            let expected = [
                start.as_str(),
                "1800",
                "consultation",
                "Jane Doe",
                "+15552017788",
                "booked",
                "Jane Doe",
                "+15552017788",
            ];
            assert_eq!(rows, [expected.map(|text| Some(text.to_owned())).to_vec()]);
        }
    }
}

fn a_slot_is_given_once(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let date = days_ahead(10);
    let sentences: Vec<String> = thread::scope(|threads| {
        let callers: Vec<_> = (0..20)
            .map(|nth| {
                threads.spawn(move || {
                    let message =
                        message::book(&format!("call-{nth}"), &northgate.assistant, "call_1", date, "10:00");
                    only_result(&gateway.answer(northgate, &message))
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    let wished = at(date, "10:00");
    let (booked, refused): (Vec<_>, Vec<_>) =
        sentences.iter().partition(|sentence| sentence.contains("is booked for"));
    assert_eq!((booked.len(), refused.len()), (1, 19), "{sentences:?}");
    assert!(booked[0].contains(&wished), "{booked:?}");
    for sentence in refused {
        // Alternatives on the same day, and not the time that is gone.
        assert!(sentence.contains("taken") && !sentence.contains(&wished), "{sentence}");
        assert!(sentence.contains(&date.format("%A, %B %-d at ").to_string()), "{sentence}");
    }
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 1);
    }
    let free = only_result(&gateway.answer(
        northgate,
        &one(northgate, "call-check", "checkAvailability", &json!({"appointmentDate": date.to_string()})),
    ));
    assert!(!free.contains(&wished) && free.contains(&at(date, "09:00")), "{free}");
}

fn every_shape_of_a_tool_call_books(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let date = days_ahead(11);
    let arguments = |time: &str| message::booking(date, time);
    let text = |time: &str| json!(arguments(time).to_string());
    let function = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
    let bodies = [
        (
            "09:00",
            json!({"toolCallList": [{"id": "c", "type": "function", "function": function("bookAppointment", arguments("09:00"))}]}),
        ),
        (
            "09:30",
            json!({"toolCallList": [{"id": "c", "type": "function", "function": function("bookAppointment", text("09:30"))}]}),
        ),
        (
            "10:00",
            json!({"toolCallList": [{"id": "c", "type": "function", "function": function("bookClinicAppointment", arguments("10:00"))}]}),
        ),
        (
            "10:30",
            json!({"toolCallList": [{"id": "c", "name": "bookAppointment", "arguments": arguments("10:30")}]}),
        ),
        (
            "11:00",
            json!({"toolCallList": [{"id": "c", "name": "bookAppointment", "parameters": arguments("11:00")}]}),
        ),
        (
            "11:30",
            json!({"toolWithToolCallList": [{"type": "function", "function": {"name": "bookAppointment"},
                         "toolCall": {"id": "c", "function": {"name": "bookAppointment", "parameters": arguments("11:30")}}}]}),
        ),
        (
            "12:00",
            json!({"toolCalls": [{"id": "c", "type": "function", "function": function("bookAppointment", text("12:00"))}]}),
        ),
        // Every list at once, as captures show it: still one call.
        (
            "12:30",
            json!({"toolCallList": [{"id": "c", "function": function("bookAppointment", arguments("12:30"))}],
                         "toolCalls": [{"id": "c", "function": function("bookAppointment", text("12:30"))}]}),
        ),
    ];
    for (nth, (time, own)) in bodies.iter().enumerate() {
        let call = call(&format!("call-{nth}"), &northgate.assistant);
        let mut message = message::of_kind("tool-calls", call, own.clone());
        let answer = gateway.answer(northgate, &message);
        let result = &results(&answer)[0];
        assert_eq!(result["toolCallId"], "c");
        assert!(
            result["result"].as_str().is_some_and(|text| text.contains(&at(date, time))),
            "{time}: {answer}"
        );
        // Without its type the same message is known by its lists, and it is the same call.
        message["message"].as_object_mut().unwrap().remove("type");
        assert_eq!(gateway.answer(northgate, &message), answer);
    }
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 8);
    }
    let legacy = message::of_kind(
        "function-call",
        call("call-legacy", &northgate.assistant),
        json!({"functionCall": {"name": "bookAppointment", "parameters": arguments("13:00")}}),
    );
    let answer = gateway.answer(northgate, &legacy);
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["result"]);
    assert!(answer["result"].as_str().unwrap().contains(&at(date, "13:00")), "{answer}");
}

fn arguments_that_do_not_fit_name_their_field(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let date = days_ahead(8);
    let cases = [
        ("appointmentDate", json!("tomorrow")),
        ("appointmentDate", json!("2031-02-30")),
        ("appointmentDate", Value::Null),
        ("appointmentTime", json!("25:00")),
        ("appointmentTime", json!("noonish")),
        ("patientName", json!("")),
        ("patientName", json!({"first": "Jane"})),
        ("patientPhone", json!("call me")),
        ("patientEmail", json!("jane at example")),
        ("duration", json!(5)),
        ("duration", json!(241)),
        ("duration", json!("half an hour")),
    ];
    for (nth, (field, value)) in cases.into_iter().enumerate() {
        let mut arguments = message::booking(date, "10:00");
        arguments[field] = value.clone();
        let answer =
            gateway.answer(northgate, &one(northgate, &format!("call-{nth}"), "bookAppointment", &arguments));
        let error = only_error(&answer);
        assert!(error.contains(field), "{field} = {value}: {error}");
    }
    for (nth, arguments) in
        [json!("{not json"), json!("[]"), json!("null"), json!([1]), json!(""), json!(7)].iter().enumerate()
    {
        let answer = gateway
            .answer(northgate, &one(northgate, &format!("call-odd-{nth}"), "bookAppointment", arguments));
        assert!(!only_error(&answer).is_empty(), "{arguments}");
    }
    let unknown =
        only_error(&gateway.answer(northgate, &one(northgate, "call-unknown", "launchRocket", &json!({}))));
    assert!(unknown.contains("launchRocket"), "{unknown}");
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 0);
        assert_eq!(postgres.count("SELECT count(*) FROM contacts"), 0);
    }
    // Unknown arguments are ignored; empty ones are absent; numbers may be text.
    let mut arguments = message::booking(date, "10:00");
    arguments["mood"] = json!("good");
    arguments["patientEmail"] = json!("");
    arguments["duration"] = json!("45");
    only_result(&gateway.answer(northgate, &one(northgate, "call-fine", "bookAppointment", &arguments)));
    if let Some(postgres) = deployment.postgres() {
        let minutes = "SELECT extract(epoch FROM ends_at - starts_at)::int / 60 FROM appointments";
        assert_eq!(postgres.count(minutes), 45);
    }
}

fn refusals_can_be_spoken(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let past = NaiveDate::from_ymd_opt(2020, 1, 15).unwrap();
    let cases = [
        // A model that does not know the year means the next one with that day.
        (past, "10:00", vec!["passed", "January 15"]),
        (days_ahead(8), "22:00", vec!["9:00 AM", "5:00 PM"]),
        (days_ahead(8), "16:45", vec!["9:00 AM", "5:00 PM"]),
        (days_ahead(500), "10:00", vec!["too far"]),
    ];
    for (nth, (date, time, parts)) in cases.into_iter().enumerate() {
        let message = message::book(&format!("call-{nth}"), &northgate.assistant, "call_1", date, time);
        let sentence = only_result(&gateway.answer(northgate, &message));
        for part in parts {
            assert!(sentence.contains(part), "{date} {time}: {sentence}");
        }
        assert!(!sentence.contains("is booked"), "{sentence}");
    }
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 0);
    }
}

fn several_calls_are_answered_in_order(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let date = days_ahead(12);
    let book = |id: &str, time: &str| tool_call(id, "bookAppointment", &message::booking(date, time));
    let calls = [
        tool_call("call_c", "checkAvailability", &json!({"appointmentDate": date.to_string()})),
        book("call_z", "09:00"),
        tool_call("call_b", "launchRocket", &json!({})),
        book("call_a", "11:00"),
        // The same slot as the second one: one of both gets it, and both are answered.
        book("call_y", "09:15"),
        tool_call("call_d", "bookAppointment", &json!({})),
    ];
    let answer = gateway.answer(northgate, &tool_calls(call("call-1", &northgate.assistant), &calls));
    let results = results(&answer);
    let ids: Vec<_> = results.iter().map(|result| result["toolCallId"].as_str().unwrap()).collect();
    assert_eq!(ids, ["call_c", "call_z", "call_b", "call_a", "call_y", "call_d"]);
    let names: Vec<_> = results.iter().map(|result| result["name"].as_str().unwrap()).collect();
    assert_eq!(names[0], "checkAvailability");
    assert_eq!(names[2], "launchRocket");
    let kinds: Vec<_> = results.iter().map(|result| result["result"].is_string()).collect();
    assert_eq!(kinds, [true, true, false, true, true, false], "{answer}");
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 2);
    }
    let none = gateway.answer(northgate, &tool_calls(call("call-2", &northgate.assistant), &[]));
    assert_eq!(none, json!({"results": []}));
}

fn organizations_do_not_take_each_others_slots(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    // The same ids, the same local time: two organizations are two worlds.
    for (organization, word) in [(northgate, "booked"), (fontaneria, "reservada")] {
        let message = message::book("call-1", &organization.assistant, "call_1", days_ahead(4), "10:00");
        let sentence = only_result(&gateway.answer(organization, &message));
        assert!(sentence.contains(word), "{sentence}");
    }
}
