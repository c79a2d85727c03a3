//! Stored messages, taken again: what was lost comes back, and what was done is not done twice.

use serde_json::{Value, json};

use crate::harness::message::{self, call, of_kind};
use crate::harness::{Database, Deployment, Postgres, days_ahead, within_a_second};
use crate::support::{World, on_both_databases, on_postgres, only_result, refused, told};

on_both_databases![
    what_had_its_effect_makes_no_difference,
    a_booking_is_not_repeated,
    a_message_of_an_inactive_organization_is_accepted_once_it_is_active,
    a_conflict_is_accepted_once_it_is_resolved,
    an_organization_replays_its_own_messages_only,
];
on_postgres![
    a_damaged_ledger_row_is_restored,
    a_body_that_is_understood_now_is_accepted,
    what_was_erased_stays_erased,
    a_live_call_keeps_its_control_url,
    a_replay_is_in_the_audit_log,
];

fn replay(deployment: &Deployment, org: &str, what: [&str; 2], apply: bool) -> (i32, Value) {
    let mut arguments = vec!["replay", "--org", org, what[0], what[1], "--json"];
    arguments.extend(apply.then_some("--apply"));
    let (code, mut lines) = told(deployment, &arguments);
    assert!(lines.len() <= 1, "{lines:?}");
    (code, lines.pop().unwrap_or_default())
}

fn report(world: &World, call_id: &str) -> Value {
    let own = json!({
        "endedReason": "customer-ended-call",
        "startedAt": "2026-03-01T09:30:00.000Z",
        "endedAt": "2026-03-01T09:31:01.500Z",
        "cost": 0.25,
        "artifact": {"transcript": "Hello. Goodbye.", "recordingUrl": "https://example.com/a.wav"},
        "analysis": {"summary": "They met.", "structuredData": {"mood": "fine"}, "successEvaluation": "true"},
    });
    of_kind("end-of-call-report", call(call_id, &world.northgate.assistant), own)
}

/// Plays a call of three messages.
fn play(world: &World, call_id: &str) {
    let World { gateway, northgate, .. } = world;
    for status in ["ringing", "in-progress"] {
        let answer = gateway.send(northgate, &message::status_update(call_id, &northgate.assistant, status));
        assert_eq!(answer.status, 200);
    }
    assert_eq!(gateway.send(northgate, &report(world, call_id)).status, 200);
}

/// Everything that the ledger holds of a call.
fn ledger(postgres: &Postgres, call_id: &str) -> String {
    let sql = format!(
        "SELECT jsonb_build_array(l, r)::text FROM call_logs l LEFT JOIN call_reports r USING (organization_id, vapi_call_id)
         WHERE vapi_call_id = '{call_id}'"
    );
    postgres.value(&sql).unwrap()
}

fn outcomes(report: &Value) -> Vec<&str> {
    report["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["outcome"].as_str().unwrap())
        .collect()
}

fn what_had_its_effect_makes_no_difference(database: Database) {
    let world = World::new(database);
    let World { deployment, northgate, .. } = &world;
    play(&world, "call-1");
    for apply in [false, true, true] {
        let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], apply);
        assert_eq!((code, &report["changes"]), (0, &json!([])), "{report}");
        assert_eq!(outcomes(&report), ["applied", "applied", "applied"]);
        let kinds: Vec<&Value> =
            report["messages"].as_array().unwrap().iter().map(|message| &message["kind"]).collect();
        assert_eq!(kinds, ["status-update", "status-update", "end-of-call-report"], "as they arrived");
    }
    // The id of the organization is as good as its slug, and a single message as good as a call.
    let (_, report) = replay(deployment, &northgate.id.to_string(), ["--call", "call-1"], false);
    let id = report["messages"][2]["id"].as_str().unwrap();
    let (code, report) = replay(deployment, &northgate.slug, ["--message", id], true);
    assert_eq!((code, outcomes(&report), &report["changes"]), (0, vec!["applied"], &json!([])));
    let text = deployment.run(&["replay", "--org", &northgate.slug, "--call", "call-1"]).stdout;
    assert!(String::from_utf8(text).unwrap().contains("No difference"));
}

fn a_booking_is_not_repeated(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let book = message::book("call-1", &northgate.assistant, "call_1", days_ahead(4), "10:00");
    only_result(&gateway.send(northgate, &book).json());
    // As if it had never run: nobody waits for it any more.
    if let Some(postgres) = deployment.postgres() {
        postgres.run("UPDATE appointments SET status = 'cancelled'");
    }
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, &report["changes"]), (0, &json!([])));
    let tools = json!([{"id": "call_1", "name": "bookAppointment", "state": "answered"}]);
    assert_eq!(report["messages"][0]["tools"], tools);
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments WHERE status = 'cancelled'"), 1);
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 1);
        postgres.run("DELETE FROM tool_results; DELETE FROM appointments");
        let (_, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
        assert_eq!(report["messages"][0]["tools"][0]["state"], "not_run");
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 0);
        assert_eq!(postgres.count("SELECT count(*) FROM tool_results"), 0);
    }
}

