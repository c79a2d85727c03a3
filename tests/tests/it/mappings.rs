//! Mappings as hand-written SQL changes them: in every notation, with one owner, and with a memory.

use crate::harness::message::{self, of_kind};
use crate::harness::{Database, Deployment, Gateway, Postgres, within_a_second};
use serde_json::{Value, json};

use crate::support::on_postgres;

on_postgres![
    a_number_is_known_in_every_notation,
    an_identifier_has_one_owner,
    a_late_report_goes_to_the_owner_at_the_time,
    nothing_matches_nothing,
];

const SHARED: &str = "the deployment's shared secret";
const FIRST: &str = "00000000-0000-4000-8000-00000000000a";
const SECOND: &str = "00000000-0000-4000-8000-00000000000b";

fn deployed(database: Database) -> (Deployment, Gateway) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    deployment.postgres().unwrap().run(&format!(
        "INSERT INTO organizations (id, name, region) VALUES ('{FIRST}', 'First', 'US'), ('{SECOND}', 'Second', 'DE')"
    ));
    let gateway = deployment.start();
    (deployment, gateway)
}

/// The organization that a message is taken for, as its line in the log says.
fn owner(gateway: &Gateway, message: &Value) -> Option<String> {
    let answer = gateway.send_with(SHARED, message);
    let line = gateway.log().of_request(&answer.request_id());
    line["org_id"].as_str().filter(|_| answer.status == 200).map(str::to_owned)
}

fn inbound(call_id: &str, number: &Value) -> Value {
    of_kind("status-update", json!({"id": call_id}), json!({"status": "ringing", "phoneNumber": number}))
}

fn a_number_is_known_in_every_notation(database: Database) {
    let (deployment, gateway) = deployed(database);
    deployment.postgres().unwrap().run(&format!(
        "INSERT INTO phone_number_mapping (organization_id, inbound_phone_number, vapi_phone_number_id, clinic_name)
         VALUES ('{FIRST}', '(555) 201-0142', 'phone-of-first', 'First');
         INSERT INTO phone_numbers (organization_id, provider_phone_id, number) VALUES ('{SECOND}', 'phone-of-second', '030 901820');
         INSERT INTO phone_numbers (organization_id, sip_uri) VALUES ('{SECOND}', 'SIP:Front@sip.vapi.ai');"
    ));
    let mut calls = 0;
    let mut of_number = |number: Value| {
        // A call of its own each time: a call that is known already would be found by its id.
        calls += 1;
        owner(&gateway, &inbound(&format!("call-{calls}"), &number))
    };
    for number in
        ["+15552010142", "+1 (555) 201-0142", "+1-555-201-0142", "+1.555.201.0142", " +15552010142 "]
    {
        assert_eq!(of_number(json!({"number": number})).as_deref(), Some(FIRST), "{number}");
        assert_eq!(of_number(json!(number)).as_deref(), Some(FIRST), "{number}");
        assert_eq!(of_number(json!({"twilioPhoneNumber": number})).as_deref(), Some(FIRST), "{number}");
    }
    for number in ["+4930901820", "+49 30 / 901820", "sip:front@sip.vapi.ai", "sip:FRONT@SIP.vapi.ai"] {
        assert_eq!(of_number(json!({"number": number})).as_deref(), Some(SECOND), "{number}");
    }
    for number in ["+15552010143", "+1555201014", "030 901820", "sip:back@sip.vapi.ai", "front@sip.vapi.ai"] {
        assert_eq!(of_number(json!({"number": number})), None, "{number}");
    }
    for (id, organization) in [("phone-of-first", FIRST), ("phone-of-second", SECOND)] {
        assert_eq!(of_number(json!({"id": id})).as_deref(), Some(organization), "{id}");
        let call = json!({"id": format!("call-{id}"), "phoneNumberId": id});
        assert_eq!(owner(&gateway, &of_kind("hang", call, json!({}))).as_deref(), Some(organization), "{id}");
    }
}

