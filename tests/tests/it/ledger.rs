//! The ledger: one row a call, whatever the order in which its messages come.

use crate::harness::message::{self, call, of_kind};
use crate::harness::{Database, Postgres};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, on_postgres};

on_both_databases![a_verified_call_is_known_by_its_id];
on_postgres![
    a_status_never_moves_a_call_back,
    a_fuller_report_completes_and_a_poorer_one_erases_nothing,
    a_report_keeps_the_caller_as_a_contact,
    secrets_in_a_payload_are_not_stored,
    a_deleted_call_loses_its_content,
    a_deleted_call_stays_without_content,
];

fn row(postgres: &Postgres, call_id: &str, columns: &str) -> Vec<String> {
    let sql = format!(
        "SELECT {columns} FROM call_logs LEFT JOIN call_reports USING (organization_id, vapi_call_id)
         WHERE vapi_call_id = '{call_id}'"
    );
    let mut rows = postgres.run(&sql);
    assert_eq!(rows.len(), 1, "one row a call: {call_id}");
    rows.remove(0).into_iter().map(Option::unwrap_or_default).collect()
}

fn a_verified_call_is_known_by_its_id(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    let only_call = of_kind("status-update", json!({"id": "call-1"}), json!({"status": "ended"}));
    let before = gateway.send(northgate, &only_call);
    assert_eq!(
        (before.status, before.json()["detail"].as_str()),
        (400, Some("Organization not found for this call"))
    );
    let first = message::status_update("call-1", &northgate.assistant, "in-progress");
    assert_eq!(gateway.send(northgate, &first).status, 200);
    let after = gateway.send(northgate, &only_call);
    assert_eq!(after.status, 200, "{}", after.text());
    assert_eq!(gateway.log().of_request(&after.request_id())["step"], "call_id");
    assert_eq!(gateway.send(fontaneria, &only_call).status, 401);
    // A call that two organizations have seen is nobody's without a mapping.
    let stolen = message::status_update("call-1", &fontaneria.assistant, "in-progress");
    assert_eq!(gateway.send(fontaneria, &stolen).status, 200);
    crate::harness::within_a_second("the contested pin is a miss", || {
        [northgate, fontaneria]
            .iter()
            .all(|organization| gateway.send(organization, &only_call).status == 400)
    });
}

fn a_status_never_moves_a_call_back(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let mut seen = Vec::new();
    for status in [
        "ringing",
        "in-progress",
        "queued",
        "ringing",
        "forwarding",
        "in-progress",
        "ended",
        "in-progress",
        "scheduled",
    ] {
        let answer = gateway.send(northgate, &message::status_update("call-1", &northgate.assistant, status));
        assert_eq!(answer.status, 200);
        seen.push(row(postgres, "call-1", "status").remove(0));
    }
    assert_eq!(
        seen,
        [
            "ringing",
            "in-progress",
            "in-progress",
            "in-progress",
            "forwarding",
            "forwarding",
            "ended",
            "ended",
            "ended"
        ]
    );
    // The report first, and what happened before it late.
    let report = of_kind(
        "end-of-call-report",
        call("call-2", &northgate.assistant),
        json!({"endedReason": "silence-timed-out"}),
    );
    assert_eq!(gateway.send(northgate, &report).status, 200);
    let late = message::status_update("call-2", &northgate.assistant, "ringing");
    assert_eq!(gateway.send(northgate, &late).status, 200);
    assert_eq!(row(postgres, "call-2", "status, ended_reason"), ["ended", "silence-timed-out"]);
}

