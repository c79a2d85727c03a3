//! A tool's own route: a message for it, or its arguments alone.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::harness::{
    Database, Deployment, Gateway, Organization, Response, TOOLS, days_ahead, message, spoken, unix_seconds,
};
use chrono::NaiveTime;
use serde_json::{Value, json};
use test_support::{Headers, sign_x_vapi};

use crate::support::{World, on_both_databases, refused};

on_both_databases![
    bare_arguments_book_with_the_organizations_own_credential,
    signed_arguments_run_under_the_tool_and_the_key_that_they_came_with,
    arguments_that_a_secret_only_accompanies_run_under_each_key,
    bare_arguments_need_a_declared_organization,
    the_shared_secret_does_not_speak_for_a_declared_organization,
    the_names_in_a_message_win_over_the_route,
];

/// Sends bare arguments with extra headers, signed with a secret. Equal arguments are equal signed bytes within a second only,
/// so each request is of a second of its own.
fn bare(gateway: &Gateway, tool: &str, headers: Headers, arguments: &Value, by: &Organization) -> Response {
    static SECONDS: AtomicI64 = AtomicI64::new(-60);
    let body = arguments.to_string();
    let at = unix_seconds(SECONDS.fetch_add(1, Ordering::Relaxed));
    let signature = sign_x_vapi(&by.secret, at, body.as_bytes());
    gateway.post(&format!("{TOOLS}{tool}"), [signature, headers].concat(), body)
}

fn declared(organization: &str, key: Option<&str>) -> Headers {
    let key = key.map(|key| ("x-idempotency-key".to_owned(), key.to_owned()));
    std::iter::once(("x-organization-id".to_owned(), organization.to_owned())).chain(key).collect()
}

fn bare_arguments_book_with_the_organizations_own_credential(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let (date, id) = (days_ahead(5), northgate.id.to_string());
    let arguments = message::booking(date, "10:00");
    let first = bare(gateway, "bookAppointment", declared(&id, Some("key-1")), &arguments, northgate);
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.json().as_object().unwrap().keys().collect::<Vec<_>>(), ["result"]);
    let wished = spoken(date.and_time(NaiveTime::from_hms_opt(10, 0, 0).unwrap()));
    assert!(first.json()["result"].as_str().unwrap().contains(&wished), "{}", first.text());
    // Again, by the slug, and by the tool's other name: the key says that it is the same call.
    for (tool, organization) in [("bookAppointment", id.as_str()), ("bookClinicAppointment", &northgate.slug)]
    {
        let again = bare(gateway, tool, declared(organization, Some("key-1")), &arguments, northgate);
        assert_eq!((again.status, again.json()), (200, first.json()), "{tool}");
    }
    if let Some(postgres) = deployment.postgres() {
        let owners = postgres.run("SELECT organization_id FROM appointments");
        assert_eq!(owners, [[Some(id.clone())]]);
    }
    // Another key is another call, and the slot is gone.
    let taken = bare(gateway, "bookAppointment", declared(&id, Some("key-2")), &arguments, northgate);
    assert!(taken.json()["result"].as_str().unwrap().contains("taken"), "{}", taken.text());
    // The same key of another organization is another call, too.
    let other =
        bare(gateway, "bookAppointment", declared(&fontaneria.slug, Some("key-1")), &arguments, fontaneria);
    assert!(other.json()["result"].as_str().unwrap().contains("reservada"), "{}", other.text());

    // A repetition cannot be told without a key, so that what has an effect needs one; what only reads does not.
    for headers in [declared(&id, None), declared(&id, Some("")), declared(&id, Some("  "))] {
        let answer = bare(gateway, "bookAppointment", headers, &message::booking(date, "12:00"), northgate);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(answer.text().contains("x-idempotency-key"), "{}", answer.text());
        assert!(!answer.refusal().is_empty());
    }
    let date = json!({"appointmentDate": date.to_string()});
    let free = bare(gateway, "checkAvailability", declared(&id, None), &date, northgate);
    assert!(free.json()["result"].as_str().unwrap().contains("12:00 PM"), "{}", free.text());
    // A tool that does not exist, and arguments that do not fit, are sentences.
    let unknown = bare(gateway, "launchRocket", declared(&id, Some("key-3")), &json!({}), northgate);
    assert_eq!(unknown.status, 200, "{}", unknown.text());
    let wrong = bare(gateway, "bookAppointment", declared(&id, Some("key-4")), &json!({}), northgate);
    assert_eq!(wrong.status, 200, "{}", wrong.text());
    assert!(wrong.text().contains("appointmentDate"), "{}", wrong.text());
}

