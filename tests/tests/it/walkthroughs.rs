//! The walkthroughs of operators, step by step, and their results.

use crate::harness::message::{self, tool_call, tool_calls};
use crate::harness::{
    Database, Deployment, Gateway, Organization, Postgres, TOOLS, WEBHOOK, WEBHOOK_TOO, days_ahead,
    within_a_second,
};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, on_postgres, only_result, refused};

on_both_databases![
    the_endpoint_can_be_checked,
    each_secret_admits_its_own_organization,
    a_tool_call_finds_its_organization_by_metadata_alone,
    a_tool_call_without_metadata_finds_its_organization_by_assistant,
    outbound_calls_carry_metadata_and_inbound_calls_a_number,
];
on_postgres![organizations_are_onboarded_by_hand, the_operators_role_onboards_by_hand];

/// The walkthrough's secret of organizations that have none of their own.
const SHARED: &str = "the deployment's shared secret";
const CLINIC: &str = "d91e4aa4-914a-4d76-b5b7-2ee26e09b2a2";
const PLUMBER: &str = "6d593c7a-b00f-47be-8f77-cc4d1231f706";

fn the_endpoint_can_be_checked(database: Database) {
    let deployment = Deployment::new(database);
    let gateway = deployment.start();
    // The first three methods and everything before them, to the letter.
    let beginning = concat!(
        r#"{"success":true,"message":"Vapi webhook endpoint is active","multiTenant":true,"identificationMethods":["#,
        r#""assistant_id (from customer_configurations.vapi_assistant_id)","#,
        r#""phone_number (from customer_configurations.vapi_phone_number)","#,
        r#""call_id (from call_logs.vapi_call_id)""#,
    );
    for path in [WEBHOOK, WEBHOOK_TOO] {
        let answer = gateway.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert!(answer.text().starts_with(beginning), "{}", answer.text());
        assert_eq!(answer.json().as_object().unwrap().len(), 4);
        assert!(answer.json()["identificationMethods"].as_array().unwrap().iter().all(Value::is_string));
    }
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(gateway.get(path).status, 200, "{path}");
    }
    let stopped = gateway.stop();
    assert!(stopped.status.success(), "{}: {}", stopped.status, stopped.log);
}

fn organizations_are_onboarded_by_hand(database: Database) {
    onboard_by_hand(database, "");
}

fn the_operators_role_onboards_by_hand(database: Database) {
    onboard_by_hand(database, "SET ROLE gateway_operator;");
}