fn an_identifier_has_one_owner(database: Database) {
    let (deployment, gateway) = deployed(database);
    let postgres = deployment.postgres().unwrap();
    let claim = |organization: &str, assistant: &str, number: &str| {
        postgres.attempt(&format!(
            "INSERT INTO customer_configurations (organization_id, vapi_assistant_id, vapi_phone_number)
             VALUES ('{organization}', '{assistant}', '{number}')"
        ))
    };
    claim(FIRST, "asst_one", "+15552010101").unwrap();
    for (assistant, number, taken) in [
        ("asst_one", "+15552010102", "asst_one"),
        (" asst_one ", "+15552010102", "asst_one"),
        ("asst_two", "+1 555 201 0101", "+15552010101"),
    ] {
        let refusal = claim(SECOND, assistant, number).unwrap_err();
        assert!(refusal.contains(taken) && refusal.contains("already belongs to"), "{refusal}");
    }
    // The refused claims left nothing behind, and the same owner may name its own twice.
    claim(SECOND, "asst_two", "+15552010102").unwrap();
    postgres.run(&format!(
        "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{FIRST}', 'asst_one')"
    ));
    for (assistant, organization) in [("asst_one", FIRST), ("asst_two", SECOND)] {
        let message = message::call_started(&format!("call-of-{assistant}"), assistant);
        within_a_second("the assistant is its owner's", || {
            owner(&gateway, &message).as_deref() == Some(organization)
        });
    }
    let seen = postgres.run("SELECT assistant_id, organization_id FROM assistant_org_mapping ORDER BY 1");
    let expected = [["asst_one", FIRST], ["asst_two", SECOND]];
    assert_eq!(seen, expected.map(|row| row.map(|text| Some(text.to_owned())).to_vec()));
}

fn a_late_report_goes_to_the_owner_at_the_time(database: Database) {
    let (deployment, gateway) = deployed(database);
    let postgres = deployment.postgres().unwrap();
    let number = json!({"number": "+15552010150"});
    postgres.run(&format!(
        "INSERT INTO phone_numbers (organization_id, number) VALUES ('{FIRST}', '+15552010150')"
    ));
    within_a_second("the number has its first owner", || {
        owner(&gateway, &inbound("call-1", &number)).as_deref() == Some(FIRST)
    });
    let before = instant(postgres);
    postgres.run(&format!("DELETE FROM phone_numbers WHERE organization_id = '{FIRST}';"));
    postgres.run(&format!(
        "INSERT INTO phone_numbers (organization_id, number) VALUES ('{SECOND}', '+15552010150')"
    ));
    let after = instant(postgres);
    within_a_second("the number has its new owner", || {
        owner(&gateway, &inbound("call-2", &number)).as_deref() == Some(SECOND)
    });
    let report = |call_id: &str, created_at: &str| {
        let call = json!({"id": call_id, "createdAt": created_at});
        of_kind("end-of-call-report", call, json!({"endedReason": "x", "phoneNumber": number}))
    };
    for (call_id, created_at, organization) in [("call-3", &before, FIRST), ("call-4", &after, SECOND)] {
        assert_eq!(
            owner(&gateway, &report(call_id, created_at)).as_deref(),
            Some(organization),
            "{created_at}"
        );
        let kept = postgres
            .value(&format!("SELECT organization_id FROM call_logs WHERE vapi_call_id = '{call_id}'"));
        assert_eq!(kept.as_deref(), Some(organization));
    }
    // A clock ahead of ours is not believed, and the beginning of time belongs to the first owner.
    assert_eq!(owner(&gateway, &report("call-5", "2999-01-01T00:00:00Z")).as_deref(), Some(SECOND));
    assert_eq!(owner(&gateway, &report("call-6", "2001-01-01T00:00:00Z")).as_deref(), Some(FIRST));
}

/// The server's clock, as the provider writes instants.
fn instant(postgres: &Postgres) -> String {
    postgres
        .value(r#"SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
        .unwrap()
}

fn nothing_matches_nothing(database: Database) {
    let (deployment, gateway) = deployed(database);
    // Two organizations with empty and null values do not meet in them, and nobody finds either by them.
    deployment.postgres().unwrap().run(&format!(
        "INSERT INTO customer_configurations (organization_id, vapi_assistant_id, vapi_phone_number, vapi_squad_id)
         VALUES ('{FIRST}', NULL, NULL, NULL), ('{SECOND}', NULL, NULL, NULL), ('{FIRST}', '', '', ''),
                ('{SECOND}', '', ' ', '*'), ('{FIRST}', '*', '*', '*'), ('{SECOND}', 'asst_two', NULL, NULL);"
    ));
    within_a_second("the one real value counts", || {
        owner(&gateway, &message::call_started("call-0", "asst_two")).as_deref() == Some(SECOND)
    });
    for (nth, value) in
        [json!(null), json!(""), json!(" "), json!("*"), json!("null"), json!("%")].into_iter().enumerate()
    {
        let call = json!({"id": format!("call-{nth}-x"), "assistantId": value, "squadId": value, "phoneNumberId": value});
        let body =
            of_kind("status-update", call, json!({"status": "ringing", "phoneNumber": {"number": value}}));
        assert_eq!(owner(&gateway, &body), None, "{value}");
    }
}