fn signed_arguments_run_under_the_tool_and_the_key_that_they_came_with(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let send = |captured: &(Headers, Vec<u8>), tool: &str, key: Option<&str>| {
        let headers = [captured.0.clone(), declared(&northgate.slug, key)].concat();
        gateway.post(&format!("{TOOLS}{tool}"), headers, captured.1.clone())
    };
    let request = |arguments: &Value| {
        let body = arguments.to_string().into_bytes();
        (northgate.sign(&body), body)
    };
    let booked = || {
        let count = "SELECT count(*) FROM appointments WHERE status = 'booked'";
        deployment.postgres().map(|postgres| postgres.count(count))
    };
    let date = days_ahead(5);
    let booking = request(&message::booking(date, "10:00"));
    let first = send(&booking, "bookAppointment", Some("key-1"));
    assert_eq!(booked(), deployment.postgres().map(|_| 1), "{}", first.text());
    if let Some(postgres) = deployment.postgres() {
        postgres.run("UPDATE appointments SET status = 'cancelled'");
    }
    // Captured, and sent again in every way that its signature does not speak of.
    for (tool, key) in [
        ("bookAppointment", Some("key-2")),
        ("bookClinicAppointment", Some("key-3")),
        ("checkAvailability", Some("key-4")),
    ] {
        let again = send(&booking, tool, key);
        assert_eq!((again.status, again.json()), (200, first.json()), "{tool} {key:?}");
    }
    assert_eq!(booked(), deployment.postgres().map(|_| 0));
    // What it does not run under gives it no second turn either.
    assert!(!send(&booking, "launchRocket", Some("key-5")).json()["result"].is_null());
    assert_eq!(send(&booking, "bookAppointment", None).status, 400);
    assert_eq!(send(&booking, "bookAppointment", Some("key-6")).json(), first.json());
    // A request that only asked never books.
    let question = request(&message::booking(date, "11:00"));
    let first_answer = send(&question, "checkAvailability", None);
    let again = send(&question, "bookAppointment", Some("key-7"));
    assert_eq!((again.status, again.json()), (200, first_answer.json()));
    assert_eq!(booked(), deployment.postgres().map(|_| 0));
    // The sender's own repetition is signed anew, and known by its key.
    let again = bare(
        gateway,
        "bookAppointment",
        declared(&northgate.slug, Some("key-1")),
        &message::booking(date, "10:00"),
        northgate,
    );
    assert_eq!(again.json(), first.json());
}

fn arguments_that_a_secret_only_accompanies_run_under_each_key(database: Database) {
    let deployment = Deployment::new(database);
    let secret = "northgate: a bearer of its own";
    let credential = json!({"label": "own", "preset": "bearer", "secret": secret});
    let northgate = Organization::northgate().with("credentials", json!([credential]));
    deployment.apply(&[&northgate]);
    let gateway = deployment.start();
    let arguments = message::booking(days_ahead(5), "10:00").to_string();
    let send = |key| {
        let bearer = vec![("authorization".to_owned(), format!("Bearer {secret}"))];
        let headers = [bearer, declared(&northgate.slug, Some(key))].concat();
        gateway.post(&format!("{TOOLS}bookAppointment"), headers, arguments.clone()).text()
    };
    let first = send("key-1");
    assert_eq!(send("key-1"), first);
    // Two wishes of the same words, sent on purpose, are two requests: there is nothing to tell them from a captured one.
    assert!(send("key-2").contains("taken"));
}