fn a_fuller_report_completes_and_a_poorer_one_erases_nothing(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let send = |own: Value| {
        let body = of_kind("end-of-call-report", call("call-1", &northgate.assistant), own);
        let answer = gateway.send(northgate, &body);
        assert_eq!((answer.status, answer.json()), (200, json!({})));
    };
    let columns =
        "ended_reason, cost, to_char(started_at AT TIME ZONE 'UTC', 'HH24:MI:SS'), transcript, summary,
                   structured_data->>'mood', success_evaluation, recording_url";
    send(json!({"endedReason": "customer-ended-call", "artifact": {"transcript": "Hello."}, "analysis": {}}));
    assert_eq!(row(postgres, "call-1", columns), ["customer-ended-call", "", "", "Hello.", "", "", "", ""]);
    let full = [
        "customer-ended-call",
        "0.25",
        "09:30:00",
        "Hello. Goodbye.",
        "They met.",
        "fine",
        "true",
        "https://example.com/a.wav",
    ];
    send(json!({
        "endedReason": "customer-ended-call",
        "startedAt": "2026-03-01T09:30:00.000Z",
        "endedAt": "2026-03-01T09:31:01.500Z",
        "cost": 0.25,
        "artifact": {"transcript": "Hello. Goodbye.", "recordingUrl": "https://example.com/a.wav"},
        "analysis": {"summary": "They met.", "structuredData": {"mood": "fine"}, "successEvaluation": "true"},
    }));
    assert_eq!(row(postgres, "call-1", columns), full);
    send(json!({"endedReason": "customer-ended-call", "artifact": {}, "analysis": {"summary": null}}));
    assert_eq!(row(postgres, "call-1", columns), full);
    let stored = "SELECT deliveries FROM webhook_events WHERE vapi_call_id = 'call-1'";
    assert_eq!(postgres.count(stored), 3, "one row, delivered three times");
    let length = row(postgres, "call-1", "extract(epoch FROM ended_at - started_at)::text");
    assert_eq!(length, ["61.500000"]);
}

fn a_report_keeps_the_caller_as_a_contact(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    for (nth, (number, name)) in
        [("+15552013344", "Ann"), ("+1 (555) 201-3344", ""), ("anonymous", "X"), ("", "Y")].iter().enumerate()
    {
        for organization in [northgate, fontaneria] {
            let mut call = call(&format!("call-{nth}"), &organization.assistant);
            call["customer"] = json!({"number": number, "name": name});
            let body = of_kind(
                "end-of-call-report",
                call,
                json!({"endedReason": "x", "artifact": {}, "analysis": {}}),
            );
            assert_eq!(gateway.send(organization, &body).status, 200);
        }
    }
    for organization in [northgate, fontaneria] {
        // One caller, two ways to write the number; nobody for those that have none.
        let contacts = postgres.run(&format!(
            "SELECT name, phone FROM contacts WHERE organization_id = '{}' AND phone IS NOT NULL",
            organization.id
        ));
        assert_eq!(contacts, [["Ann", "+15552013344"].map(|text| Some(text.to_owned())).to_vec()]);
    }
    let tied = "SELECT count(*) FROM call_logs l JOIN contacts c ON c.organization_id = l.organization_id
                AND c.id = l.contact_id WHERE l.vapi_call_id IN ('call-0', 'call-1')";
    assert_eq!(postgres.count(tied), 4);
}

fn secrets_in_a_payload_are_not_stored(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let secret = "s3cr3t-in-the-payload";
    let mut call = call("call-1", &northgate.assistant);
    call["monitor"] = json!({"controlUrl": format!("https://phone.vapi.ai/{secret}/control")});
    call["metadata"] = json!({"leadId": "lead-1", "apiKey": secret});
    let own = json!({
        "status": "in-progress",
        "phoneNumber": {"number": northgate.phone_number, "twilioAuthToken": secret},
        "assistant": {"server": {"secret": secret, "headers": {"x-api-key": secret}}, "credentials": [{"token": secret}]},
    });
    assert_eq!(gateway.send(northgate, &of_kind("status-update", call, own)).status, 200);
    // Short bodies compress little, so that a secret would show in the bytes of one; every text column shows at once.
    for table in postgres.tenant_tables() {
        let found = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{secret}%'");
        assert_eq!(postgres.count(&found), 0, "{table}");
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let found = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%{hex}%'");
        assert_eq!(postgres.count(&found), 0, "{table}");
    }
    assert_eq!(
        row(postgres, "call-1", "metadata->>'leadId', (sealed_control_url IS NOT NULL)::text"),
        ["lead-1", "true"]
    );
    // The URL is of use as long as the call lasts.
    assert_eq!(
        gateway.send(northgate, &message::status_update("call-1", &northgate.assistant, "ended")).status,
        200
    );
    assert_eq!(row(postgres, "call-1", "(sealed_control_url IS NULL)::text"), ["true"]);
}

