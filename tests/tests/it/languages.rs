//! Callers hear their organization's language, also when something goes wrong.

use crate::harness::message::{self, call, of_kind, tool_call, tool_calls};
use crate::harness::{Database, Deployment, Gateway, Organization, within_a_second};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, on_postgres};

on_both_databases![
    failures_are_in_the_organizations_language,
    refusals_are_in_the_organizations_language,
    too_much_is_refused_in_the_organizations_language,
    whoever_is_switched_off_is_refused_in_its_language,
];
on_postgres![a_lost_database_is_apologised_for_in_the_organizations_language];

/// Every text that an answer has to say.
fn texts(answer: &Value) -> Vec<String> {
    let of = |value: &Value| {
        ["error", "result"]
            .iter()
            .filter_map(|member| Some(value.get(member)?.as_str()?.to_owned()))
            .collect::<Vec<_>>()
    };
    let results = answer.get("results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    results.iter().chain([answer]).flat_map(of).collect()
}

/// The gateway's sentence for each kind of message that is answered with one.
fn said(gateway: &Gateway, organization: &Organization, call_id: &str) -> Vec<String> {
    let call = || call(call_id, &organization.assistant);
    let own = |to: &str| json!({"parameters": {"to": to}});
    [
        tool_calls(call(), &[tool_call("call_1", "bookAppointment", &json!({}))]),
        tool_calls(call(), &[tool_call("call_2", "checkAvailability", &json!({"appointmentDate": "soon"}))]),
        tool_calls(call(), &[tool_call("call_3", "noSuchTool", &json!({}))]),
        tool_calls(call(), &[tool_call("call_4", "bookAppointment", &json!("{broken"))]),
        of_kind("transfer-destination-request", call(), json!({})),
        of_kind("handoff-destination-request", call(), own("nobody of that name")),
        of_kind(
            "assistant-request",
            json!({"id": call_id, "assistantId": organization.assistant}),
            json!({}),
        ),
    ]
    .iter()
    .flat_map(|message| {
        let found = texts(&gateway.answer(organization, message));
        assert!(!found.is_empty(), "{message}");
        found
    })
    .collect()
}

/// No word that only English has.
fn assert_no_english(sentences: &[String]) {
    const ENGLISH: [&str; 14] = [
        "the", "is", "sorry", "there", "right", "now", "please", "must", "missing", "field", "which",
        "would", "tool", "named",
    ];
    for sentence in sentences {
        let lower = sentence.to_lowercase();
        let mut words = lower.split(|letter: char| !letter.is_alphabetic());
        let english = words.find(|word| ENGLISH.contains(word));
        assert_eq!(english, None, "{sentence}");
    }
}

fn failures_are_in_the_organizations_language(database: Database) {
    let deployment = Deployment::new(database);
    let organizations: Vec<Organization> = ["es", "fr-CA", "de", "en"]
        .iter()
        .map(|language| Organization::fontaneria().with("primary_language", json!(language)))
        .collect();
    let gateway = {
        deployment.apply(&[&organizations[0]]);
        deployment.start()
    };
    let mut heard = Vec::new();
    for (nth, organization) in organizations.iter().enumerate() {
        deployment.apply(&[organization]);
        let unknown = tool_calls(
            call("call-probe", &organization.assistant),
            &[tool_call("call_1", "noSuchTool", &json!({}))],
        );
        // The language of failures is part of what is cached of an organization, and changes are heard.
        let expected = ["No existe", "Il n'existe", "Es gibt kein", "There is no"][nth];
        within_a_second("the language has changed", || {
            texts(&gateway.answer(organization, &unknown))[0].starts_with(expected)
        });
        let sentences = said(&gateway, organization, &format!("call-{nth}"));
        assert_eq!(sentences.len(), 7, "{sentences:?}");
        if nth < 3 {
            assert_no_english(&sentences);
        }
        heard.extend(sentences);
    }
    heard.sort_unstable();
    let count = heard.len();
    heard.dedup();
    assert_eq!(heard.len(), count, "no two languages share a sentence");
}

fn refusals_are_in_the_organizations_language(database: Database) {
    // Another organization's identifier: refused, and the provider waits for a sentence.
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    let mut conflicting = call("call-1", &fontaneria.assistant);
    conflicting["phoneNumberId"] = json!(northgate.phone_number_id);
    let sentences: Vec<String> =
        ["assistant-request", "transfer-destination-request", "handoff-destination-request"]
            .iter()
            .flat_map(|kind| {
                texts(&gateway.answer(fontaneria, &of_kind(kind, conflicting.clone(), json!({}))))
            })
            .collect();
    assert_eq!(sentences.len(), 3);
    assert_no_english(&sentences);
    assert!(sentences.iter().all(|sentence| sentence.starts_with("Lo siento")), "{sentences:?}");
}

fn too_much_is_refused_in_the_organizations_language(database: Database) {
    let world = World::on(Deployment::new(database).set("GATEWAY__LIMITS__WAITING", "1"));
    let ask = |nth: usize| {
        let check = tool_call("call_1", "checkAvailability", &json!({"appointmentDate": "2031-01-01"}));
        let body = tool_calls(call(&format!("call-{nth}"), &world.fontaneria.assistant), &[check]);
        texts(&world.gateway.answer(&world.fontaneria, &body))
    };
    // The allowance refills, a call a minute: of these at most a few are let in.
    let refused: Vec<String> =
        (0..20).flat_map(ask).filter(|sentence| sentence.contains("ocupados")).collect();
    assert!(refused.len() > 10, "{refused:?}");
    assert_no_english(&refused);
}

fn whoever_is_switched_off_is_refused_in_its_language(database: Database) {
    let deployment = Deployment::new(database);
    let fontaneria = Organization::fontaneria();
    deployment.apply(&[&fontaneria.clone().with("active", json!(false))]);
    let gateway = deployment.start();
    let sentences = said(&gateway, &fontaneria, "call-1");
    assert_no_english(&sentences);
    assert!(sentences.iter().all(|sentence| sentence.contains("no está disponible")), "{sentences:?}");
}

fn a_lost_database_is_apologised_for_in_the_organizations_language(database: Database) {
    let World { gateway, deployment, fontaneria, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let event = message::status_update("call-1", &fontaneria.assistant, "ringing");
    assert_eq!(gateway.send(fontaneria, &event).status, 200);
    postgres.run_outside(&format!("ALTER DATABASE \"{}\" ALLOW_CONNECTIONS false", postgres.name()));
    postgres.run_outside(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
        postgres.name()
    ));
    let book = tool_calls(
        call("call-lost", &fontaneria.assistant),
        &[tool_call("call_1", "bookAppointment", &json!({"appointmentDate": "2031-01-01"}))],
    );
    let sentences = texts(&gateway.answer(fontaneria, &book));
    assert_eq!(sentences.len(), 1);
    assert_no_english(&sentences);
    assert!(sentences[0].contains("nuestro sistema no está disponible"), "{sentences:?}");
}
