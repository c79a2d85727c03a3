//! Answers that the provider reads, each in its own shape, from the organization's own data.

use crate::harness::message::{self, call, of_kind};
use crate::harness::{Database, Deployment, Organization, now, within_a_second};
use chrono::Timelike;
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, on_postgres};

on_both_databases![
    an_inbound_call_is_given_its_assistant,
    a_call_goes_to_the_department_that_was_named,
    a_call_is_handed_to_the_assistant_that_was_named,
    knowledge_is_the_organizations_own,
    settings_decide_how_long_to_wait,
    contacts_are_called_by_day,
    audio_is_not_offered,
];
on_postgres![a_contact_that_must_not_be_called_is_not_called];

fn members(answer: &Value) -> Vec<&str> {
    answer.as_object().unwrap().keys().map(String::as_str).collect()
}

fn an_inbound_call_is_given_its_assistant(database: Database) {
    let world = World::new(database);
    let World { gateway, northgate, fontaneria, .. } = &world;
    let request = |call_id: &str, own: Value| {
        let mut body = of_kind("assistant-request", json!({"id": call_id, "type": "inboundPhoneCall"}), own);
        body["message"]["customer"] = json!({"number": message::CALLER});
        body
    };
    for (organization, zone, language) in
        [(northgate, "America/New_York", "en"), (fontaneria, "Europe/Madrid", "es")]
    {
        for (nth, own) in [
            json!({"phoneNumber": {"id": organization.phone_number_id}}),
            json!({"phoneNumber": {"number": organization.phone_number}}),
        ]
        .into_iter()
        .enumerate()
        {
            let call_id = format!("call-{nth}-{language}");
            let answer = gateway.answer(organization, &request(&call_id, own.clone()));
            assert_eq!(answer["assistantId"], organization.assistant, "{answer}");
            assert!(answer.get("error").is_none(), "{answer}");
            let values = &answer["assistantOverrides"]["variableValues"];
            assert_eq!(values["organizationName"], organization.document["name"]);
            assert_eq!((&values["timezone"], &values["language"]), (&json!(zone), &json!(language)));
            assert!(values["localTime"].as_str().is_some_and(|time| time.len() >= 16), "{values}");
            assert!(values.get("contactName").is_none(), "nobody knows the caller: {values}");
            // A second delivery of the same request.
            let again = gateway.answer(organization, &request(&call_id, own));
            assert_eq!(again["assistantId"], organization.assistant);
        }
    }
    // Known callers are named, in the organization that knows them.
    let mut report =
        of_kind("end-of-call-report", call("call-old", &northgate.assistant), json!({"endedReason": "x"}));
    report["message"]["customer"] = json!({"number": message::CALLER, "name": "Ann Example"});
    assert_eq!(gateway.send(northgate, &report).status, 200);
    let named = |organization: &Organization, call_id: &str| {
        let own = json!({"phoneNumber": {"id": organization.phone_number_id}});
        gateway.answer(organization, &request(call_id, own))["assistantOverrides"]["variableValues"]["contactName"].clone()
    };
    assert_eq!(named(northgate, "call-named"), "Ann Example");
    assert_eq!(named(fontaneria, "call-named-not"), Value::Null);
    // A number without a route is answered with a sentence.
    let unrouted = json!([{"id": northgate.phone_number_id, "number": northgate.phone_number}]);
    world.deployment.apply(&[&northgate.clone().with("phone_numbers", unrouted), fontaneria]);
    let own = json!({"phoneNumber": {"id": northgate.phone_number_id}});
    within_a_second("the number has no route", || {
        let answer = gateway.answer(northgate, &request("call-unrouted", own.clone()));
        members(&answer) == ["error"] && !answer["error"].as_str().unwrap().is_empty()
    });
}

fn a_call_goes_to_the_department_that_was_named(database: Database) {
    let World { gateway, northgate, .. } = &World::new(database);
    let ask = |call_id: &str, words: &str| {
        let turns =
            json!([{"role": "bot", "message": "How can I help?"}, {"role": "user", "message": words}]);
        let own = json!({"artifact": {"messages": turns}});
        gateway.answer(
            northgate,
            &of_kind("transfer-destination-request", call(call_id, &northgate.assistant), own),
        )
    };
    for (words, number) in [("Billing, please.", "+15552010199"), ("the reception desk", "+15552010198")] {
        let answer = ask(&format!("call-{number}"), words);
        assert_eq!(answer["destination"]["type"], "number", "{answer}");
        assert_eq!(answer["destination"]["number"], number, "{answer}");
        assert!(answer.get("error").is_none(), "{answer}");
    }
    let unknown = ask("call-3", "somewhere else");
    assert!(unknown["error"].is_string() && unknown.get("destination").is_none(), "{unknown}");
}

fn a_call_is_handed_to_the_assistant_that_was_named(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    let ask = |organization: &Organization, call_id: &str, to: &str| {
        let own = json!({"parameters": {"destination": to}});
        let call = call(call_id, &organization.assistant);
        gateway.answer(organization, &of_kind("handoff-destination-request", call, own))
    };
    for organization in [northgate, fontaneria] {
        for to in ["Marcy", "marcy", "billing"] {
            let answer = ask(organization, &format!("call-{to}"), to);
            assert_eq!(answer["destination"]["type"], "assistant", "{answer}");
            assert_eq!(answer["destination"]["assistantId"], organization.second_assistant, "{answer}");
        }
    }
    // Not to somebody else's assistant, though its id is known.
    let answer = ask(northgate, "call-other", &fontaneria.assistant);
    assert!(answer["error"].is_string(), "{answer}");
    assert!(!answer.to_string().contains(&fontaneria.assistant), "{answer}");
}