fn a_deleted_call_loses_its_content(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let report = json!({
        "endedReason": "customer-ended-call",
        "artifact": {"transcript": "Qwghlm spoken here.", "recordingUrl": "https://example.com/qwghlm.wav"},
        "analysis": {"summary": "Qwghlm."},
    });
    for call_id in ["call-1", "call-2"] {
        let body = of_kind("end-of-call-report", call(call_id, &northgate.assistant), report.clone());
        assert_eq!(gateway.send(northgate, &body).status, 200);
    }
    let deleted = of_kind("call.deleted", call("call-1", &northgate.assistant), json!({}));
    assert_eq!(gateway.answer(northgate, &deleted), json!({}));
    let columns = "coalesce(transcript, '-'), coalesce(summary, '-'), coalesce(recording_url, '-')";
    assert_eq!(row(postgres, "call-1", columns), ["-", "-", "-"]);
    assert_eq!(row(postgres, "call-2", "summary"), ["Qwghlm."]);
    // The stored bodies are content as well. "Qwghlm" is short and stands at the beginning of what is compressed.
    let hex: String = "Qwghlm".bytes().map(|byte| format!("{byte:02x}")).collect();
    let bodies = |call_id: &str| {
        postgres.count(&format!(
            "SELECT count(*) FROM webhook_events WHERE vapi_call_id = '{call_id}' AND encode(body, 'hex') LIKE '%{hex}%'"
        ))
    };
    assert_eq!((bodies("call-1"), bodies("call-2")), (0, 1));
}

fn a_deleted_call_stays_without_content(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let in_call = || call("call-1", &northgate.assistant);
    let report = |summary: &str| {
        let told = json!({
            "endedReason": "customer-ended-call",
            "artifact": {"transcript": "Qwghlm spoken here.", "recordingUrl": "https://example.com/qwghlm.wav"},
            "analysis": {"summary": summary, "structuredData": {"word": "Qwghlm"}},
        });
        of_kind("end-of-call-report", in_call(), told)
    };
    let said = of_kind(
        "conversation-update",
        in_call(),
        json!({"conversation": [{"role": "user", "content": "Qwghlm"}]}),
    );
    // The provider deletes the call before its report has arrived, sends that twice, and then a fuller one.
    let deleted = of_kind("call.deleted", in_call(), json!({}));
    assert_eq!(gateway.answer(northgate, &deleted), json!({}));
    for body in [&report("Qwghlm."), &report("Qwghlm."), &said, &deleted, &report("Qwghlm, at length.")] {
        assert_eq!(gateway.send(northgate, body).status, 200);
    }
    assert_eq!(postgres.count("SELECT count(*) FROM call_reports"), 0);
    assert_eq!(postgres.count("SELECT count(*) FROM contacts"), 0);
    let columns = "coalesce(customer_number, '-'), coalesce(contact_id::text, '-'), metadata::text, status";
    assert_eq!(row(postgres, "call-1", columns), ["-", "-", "{}", "ended"]);
    let (stored, with_body) = ("count(*)", "count(*) FILTER (WHERE length(body) > 32 OR body_bytes > 0)");
    let messages =
        postgres.run(&format!("SELECT ({stored} >= 3)::text, ({with_body})::text FROM webhook_events"));
    assert_eq!(messages, [[Some("true".to_owned()), Some("0".to_owned())]]);
}
