//! A tool's own route: a message for it, or its arguments alone.

use crate::harness::{
    Database, Deployment, Gateway, Organization, Response, TOOLS, days_ahead, message, spoken,
};
use chrono::NaiveTime;
use serde_json::{Value, json};
use test_support::Headers;

use crate::support::{World, on_both_databases, refused};

on_both_databases![
    bare_arguments_book_with_the_organizations_own_credential,
    bare_arguments_need_a_declared_organization,
    the_shared_secret_does_not_speak_for_a_declared_organization,
    the_names_in_a_message_win_over_the_route,
];

/// Sends bare arguments with extra headers, signed with a secret.
fn bare(gateway: &Gateway, tool: &str, headers: Headers, arguments: &Value, by: &Organization) -> Response {
    let body = arguments.to_string();
    gateway.post(&format!("{TOOLS}{tool}"), [by.sign(body.as_bytes()), headers].concat(), body)
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