fn a_message_of_an_inactive_organization_is_accepted_once_it_is_active(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    deployment.apply(&[&northgate.clone().with("active", json!(false))]);
    let ringing = message::status_update("call-1", &northgate.assistant, "ringing");
    within_a_second("the organization is off", || gateway.send(northgate, &ringing).status == 403);
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, outcomes(&report), &report["changes"]), (3, vec!["refused"], &json!([])));
    assert_eq!(report["messages"][0]["reason"], "organization_inactive");

    deployment.apply(&[northgate]);
    for apply in [false, true] {
        let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], apply);
        assert_eq!((code, outcomes(&report)), (0, vec!["accepted"]));
        assert_eq!(report["messages"][0]["verdict"], "inactive");
        let told = |table: &str, name: &str| {
            let row = report["changes"].as_array().unwrap().iter().find(|row| row["table"] == table).unwrap();
            let fields = row["fields"].as_array().unwrap();
            let field = fields.iter().find(|field| field["field"] == name).unwrap();
            (field["before"].clone(), field["after"].clone())
        };
        assert_eq!(told("webhook_events", "verdict"), (json!("inactive"), json!("accepted")));
        assert_eq!(told("call_logs", "status"), (Value::Null, json!("ringing")));
    }
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, outcomes(&report), &report["changes"]), (0, vec!["applied"], &json!([])));
    assert_eq!(report["messages"][0]["verdict"], "accepted");
}

fn a_conflict_is_accepted_once_it_is_resolved(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, fontaneria } = &world;
    let mut contradictory = call("call-1", &northgate.assistant);
    contradictory["phoneNumberId"] = json!(fontaneria.phone_number_id);
    let body = of_kind("status-update", contradictory, json!({"status": "ringing"}));
    assert_eq!(refused(&gateway.send(northgate, &body)), (409, "conflicting_organizations".to_owned()));
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, outcomes(&report), &report["changes"]), (3, vec!["refused"], &json!([])));
    assert_eq!(report["messages"][0]["reason"], "conflict");
    assert!(!report.to_string().contains(&fontaneria.id.to_string()), "the other one is not named");

    deployment.apply_and_prune(&[northgate, &fontaneria.clone().without("phone_numbers")]);
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, outcomes(&report)), (0, vec!["accepted"]), "{report}");
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, &report["changes"]), (0, &json!([])));
}