fn onboard_by_hand(database: Database, role: &str) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    let gateway = deployment.start();
    let postgres = deployment.postgres().unwrap();
    // Asked before it exists, so that the gateway has every reason to remember that it does not.
    let early = gateway.send_with(SHARED, &message::call_started("call-early", "asst_xxxxxxxxxxxxx"));
    assert_eq!(refused(&early), (400, "unresolved_organization".to_owned()));
    assert_eq!(early.json()["error"], "Cannot resolve organization");
    assert_eq!(early.json()["detail"], "Organization not found for this assistant");

    postgres.run(&format!(
        "{role}
         INSERT INTO organizations (id, name) VALUES ('{CLINIC}', 'Clinic'), ('{PLUMBER}', 'Plumbing Company');
         INSERT INTO customer_configurations (organization_id, vapi_assistant_id, vapi_phone_number, primary_language, is_active)
         VALUES ('{CLINIC}', 'asst_xxxxxxxxxxxxx', '+1234567890', 'en', true);
         INSERT INTO customer_configurations (organization_id, vapi_assistant_id, primary_language, secondary_languages, sms_preferences, custom_config, is_active)
         VALUES ('{PLUMBER}', 'asst_plumbing_company_assistant', 'es', ARRAY['es'],
                 '{{\"enabled\": true, \"confirmation\": true, \"reminder\": true}}'::jsonb, '{{}}'::jsonb, true);"
    ));
    resolves_within_a_second(&gateway, "asst_xxxxxxxxxxxxx", true);
    resolves_within_a_second(&gateway, "asst_plumbing_company_assistant", true);
    let seen = postgres.run(
        "SELECT id, organization_id, vapi_assistant_id, vapi_phone_number, is_active FROM customer_configurations LIMIT 5;",
    );
    assert_eq!(seen.len(), 2);

    // The full column list, and the number instead of the assistant.
    postgres.run(&format!(
        "{role}
         INSERT INTO organizations (id, name) VALUES ('00000000-0000-4000-8000-00000000000a', 'Third');
         INSERT INTO customer_configurations (organization_id, vapi_assistant_id, vapi_phone_number, primary_language, secondary_languages, sms_preferences, custom_config, is_active)
         VALUES ('00000000-0000-4000-8000-00000000000a', 'asst_x', '+1 (555) 201-0177', 'en', ARRAY['es'], '{{\"enabled\":true}}'::jsonb, '{{}}'::jsonb, true);"
    ));
    resolves_within_a_second(&gateway, "asst_x", true);
    let by_number = json!({"message": {"type": "status-update", "status": "ringing", "call": {"id": "call-n"},
                                       "phoneNumber": {"number": "+15552010177"}}});
    assert_eq!(gateway.send_with(SHARED, &by_number).status, 200);

    book_and_see_the_row(&gateway, postgres);

    postgres.run(&format!(
        "{role} UPDATE customer_configurations SET is_active = false WHERE organization_id = '{PLUMBER}';"
    ));
    resolves_within_a_second(&gateway, "asst_plumbing_company_assistant", false);
    resolves_within_a_second(&gateway, "asst_xxxxxxxxxxxxx", true);
    postgres.run(&format!(
        "{role} UPDATE customer_configurations SET is_active = true WHERE organization_id = '{PLUMBER}';"
    ));
    resolves_within_a_second(&gateway, "asst_plumbing_company_assistant", true);
    postgres.run(&format!("{role} DELETE FROM customer_configurations WHERE organization_id = '{PLUMBER}';"));
    resolves_within_a_second(&gateway, "asst_plumbing_company_assistant", false);
}

fn resolves_within_a_second(gateway: &Gateway, assistant: &str, is_wanted: bool) {
    let expected = if is_wanted { 200 } else { 400 };
    within_a_second(&format!("{assistant} is answered {expected}"), || {
        gateway.send_with(SHARED, &message::call_started("call-12345", assistant)).status == expected
    });
}

/// "Then a real call with a booking", and the lines that the operator looks for.
fn book_and_see_the_row(gateway: &Gateway, postgres: &Postgres) {
    let call = json!({
        "id": "call-real",
        "assistantId": "asst_xxxxxxxxxxxxx",
        "phoneNumber": {"number": "+1234567890"},
        "customer": {"number": message::CALLER},
    });
    let date = days_ahead(7);
    let book = tool_call("call_book", "bookAppointment", &message::booking(date, "10:00"));
    let answer = gateway.send_with(SHARED, &tool_calls(call, &[book]));
    assert_eq!(answer.status, 200, "{}", answer.text());
    only_result(&answer.json());
    let rows = postgres.run(&format!(
        "SELECT patient_name, patient_phone, vapi_call_id, to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
         FROM appointments WHERE organization_id = '{CLINIC}' ORDER BY created_at DESC LIMIT 1;"
    ));
    let expected =
        ["Jane Doe".to_owned(), "+15552017788".to_owned(), "call-real".to_owned(), format!("{date} 10:00")];
    assert_eq!(rows, [expected.map(Some).to_vec()]);

    let request_id = answer.request_id();
    for wanted in
        ["received", "phone_number", "assistant_id", "found organization", "extracted 1 tool calls", "booked"]
    {
        gateway.log().wait(wanted, |line| {
            let says = line["message"].as_str().unwrap_or_default().contains(wanted);
            says && [line["request_id"].as_str(), line["call_id"].as_str()]
                .iter()
                .any(|id| *id == Some(request_id.as_str()) || *id == Some("call-real"))
        });
    }
}