fn bare_arguments_need_a_declared_organization(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let arguments = message::booking(days_ahead(5), "10:00");
    let before = deployment.postgres().map(|postgres| postgres.row_counts());
    let key = vec![("x-idempotency-key".to_owned(), "key".to_owned())];
    let send = |headers: Headers| bare(gateway, "bookAppointment", headers, &arguments, northgate);
    assert_eq!(refused(&send(key.clone())), (400, "unresolved_organization".to_owned()));
    for nobody in ["", "*", "nobody", "00000000-0000-0000-0000-000000000000"] {
        let answer = send([key.clone(), declared(nobody, None)].concat());
        assert_eq!(refused(&answer), (400, "unresolved_organization".to_owned()), "{nobody:?}");
    }
    // Declared twice is not declared.
    let twice = [key.clone(), declared(&northgate.slug, None), declared(&fontaneria.slug, None)].concat();
    assert_eq!(refused(&send(twice)), (400, "unresolved_organization".to_owned()));
    let other = send([key, declared(&fontaneria.slug, None)].concat());
    assert_eq!(refused(&other), (401, "unauthorized".to_owned()));
    // Organizations and assistants that the arguments name count for nothing.
    let mut arguments = arguments;
    arguments["metadata"] = json!({"org_id": northgate.id});
    arguments["assistantId"] = json!(northgate.assistant);
    let answer = bare(gateway, "bookAppointment", declared("nobody", Some("key")), &arguments, northgate);
    assert_eq!(refused(&answer), (400, "unresolved_organization".to_owned()));
    assert_eq!(deployment.postgres().map(|postgres| postgres.row_counts()), before);
}

fn the_shared_secret_does_not_speak_for_a_declared_organization(database: Database) {
    // Not even where it may speak for metadata: a header is less than that.
    let deployment = Deployment::new(database)
        .shared_secret("the deployment's shared secret")
        .set("GATEWAY__RESOLVER__METADATA_WITH_SHARED_SECRET", "true");
    let mut northgate = Organization::northgate().without("credentials");
    northgate.secret = "the deployment's shared secret".to_owned();
    deployment.apply(&[&northgate]);
    let gateway = deployment.start();
    let arguments = message::booking(days_ahead(5), "10:00");
    let answer =
        bare(&gateway, "bookAppointment", declared(&northgate.slug, Some("key")), &arguments, &northgate);
    assert_eq!(refused(&answer), (401, "unauthorized".to_owned()));
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 0);
    }
}

fn the_names_in_a_message_win_over_the_route(database: Database) {
    let World { gateway, northgate, .. } = &World::new(database);
    let date = json!({"appointmentDate": days_ahead(5).to_string()});
    let check = message::tool_call("call_1", "checkAvailability", &date);
    let call = message::call("call-1", &northgate.assistant);
    let mut unnamed = check.clone();
    unnamed["function"].as_object_mut().unwrap().remove("name");
    for (route, tool_call) in [("bookAppointment", check), ("checkAvailability", unnamed)] {
        let own = json!({"toolCallList": [tool_call]});
        let mut nested = message::of_kind("tool-calls", call.clone(), own);
        let flat = nested["message"].take();
        for body in [json!({"message": flat}), flat] {
            let body = body.to_string();
            let answer = gateway.post(&format!("{TOOLS}{route}"), northgate.sign(body.as_bytes()), body);
            assert_eq!(answer.status, 200, "{}", answer.text());
            let result = &answer.json()["results"][0];
            assert!(result["result"].as_str().is_some_and(|text| text.contains("AM")), "{route}: {result}");
        }
    }
}