fn an_organization_replays_its_own_messages_only(database: Database) {
    let world = World::new(database);
    let World { deployment, northgate, fontaneria, .. } = &world;
    play(&world, "call-1");
    let (_, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], false);
    let id = report["messages"][0]["id"].as_str().unwrap().to_owned();
    for what in [["--call", "call-1"], ["--message", &id]] {
        assert_eq!(replay(deployment, &fontaneria.slug, what, true), (3, Value::Null));
    }
    let unknown = deployment.attempt(&["replay", "--org", "nobody", "--call", "call-1"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert_eq!(deployment.attempt(&["replay", "--org", &northgate.slug]).status.code(), Some(2));
}

fn a_damaged_ledger_row_is_restored(database: Database) {
    let world = World::new(database);
    let World { deployment, northgate, fontaneria, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    play(&world, "call-1");
    let whole = ledger(postgres, "call-1");
    let others = postgres.row_counts_of(fontaneria.id);
    postgres.run(
        "UPDATE call_logs SET status = 'queued', status_rank = 2, ended_at = NULL, ended_reason = NULL,
           contact_id = NULL, customer_number = NULL;
         UPDATE call_reports SET transcript = 'Hel', summary = NULL, cost = 99, structured_data = NULL",
    );
    let damaged = ledger(postgres, "call-1");
    let (code, dry) = replay(deployment, &northgate.slug, ["--call", "call-1"], false);
    assert_eq!((code, &dry["applied"]), (0, &json!(false)));
    assert_eq!(ledger(postgres, "call-1"), damaged, "a dry run changes nothing");
    let (_, real) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!(real["changes"], dry["changes"], "the dry run said what would happen");
    assert_eq!(ledger(postgres, "call-1"), whole);

    let changes = dry["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2, "{dry}");
    for (change, table) in changes.iter().zip(["call_logs", "call_reports"]) {
        assert_eq!((&change["table"], &change["row"]), (&json!(table), &json!("call-1")));
    }
    let told = |name: &str| {
        let mut fields = changes.iter().flat_map(|change| change["fields"].as_array().unwrap());
        let field = fields.find(|field| field["field"] == name).unwrap();
        (field["before"].clone(), field["after"].clone())
    };
    assert_eq!(told("status"), (json!("queued"), json!("ended")));
    assert_eq!(told("cost"), (json!(99.0), json!(0.25)));
    assert_eq!(told("transcript"), (json!("Hel"), json!("Hello. Goodbye.")));
    assert_eq!(told("structured_data"), (Value::Null, json!({"mood": "fine"})));

    let (_, again) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!(again["changes"], json!([]));
    // The row can be gone altogether, and its contact with it.
    postgres.run("DELETE FROM call_logs; DELETE FROM contacts; DELETE FROM call_pins");
    let (code, _) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!(code, 0);
    let restored = "SELECT l.status || ' ' || c.phone FROM call_logs l JOIN contacts c ON c.id = l.contact_id
                    JOIN call_pins p USING (vapi_call_id)";
    assert_eq!(postgres.value(restored), Some(format!("ended {}", message::CALLER)));
    assert_eq!(postgres.count("SELECT count(*) FROM webhook_events WHERE deliveries = 1"), 3);
    assert_eq!(postgres.row_counts_of(fontaneria.id), others);
}

fn a_body_that_is_understood_now_is_accepted(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    let drifted =
        of_kind("status-update", call("call-1", &northgate.assistant), json!({"status": {"odd": 1}}));
    assert_eq!(gateway.send(northgate, &drifted).status, 200);
    assert_eq!(postgres.value("SELECT verdict FROM webhook_events").as_deref(), Some("drifted"));
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, outcomes(&report)), (3, vec!["refused"]));
    assert_eq!(report["messages"][0]["reason"], "drifted");
    assert!(report["messages"][0]["detail"].as_str().unwrap().contains("message.status"), "{report}");

    // An older version did not understand what this one does.
    let known = message::status_update("call-2", &northgate.assistant, "ringing");
    assert_eq!(gateway.send(northgate, &known).status, 200);
    postgres.run(
        "UPDATE webhook_events SET verdict = 'drifted' WHERE vapi_call_id = 'call-2';
         DELETE FROM call_logs WHERE vapi_call_id = 'call-2'",
    );
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-2"], true);
    assert_eq!((code, outcomes(&report)), (0, vec!["accepted"]));
    let row =
        "SELECT l.status || ' ' || e.verdict FROM call_logs l JOIN webhook_events e USING (vapi_call_id)
               WHERE vapi_call_id = 'call-2'";
    assert_eq!(postgres.value(row).as_deref(), Some("ringing accepted"));
}

fn what_was_erased_stays_erased(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    play(&world, "call-1");
    let deleted = of_kind("call.deleted", call("call-1", &northgate.assistant), json!({}));
    assert_eq!(gateway.send(northgate, &deleted).status, 200);
    let erased = ledger(postgres, "call-1");
    let (code, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!((code, outcomes(&report)), (3, vec!["erased"; 4]));
    assert_eq!(ledger(postgres, "call-1"), erased);
}

fn a_live_call_keeps_its_control_url(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    let mut live = call("call-1", &northgate.assistant);
    live["monitor"] = json!({"controlUrl": "https://phone.example/control"});
    let body = of_kind("status-update", live, json!({"status": "in-progress"}));
    assert_eq!(gateway.send(northgate, &body).status, 200);
    let sealed = "SELECT sealed_control_url::text FROM call_logs";
    let before = postgres.value(sealed).unwrap();
    let (_, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!(report["changes"], json!([]));
    assert_eq!(postgres.value(sealed), Some(before));
    // The stored body has none to give back, and what stands in its place is none.
    postgres.run("UPDATE call_logs SET sealed_control_url = NULL");
    let (_, report) = replay(deployment, &northgate.slug, ["--call", "call-1"], true);
    assert_eq!(report["changes"], json!([]));
    assert_eq!(postgres.value(sealed), None);
}

fn a_replay_is_in_the_audit_log(database: Database) {
    let world = World::new(database);
    let World { deployment, northgate, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    play(&world, "call-1");
    let arguments =
        ["replay", "--org", &northgate.slug, "--call", "call-1", "--actor", "ann", "--reason", "a check"];
    let _ = deployment.run(&arguments);
    let line = format!(
        "SELECT count(*) FROM audit_log WHERE actor = 'ann' AND action = 'enter'
         AND subject = 'organization {}' AND detail->>'reason' = 'vapi-gateway replay: a check'",
        northgate.id
    );
    assert_eq!(postgres.count(&line), 1);
}