fn each_secret_admits_its_own_organization(database: Database) {
    let world = World::new(database);
    let World { gateway, northgate, fontaneria, .. } = &world;
    for path in [WEBHOOK, WEBHOOK_TOO] {
        for organization in [northgate, fontaneria] {
            let body = message::call_started("call-12345", &organization.assistant).to_string();
            let answer = gateway.post(path, organization.sign(body.as_bytes()), body);
            assert_eq!((answer.status, answer.json()), (200, json!({})));
            let line = gateway.log().of_request(&answer.request_id());
            assert_eq!(line["org_id"], organization.id.to_string(), "{line}");
            assert_eq!(line["assistant_id"], organization.assistant, "{line}");
        }
    }

    let before = world.deployment.postgres().map(|postgres| postgres.row_counts());
    for (secret, victim) in [(&northgate.secret, fontaneria), (&fontaneria.secret, northgate)] {
        for body in [
            message::call_started("call-forged", &victim.assistant),
            message::status_update("call-forged", &victim.assistant, "ended"),
            message::book("call-forged", &victim.assistant, "call_1", days_ahead(5), "10:00"),
        ] {
            let answer = gateway.send_with(secret, &body);
            assert_eq!(refused(&answer), (401, "unauthorized".to_owned()), "{body}");
            assert_eq!(answer.json()["error"], "Invalid webhook signature");
        }
    }
    assert_eq!(world.deployment.postgres().map(|postgres| postgres.row_counts()), before);
}

/// The walkthrough's body: the organization stands beside the message, in the customer's metadata.
fn with_metadata(organization: &Organization, call_id: &str, time: &str) -> Value {
    let book = tool_call(
        &format!("{call_id}-tool"),
        "bookClinicAppointment",
        &message::booking(days_ahead(6), time),
    );
    let mut body = tool_calls(json!({"id": call_id}), &[book]);
    body["customer"] = json!({"metadata": {"org_id": organization.id}});
    body
}

