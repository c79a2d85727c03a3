//! Messages that name two organizations: refused after verification, and of no effect on the other one.

use crate::harness::message::{self, call, of_kind, tool_call};
use crate::harness::{Database, Deployment, Organization, days_ahead};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, refused, results};

on_both_databases![
    an_event_that_names_another_organization_is_refused,
    tool_calls_that_name_another_organization_are_answered_in_their_shape,
    whatever_the_provider_waits_for_is_answered_in_its_shape,
    another_vapi_account_is_a_conflict,
    what_is_said_on_the_phone_names_nobody,
];

/// The same message of one organization's assistant, each time with another pointer to the other organization.
fn contradictions(of: &Organization, other: &Organization, message: &Value) -> Vec<(&'static str, String)> {
    let with = |place: &str, member: Value| {
        let mut body = message.clone();
        let target = body.pointer_mut(place).unwrap().as_object_mut().unwrap();
        target.extend(member.as_object().unwrap().clone());
        body.to_string()
    };
    let text = message.to_string();
    let once = format!(r#""assistantId":"{}""#, of.assistant);
    assert_eq!(text.matches(&once).count(), 1, "{text}");
    let twice = text.replace(&once, &format!(r#"{once},"assistantId":"{}""#, other.assistant));
    vec![
        ("metadata of the call", with("/message/call", json!({"metadata": {"org_id": other.id}}))),
        ("a slug in the metadata", with("/message", json!({"metadata": {"organizationId": other.slug}}))),
        ("metadata beside the message", with("", json!({"customer": {"metadata": {"tenantId": other.id}}}))),
        (
            "metadata of the overrides",
            with("/message/call", json!({"assistantOverrides": {"metadata": {"orgId": other.id}}})),
        ),
        ("the id of a number", with("/message/call", json!({"phoneNumberId": other.phone_number_id}))),
        ("a number", with("/message", json!({"phoneNumber": {"number": other.phone_number}}))),
        ("a number as text", with("/message", json!({"phoneNumber": other.phone_number}))),
        ("a squad", with("/message/call", json!({"squadId": other.squad}))),
        ("another assistant", with("/message", json!({"assistant": {"id": other.second_assistant}}))),
        ("an assistant beside the message", with("", json!({"assistantId": other.assistant}))),
        (
            "an assistant in the metadata",
            with("/message/call", json!({"metadata": {"assistantId": other.assistant}})),
        ),
        ("the same key twice", twice),
    ]
}

const SHARED: &str = "the deployment's shared secret";

fn world(database: Database) -> World {
    World::on(
        Deployment::new(database)
            .shared_secret(SHARED)
            // The forged ones come by the dozen, and the budget of strangers is not what is tested here.
            .set("GATEWAY__LIMITS__UNVERIFIED_PER_ADDRESS", "10000"),
    )
}

fn an_event_that_names_another_organization_is_refused(database: Database) {
    let world = world(database);
    let World { gateway, deployment, northgate, fontaneria } = &world;
    let message = message::status_update("call-x", &northgate.assistant, "in-progress");
    let of_other =
        |world: &World| world.deployment.postgres().map(|pg| pg.row_counts_of(world.fontaneria.id));
    let before = of_other(&world);
    for (nth, (what, body)) in contradictions(northgate, fontaneria, &message).into_iter().enumerate() {
        // A call of its own each time, so that no message is a repetition of the one before.
        let body = body.replace("call-x", &format!("call-{nth}"));
        let mine = gateway.send_bytes_with(&northgate.secret, body.as_bytes());
        assert_eq!(refused(&mine), (409, "conflicting_organizations".to_owned()), "{what}");
        assert!(!mine.text().contains(&fontaneria.id.to_string()), "{what}: {}", mine.text());
        let line = gateway.log().of_request(&mine.request_id());
        assert_eq!(
            (line["verdict"].as_str(), line["org_id"].as_str()),
            (Some("conflict"), Some(northgate.id.to_string().as_str()))
        );
        for secret in [fontaneria.secret.as_str(), SHARED, "a guess"] {
            let theirs = gateway.send_bytes_with(secret, body.as_bytes());
            assert_eq!(refused(&theirs), (401, "unauthorized".to_owned()), "{what}");
        }
        if let Some(postgres) = deployment.postgres() {
            let stored = postgres.run(&format!(
                "SELECT organization_id, verdict FROM webhook_events WHERE vapi_call_id = 'call-{nth}'"
            ));
            let expected = [northgate.id.to_string(), "conflict".to_owned()];
            assert_eq!(stored, [expected.map(Some).to_vec()], "{what}");
            let noted = postgres.run(&format!(
                "SELECT organization_id, event FROM security_log WHERE vapi_call_id = 'call-{nth}'"
            ));
            assert_eq!(
                noted,
                [[northgate.id.to_string(), "conflict".to_owned()].map(Some).to_vec()],
                "{what}"
            );
            let called = format!("SELECT count(*) FROM call_logs WHERE vapi_call_id = 'call-{nth}'");
            assert_eq!(postgres.count(&called), 0, "{what}");
        }
    }
    assert_eq!(of_other(&world), before, "nothing is written for the other organization");
}

fn tool_calls_that_name_another_organization_are_answered_in_their_shape(database: Database) {
    let world = world(database);
    let World { gateway, northgate, fontaneria, .. } = &world;
    let book =
        |id: &str, time: &str| tool_call(id, "bookAppointment", &message::booking(days_ahead(3), time));
    let message = message::tool_calls(
        call("call-x", &northgate.assistant),
        &[book("call_one", "10:00"), book("call_two", "11:00")],
    );
    let rows = |world: &World| {
        let postgres = world.deployment.postgres()?;
        let mut own = postgres.row_counts_of(world.northgate.id);
        // These may grow: the record of the refusal.
        own.remove("webhook_events");
        own.remove("security_log");
        Some((own, postgres.row_counts_of(world.fontaneria.id)))
    };
    let before = rows(&world);
    for (nth, (what, body)) in contradictions(northgate, fontaneria, &message).into_iter().enumerate() {
        let body = body.replace("call-x", &format!("call-{nth}"));
        let mine = gateway.send_bytes_with(&northgate.secret, body.as_bytes());
        assert_eq!(mine.status, 200, "{what}: {}", mine.text());
        let results = results(&mine.json());
        let ids: Vec<_> = results.iter().map(|result| result["toolCallId"].as_str().unwrap()).collect();
        assert_eq!(ids, ["call_one", "call_two"], "{what}");
        assert!(results.iter().all(|result| result["error"].is_string()), "{what}: {results:?}");
        let theirs = gateway.send_bytes_with(&fontaneria.secret, body.as_bytes());
        assert_eq!(refused(&theirs), (401, "unauthorized".to_owned()), "{what}");
    }
    assert_eq!(rows(&world), before, "nothing is booked for anybody");
    if let Some(postgres) = world.deployment.postgres() {
        let noted = format!("SELECT count(*) FROM security_log WHERE organization_id = '{}'", northgate.id);
        assert_eq!(postgres.count(&noted), 12);
    }
}

fn whatever_the_provider_waits_for_is_answered_in_its_shape(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &world(database);
    for (kind, own, check) in crate::inactive::waiting_kinds() {
        let mut call = call(&format!("call-{kind}"), &northgate.assistant);
        call["metadata"] = json!({"org_id": fontaneria.id});
        let body = of_kind(kind, call, own);
        let answer = gateway.send(northgate, &body);
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        assert!(check(&answer.json()), "{kind}: {}", answer.text());
        assert_eq!(gateway.send(fontaneria, &body).status, 401, "{kind}");
    }
}

fn another_vapi_account_is_a_conflict(database: Database) {
    let deployment = Deployment::new(database);
    let northgate = Organization::northgate().with("vapi_org_id", json!("account-of-northgate"));
    deployment.apply(&[&northgate]);
    let gateway = deployment.start();
    let message = |account: &str| {
        let mut body = message::status_update(&format!("call-{account}"), &northgate.assistant, "ringing");
        body["message"]["call"]["orgId"] = json!(account);
        body
    };
    assert_eq!(gateway.send(&northgate, &message("account-of-northgate")).status, 200);
    let other = gateway.send(&northgate, &message("account-of-somebody-else"));
    assert_eq!(refused(&other), (409, "conflicting_organizations".to_owned()));
}

fn what_is_said_on_the_phone_names_nobody(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &world(database);
    let mut call = call("call-1", &northgate.assistant);
    // Set by a SIP header or a browser, and by whoever is on the phone.
    call["assistantOverrides"] =
        json!({"variableValues": {"org_id": fontaneria.id, "assistantId": fontaneria.assistant}});
    call["customer"] = json!({"number": fontaneria.phone_number});
    call["destination"] = json!({"type": "number", "number": fontaneria.phone_number});
    let mut arguments = message::booking(days_ahead(3), "10:00");
    arguments["org_id"] = json!(fontaneria.id);
    arguments["organizationId"] = json!(fontaneria.slug);
    let mut body = message::tool_calls(call, &[tool_call("call_1", "bookAppointment", &arguments)]);
    body["message"]["transcript"] =
        json!(format!("call {} and org {}", fontaneria.phone_number, fontaneria.id));
    body["message"]["destination"] = json!({"type": "number", "number": fontaneria.phone_number});
    let answer = gateway.send(northgate, &body);
    assert!(results(&answer.json()).iter().all(|result| result["result"].is_string()), "{}", answer.text());
    assert_eq!(gateway.send(fontaneria, &body).status, 401);
}