fn knowledge_is_the_organizations_own(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    let ask = |organization: &Organization, kind: &str, question: &str| {
        let turns =
            json!([{"role": "assistant", "content": "Hello."}, {"role": "user", "content": question}]);
        let call = call(&format!("call-{kind}"), &organization.assistant);
        gateway.answer(organization, &of_kind(kind, call, json!({"messagesOpenAIFormatted": turns})))
    };
    let answer = ask(northgate, "knowledge-base-request", "Where is your parking?");
    assert_eq!(members(&answer), ["documents"], "{answer}");
    let documents = answer["documents"].as_array().unwrap();
    assert!(documents[0]["content"].as_str().unwrap().contains("behind the house"), "{answer}");
    assert!(
        documents.iter().all(|it| it["similarity"].as_f64().is_some_and(|share| share > 0.0 && share <= 1.0)),
        "{answer}"
    );

    let answer = ask(northgate, "conversation-update", "Where is your parking?");
    assert_eq!(answer["success"], true, "{answer}");
    assert!(answer["context"].as_str().unwrap().contains("behind the house"), "{answer}");
    assert!(answer["chunks"].as_array().is_some_and(|chunks| !chunks.is_empty()), "{answer}");

    // The neighbour's documents are not known here, whatever is asked.
    for (organization, question) in
        [(fontaneria, "Where is your parking?"), (northgate, "¿Cuánto cuestan las urgencias?")]
    {
        assert_eq!(ask(organization, "knowledge-base-request", question), json!({"documents": []}));
        let answer = ask(organization, "conversation-update", question);
        assert_eq!((&answer["success"], &answer["context"]), (&json!(true), &json!("")), "{answer}");
    }
}

fn settings_decide_how_long_to_wait(database: Database) {
    let World { gateway, northgate, .. } = &World::new(database);
    let body = of_kind(
        "call.endpointing.request",
        call("call-1", &northgate.assistant),
        json!({"messagesOpenAIFormatted": []}),
    );
    assert_eq!(gateway.answer(northgate, &body), json!({"timeoutSeconds": 1.5}));
}

/// A time zone in which it is this hour now. Its sign is turned around: `Etc/GMT-2` is two hours ahead of Greenwich.
fn zone_at(hour: i64) -> String {
    let ahead = hour - i64::from(now().hour());
    // Zones reach from 12 hours behind to 14 hours ahead.
    let ahead = if ahead < -12 { ahead + 24 } else { ahead };
    match ahead {
        0 => "Etc/GMT".to_owned(),
        1.. => format!("Etc/GMT-{ahead}"),
        _ => format!("Etc/GMT+{}", -ahead),
    }
}

fn predial(organization: &Organization, number: &str) -> Value {
    json!({"message": {
        "type": "campaign.predial",
        "campaignId": "campaign-1",
        "assistantId": organization.assistant,
        "contact": {"id": "c", "campaignId": "campaign-1", "orgId": "account", "number": number, "createdAt": "2026-01-01T00:00:00Z"},
    }})
}

fn contacts_are_called_by_day(database: Database) {
    let deployment = Deployment::new(database);
    let day = Organization::northgate().with("timezone", json!(zone_at(12)));
    let night = Organization::fontaneria().with("timezone", json!(zone_at(2)));
    deployment.apply(&[&day, &night]);
    let gateway = deployment.start();
    assert_eq!(gateway.answer(&day, &predial(&day, "+15552017788")), json!({"eligible": true}));
    assert_eq!(gateway.answer(&night, &predial(&night, "+15552017788")), json!({"eligible": false}));
    // A number that cannot be read cannot be looked up among those that must not be called.
    assert_eq!(gateway.answer(&day, &predial(&day, "anonymous")), json!({"eligible": false}));
}

fn a_contact_that_must_not_be_called_is_not_called(database: Database) {
    let deployment = Deployment::new(database);
    let (northgate, other) = (
        Organization::northgate().with("timezone", json!(zone_at(12))),
        Organization::fontaneria().with("timezone", json!(zone_at(12))),
    );
    deployment.apply(&[&northgate, &other]);
    let gateway = deployment.start();
    deployment.postgres().unwrap().run(&format!(
        "INSERT INTO contacts (organization_id, name, phone, do_not_call) VALUES ('{}', 'Ann', '+15552017788', true)",
        northgate.id
    ));
    assert_eq!(
        gateway.answer(&northgate, &predial(&northgate, "+1 555 201 7788")),
        json!({"eligible": false})
    );
    assert_eq!(gateway.answer(&northgate, &predial(&northgate, "+15552017789")), json!({"eligible": true}));
    // Another organization's flag is none of its business.
    assert_eq!(gateway.answer(&other, &predial(&other, "+15552017788")), json!({"eligible": true}));
}

fn audio_is_not_offered(database: Database) {
    let World { gateway, northgate, .. } = &World::new(database);
    let body = of_kind(
        "voice-request",
        call("call-1", &northgate.assistant),
        json!({"text": "Hello", "sampleRate": 24000}),
    );
    let answer = gateway.send(northgate, &body);
    assert_eq!((answer.status, answer.refusal()), (501, "not_supported".to_owned()));
    assert_eq!(gateway.send_with("a guess", &body).status, 401);
}