fn a_tool_call_finds_its_organization_by_metadata_alone(database: Database) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    let northgate = Organization::northgate();
    let unsecured = Organization::fontaneria().without("credentials");
    deployment.apply(&[&northgate, &unsecured]);
    let gateway = deployment.start();
    let tool = format!("{TOOLS}bookClinicAppointment");

    for (path, call_id, time) in [(tool.as_str(), "call-d1", "10:00"), (WEBHOOK, "call-d2", "11:00")] {
        let body = with_metadata(&northgate, call_id, time).to_string();
        let answer = gateway.post(path, northgate.sign(body.as_bytes()), body.as_str());
        assert_eq!(answer.status, 200, "{}", answer.text());
        only_result(&answer.json());
        if let Some(postgres) = deployment.postgres() {
            let owner = postgres
                .value(&format!("SELECT organization_id FROM appointments WHERE vapi_call_id = '{call_id}'"));
            assert_eq!(owner, Some(northgate.id.to_string()));
        }
        assert!(gateway.effects(&answer).contains(&"booked".to_owned()));
    }

    // A body that names an organization is no proof that the deployment's secret speaks for it.
    let before = deployment.postgres().map(|postgres| postgres.row_counts());
    for organization in [&northgate, &unsecured] {
        let forged = with_metadata(organization, "call-d3", "12:00");
        assert_eq!(refused(&gateway.send_with(SHARED, &forged)), (401, "unauthorized".to_owned()));
    }
    assert_eq!(deployment.postgres().map(|postgres| postgres.row_counts()), before);
    let _ = gateway.stop();

    let deployment = deployment.set("GATEWAY__RESOLVER__METADATA_WITH_SHARED_SECRET", "true");
    let gateway = deployment.start();
    let answer = gateway.send_with(SHARED, &with_metadata(&unsecured, "call-d4", "12:00"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    only_result(&answer.json());
    // An organization's own credential is not weakened by it.
    let forged = with_metadata(&northgate, "call-d5", "12:00");
    assert_eq!(refused(&gateway.send_with(SHARED, &forged)), (401, "unauthorized".to_owned()));
}

fn a_tool_call_without_metadata_finds_its_organization_by_assistant(database: Database) {
    let world = World::new(database);
    let World { gateway, northgate, .. } = &world;
    let path = format!("{TOOLS}bookClinicAppointment");
    // Two assistants of one organization, the same URL.
    for (assistant, time) in [(&northgate.assistant, "10:00"), (&northgate.second_assistant, "11:00")] {
        let call_id = format!("call-of-{assistant}");
        let book = tool_call("call_1", "bookClinicAppointment", &message::booking(days_ahead(6), time));
        let body = tool_calls(message::call(&call_id, assistant), &[book]).to_string();
        let answer = gateway.post(&path, northgate.sign(body.as_bytes()), body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        only_result(&answer.json());
        gateway.log().wait("the warning of missing metadata", |line| {
            line["level"] == "WARN"
                && line["message"] == "org_id missing in metadata"
                && line["assistant_id"] == assistant.as_str()
        });
        if let Some(postgres) = world.deployment.postgres() {
            let owner = postgres
                .value(&format!("SELECT organization_id FROM appointments WHERE vapi_call_id = '{call_id}'"));
            assert_eq!(owner, Some(northgate.id.to_string()));
        }
    }
}

fn outbound_calls_carry_metadata_and_inbound_calls_a_number(database: Database) {
    let world = World::new(database);
    let World { gateway, northgate, fontaneria, .. } = &world;
    for organization in [northgate, fontaneria] {
        let metadata = json!({"organizationId": organization.slug, "leadId": "lead-456"});
        let calls = [
            json!({"id": format!("out-1-{}", organization.slug), "type": "outboundPhoneCall", "metadata": metadata}),
            json!({"id": format!("out-2-{}", organization.slug), "type": "outboundPhoneCall",
                   "assistantOverrides": {"metadata": metadata}}),
            json!({"id": format!("in-{}", organization.slug), "type": "inboundPhoneCall",
                   "phoneNumberId": organization.phone_number_id}),
        ];
        for call in calls {
            let call_id = call["id"].as_str().unwrap().to_owned();
            let is_outbound = call["type"] == "outboundPhoneCall";
            for (kind, own) in [
                ("status-update", json!({"status": "in-progress"})),
                (
                    "end-of-call-report",
                    json!({"endedReason": "customer-ended-call", "artifact": {}, "analysis": {}}),
                ),
            ] {
                let answer = gateway.send(organization, &message::of_kind(kind, call.clone(), own));
                assert_eq!((answer.status, answer.json()), (200, json!({})), "{kind} of {call_id}");
                assert!(gateway.effects(&answer).contains(&"ledger".to_owned()), "{kind} of {call_id}");
                let line = gateway.log().of_request(&answer.request_id());
                assert_eq!(line["org_id"], organization.id.to_string());
            }
            if let Some(postgres) = world.deployment.postgres() {
                let rows = postgres.run(&format!(
                    "SELECT organization_id, status, ended_reason, coalesce(metadata->>'leadId', '-')
                     FROM call_logs WHERE vapi_call_id = '{call_id}'"
                ));
                let lead = if is_outbound { "lead-456" } else { "-" };
                let expected = [organization.id.to_string().as_str(), "ended", "customer-ended-call", lead]
                    .map(|text| Some(text.to_owned()));
                assert_eq!(rows, [expected.to_vec()], "{call_id}");
            }
        }
    }
}
