//! Messages that nobody owned when they came: kept, and claimed once somebody does.

use std::thread;

use serde_json::{Value, json};

use crate::harness::message::{self, call, of_kind};
use crate::harness::{Database, Deployment, Gateway, Organization, days_ahead, within_a_second};
use crate::support::{on_both_databases, on_postgres, refused, told};

on_both_databases![
    a_message_is_claimed_once_the_mapping_is_there,
    an_organization_with_credentials_of_its_own_claims_nothing,
    what_is_claimed_does_not_run_tools,
    two_claims_at_once_file_each_message_once,
    a_message_that_nobody_wants_is_dropped,
    metadata_alone_claims_nothing,
    the_past_of_a_removed_organization_goes_to_nobody,
];
on_postgres![
    a_claim_that_was_cut_off_is_finished,
    a_redelivery_of_a_claimed_message_is_the_same_message,
    a_claim_is_in_the_audit_log,
    an_erased_call_does_not_come_back,
];

const SHARED: &str = "the deployment's shared secret";

/// A deployment without any organization, and a gateway that keeps what comes.
fn unowned(database: Database) -> (Deployment, Gateway) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    let gateway = deployment.start();
    (deployment, gateway)
}

/// An organization that the shared secret serves.
fn bare() -> Organization {
    Organization::northgate().without("credentials")
}

fn keep(gateway: &Gateway, body: &Value) {
    assert_eq!(
        refused(&gateway.send_with(SHARED, body)),
        (400, "unresolved_organization".to_owned()),
        "{body}"
    );
}

fn listed(deployment: &Deployment) -> Vec<Value> {
    let (code, entries) = told(deployment, &["quarantine", "list", "--json"]);
    assert_eq!(code, 0);
    entries
}

fn claim(deployment: &Deployment, apply: bool) -> (i32, Vec<Value>) {
    let mut arguments = vec!["quarantine", "claim", "--all", "--json"];
    arguments.extend(apply.then_some("--apply"));
    told(deployment, &arguments)
}

/// Declares the assistant's organization: on PostgreSQL by hand-written SQL, on SQLite by a file.
fn map(deployment: &Deployment, organization: &Organization) {
    let Some(postgres) = deployment.postgres() else { return deployment.apply(&[organization]) };
    let (id, slug, assistant) = (organization.id, &organization.slug, &organization.assistant);
    postgres.run(&format!(
        "SET ROLE gateway_operator;
         INSERT INTO organizations (id, slug, name) VALUES ('{id}', '{slug}', 'Northgate Dental');
         INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{id}', '{assistant}')"
    ));
}

fn stored(deployment: &Deployment, organization: &Organization, call_id: &str) -> Vec<Value> {
    let (_, mut told) =
        told(deployment, &["replay", "--org", &organization.slug, "--call", call_id, "--json"]);
    told.pop().map(|report| report["messages"].as_array().unwrap().clone()).unwrap_or_default()
}

fn field<'a>(changes: &'a Value, table: &str, name: &str) -> &'a Value {
    let row = changes.as_array().unwrap().iter().find(|row| row["table"] == table);
    let row = row.unwrap_or_else(|| panic!("{table} in {changes}"));
    let field = row["fields"].as_array().unwrap().iter().find(|field| field["field"] == name);
    field.unwrap_or_else(|| panic!("{table}.{name} in {changes}"))
}

fn a_message_is_claimed_once_the_mapping_is_there(database: Database) {
    let (deployment, gateway) = unowned(database);
    let northgate = bare();
    keep(&gateway, &message::status_update("call-q", &northgate.assistant, "ringing"));

    let entries = listed(&deployment);
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!((&entry["kind"], &entry["call_id"]), (&json!("status-update"), &json!("call-q")));
    assert_eq!(entry["identifiers"][0]["value"], json!(northgate.assistant));
    assert!(entry["bytes"].as_i64().unwrap() > 100 && entry.get("body").is_none(), "{entry}");
    let id = entry["id"].as_str().unwrap();
    let (code, shown) = told(&deployment, &["quarantine", "show", id, "--json"]);
    assert_eq!((code, &shown[0]["body"]["message"]["status"]), (0, &json!("ringing")));

    // Before the mapping: it stays, and the output says why.
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, reports.len()), (3, 1));
    assert_eq!((&reports[0]["outcome"], &reports[0]["reason"]), (&json!("kept"), &json!("unresolved")));
    assert_eq!(reports[0]["detail"], "Organization not found for this assistant");

    map(&deployment, &northgate);
    // A dry run says what would change, and changes nothing.
    for _ in 0..2 {
        let (code, reports) = claim(&deployment, false);
        assert_eq!((code, reports.len()), (0, 1));
        let report = &reports[0];
        assert_eq!((&report["outcome"], &report["applied"]), (&json!("claimed"), &json!(false)));
        assert_eq!(report["organization_id"], json!(northgate.id));
        let status = field(&report["changes"], "call_logs", "status");
        assert_eq!((&status["before"], &status["after"]), (&Value::Null, &json!("ringing")));
        assert_eq!(field(&report["changes"], "webhook_events", "deliveries")["after"], 1);
    }
    assert_eq!(listed(&deployment).len(), 1);
    assert!(stored(&deployment, &northgate, "call-q").is_empty());

    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, &reports[0]["outcome"], &reports[0]["applied"]), (0, &json!("claimed"), &json!(true)));
    assert!(listed(&deployment).is_empty());
    let messages = stored(&deployment, &northgate, "call-q");
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["verdict"], "accepted");
    assert_eq!(messages[0]["received_at"], entry["received_at"], "it came when it came");
    if let Some(postgres) = deployment.postgres() {
        let row = "SELECT l.status || ' ' || e.deliveries FROM call_logs l JOIN webhook_events e USING (organization_id, vapi_call_id)";
        assert_eq!(postgres.value(row).as_deref(), Some("ringing 1"));
    }

    // The queue is empty now.
    assert_eq!(claim(&deployment, true), (0, Vec::new()));
    let (code, reports) = told(&deployment, &["quarantine", "claim", id, "--apply", "--json"]);
    assert_eq!((code, &reports[0]["outcome"]), (3, &json!("absent")));
}

fn an_organization_with_credentials_of_its_own_claims_nothing(database: Database) {
    let (deployment, gateway) = unowned(database);
    let northgate = Organization::northgate();
    keep(&gateway, &message::status_update("call-q", &northgate.assistant, "ringing"));
    deployment.apply(&[&northgate]);
    for apply in [false, true] {
        let (code, reports) = claim(&deployment, apply);
        assert_eq!(
            (code, &reports[0]["outcome"], &reports[0]["reason"]),
            (3, &json!("kept"), &json!("own_credentials"))
        );
        assert_eq!(reports[0]["changes"], json!([]));
    }
    // Also once they are gone: what the shared secret proves is nothing to it for good.
    deployment.apply_and_prune(&[&bare()]);
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, &reports[0]["reason"]), (3, &json!("own_credentials")));
    assert_eq!(listed(&deployment).len(), 1);
    assert!(stored(&deployment, &northgate, "call-q").is_empty());
}

fn what_is_claimed_does_not_run_tools(database: Database) {
    let (deployment, gateway) = unowned(database);
    let northgate = bare();
    keep(&gateway, &message::book("call-q", &northgate.assistant, "call_1", days_ahead(4), "10:00"));
    let report =
        json!({"endedReason": "customer-ended-call", "artifact": {"transcript": "Hello."}, "analysis": {}});
    keep(&gateway, &of_kind("end-of-call-report", call("call-q", &northgate.assistant), report));
    deployment.apply(&[&northgate]);
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, reports.len()), (0, 2));
    assert_eq!(reports[0]["tools"], json!([{"id": "call_1", "name": "bookAppointment", "state": "not_run"}]));
    assert!(!reports[0]["changes"].to_string().contains("appointments"), "{}", reports[0]);
    assert_eq!(field(&reports[1]["changes"], "call_reports", "transcript")["after"], "Hello.");
    assert_eq!(field(&reports[1]["changes"], "contacts", "phone")["after"], message::CALLER);
    assert_eq!(stored(&deployment, &northgate, "call-q").len(), 2);
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 0);
        assert_eq!(postgres.count("SELECT count(*) FROM tool_results"), 0);
        let tied = "SELECT count(*) FROM call_logs l JOIN contacts c ON c.organization_id = l.organization_id AND c.id = l.contact_id";
        assert_eq!(postgres.count(tied), 1);
    }
    // The time is free: nobody was told that it is not.
    let sent = message::book("call-r", &northgate.assistant, "call_2", days_ahead(4), "10:00");
    within_a_second("the mapping counts", || gateway.send_with(SHARED, &sent).status == 200);
    crate::support::only_result(&gateway.send_with(SHARED, &sent).json());
}

fn two_claims_at_once_file_each_message_once(database: Database) {
    const MESSAGES: usize = 24;
    let (deployment, gateway) = unowned(database);
    let northgate = bare();
    for nth in 0..MESSAGES {
        keep(&gateway, &message::status_update(&format!("call-{nth}"), &northgate.assistant, "ringing"));
    }
    deployment.apply(&[&northgate]);
    let reports: Vec<Value> = thread::scope(|scope| {
        let claims: Vec<_> = (0..2).map(|_| scope.spawn(|| claim(&deployment, true))).collect();
        claims
            .into_iter()
            .flat_map(|claim| {
                let (code, reports) = claim.join().unwrap();
                assert_eq!(code, 0, "{reports:?}");
                reports
            })
            .collect()
    });
    let claimed = reports.iter().filter(|report| report["outcome"] == "claimed").count();
    assert_eq!(claimed, MESSAGES, "each is filed by one of the two: {reports:?}");
    assert!(reports.iter().all(|report| report["outcome"] != "kept"), "{reports:?}");
    assert!(listed(&deployment).is_empty());
    for nth in 0..MESSAGES {
        assert_eq!(stored(&deployment, &northgate, &format!("call-{nth}")).len(), 1);
    }
    if let Some(postgres) = deployment.postgres() {
        let once = "SELECT count(*) FROM webhook_events WHERE deliveries = 1";
        assert_eq!(postgres.count(once), i64::try_from(MESSAGES).unwrap());
    }
}

fn a_message_that_nobody_wants_is_dropped(database: Database) {
    let (deployment, gateway) = unowned(database);
    for call in ["call-1", "call-2"] {
        keep(&gateway, &message::status_update(call, "asst_of_nobody", "ringing"));
    }
    let ids: Vec<String> =
        listed(&deployment).iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(deployment.attempt(&["quarantine", "drop", &ids[0]]).status.code(), Some(0));
    assert_eq!(listed(&deployment).len(), 2, "without --apply nothing is dropped");
    assert_eq!(deployment.attempt(&["quarantine", "drop", &ids[0], "--apply"]).status.code(), Some(0));
    let left = listed(&deployment);
    assert_eq!((left.len(), left[0]["id"].as_str()), (1, Some(ids[1].as_str())));
    assert_eq!(deployment.attempt(&["quarantine", "drop", &ids[0], "--apply"]).status.code(), Some(3));
    assert_eq!(deployment.attempt(&["quarantine", "show", &ids[0]]).status.code(), Some(3));
    assert_eq!(deployment.attempt(&["quarantine", "claim"]).status.code(), Some(2), "which?");
    let shown = String::from_utf8(deployment.attempt(&["quarantine", "list"]).stdout).unwrap();
    assert!(shown.contains("call-2") && shown.contains("assistant_id=asst_of_nobody"), "{shown}");
    assert!(!shown.contains("inboundPhoneCall"), "no bodies in a list: {shown}");
}

fn metadata_alone_claims_nothing(database: Database) {
    let (mut deployment, gateway) = unowned(database);
    let northgate = bare();
    let named = json!({"id": "call-q", "metadata": {"org_id": northgate.slug}});
    keep(&gateway, &of_kind("status-update", named, json!({"status": "ringing"})));
    deployment.apply(&[&northgate]);
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, &reports[0]["reason"]), (3, &json!("metadata_only")));
    // With this setting a claim takes it, as the server would.
    deployment.change("GATEWAY__RESOLVER__METADATA_WITH_SHARED_SECRET", "true");
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, &reports[0]["outcome"]), (0, &json!("claimed")));
}

fn a_claim_that_was_cut_off_is_finished(database: Database) {
    let (deployment, gateway) = unowned(database);
    let postgres = deployment.postgres().unwrap();
    let northgate = bare();
    let report = json!({"endedReason": "x", "artifact": {"transcript": "Hello."}, "analysis": {}});
    keep(&gateway, &of_kind("end-of-call-report", call("call-q", &northgate.assistant), report));
    deployment.apply(&[&northgate]);
    postgres.run("CREATE TABLE saved AS SELECT * FROM quarantine");
    assert_eq!(claim(&deployment, true).0, 0);
    // As whoever died after filing and before removing would leave it.
    postgres.run("INSERT INTO quarantine SELECT * FROM saved; DROP TABLE saved");
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, &reports[0]["outcome"], &reports[0]["changes"]), (0, &json!("repeated"), &json!([])));
    assert!(listed(&deployment).is_empty());
    assert_eq!(postgres.count("SELECT count(*) FROM webhook_events WHERE deliveries = 1"), 1);
    assert_eq!(postgres.count("SELECT count(*) FROM contacts"), 1);
}

fn a_redelivery_of_a_claimed_message_is_the_same_message(database: Database) {
    let (deployment, gateway) = unowned(database);
    let postgres = deployment.postgres().unwrap();
    let northgate = bare();
    // Its own members hold something that is not stored: the key is made of what came, not of what was kept.
    let odd = of_kind(
        "brand.new",
        call("call-q", &northgate.assistant),
        json!({"password": "hunter2", "timestamp": 1_700_000_000_000_i64}),
    );
    keep(&gateway, &odd);
    deployment.apply(&[&northgate]);
    assert_eq!(claim(&deployment, true).0, 0);
    within_a_second("the mapping counts", || gateway.send_with(SHARED, &odd).status == 200);
    assert_eq!(postgres.count("SELECT count(*) FROM webhook_events"), 1);
    assert!(postgres.count("SELECT deliveries FROM webhook_events") > 1);
}

fn a_claim_is_in_the_audit_log(database: Database) {
    let (deployment, gateway) = unowned(database);
    let postgres = deployment.postgres().unwrap();
    let northgate = bare();
    for call in ["call-1", "call-2"] {
        keep(&gateway, &message::status_update(call, &northgate.assistant, "ringing"));
    }
    deployment.apply(&[&northgate]);
    let who = ["--actor", "ann", "--reason", "the number was mapped late"];
    let claim = [&["quarantine", "claim", "--all", "--apply"], &who[..]].concat();
    assert_eq!(deployment.attempt(&claim).status.code(), Some(0));
    let lines = |action: &str| {
        postgres.count(&format!(
            "SELECT count(*) FROM audit_log WHERE actor = 'ann' AND action = '{action}'
             AND detail->>'reason' = 'vapi-gateway quarantine claim: the number was mapped late'"
        ))
    };
    assert_eq!(lines("read quarantined message"), 2);
    assert_eq!(lines("enter"), 1, "one entry for one organization");
    assert_eq!(lines("claim quarantined message"), 2);
}

fn an_erased_call_does_not_come_back(database: Database) {
    let (deployment, gateway) = unowned(database);
    let postgres = deployment.postgres().unwrap();
    let northgate = bare();
    let report = json!({"endedReason": "x", "artifact": {"transcript": "Hello."}, "analysis": {}});
    keep(&gateway, &of_kind("end-of-call-report", call("call-q", &northgate.assistant), report));
    deployment.apply(&[&northgate]);
    let deleted = of_kind("call.deleted", call("call-q", &northgate.assistant), json!({}));
    within_a_second("the mapping counts", || gateway.send_with(SHARED, &deleted).status == 200);
    let (code, reports) = claim(&deployment, true);
    assert_eq!((code, &reports[0]["reason"]), (3, &json!("erased")));
    assert_eq!(postgres.count("SELECT count(*) FROM call_reports"), 0);
}

fn the_past_of_a_removed_organization_goes_to_nobody(database: Database) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    let number = json!([{"id": "phone-that-moves", "number": "+15552010177"}]);
    let first = bare().with("phone_numbers", number.clone());
    let second = Organization::fontaneria().without("credentials");
    deployment.apply(&[&first, &second.clone().without("phone_numbers")]);
    let gateway = deployment.start();
    let status = |id: &str, created_at: &str| {
        let call = json!({"id": id, "phoneNumberId": "phone-that-moves", "createdAt": created_at});
        let own = json!({"endedReason": "x", "artifact": {"transcript": "Of the first."}, "analysis": {},
                         "phoneNumber": {"number": "+15552010177"}});
        gateway.send_with(SHARED, &of_kind("end-of-call-report", call, own)).status
    };
    assert_eq!(status("call-1", "2026-01-10T10:00:00Z"), 200);
    // The first one leaves, and the second one has its number next.
    deployment.apply_and_prune(&[&second.with("phone_numbers", number)]);
    within_a_second("the number has its new owner", || status("call-2", "2999-01-01T00:00:00Z") == 200);
    assert_eq!(status("call-late", "2026-01-10T11:00:00Z"), 400);
    assert_eq!(status("call-1", "2026-01-10T10:00:00Z"), 400);
    // The operator's claim does not hand it on either.
    assert_eq!(listed(&deployment).len(), 2);
    let (code, reports) = claim(&deployment, true);
    assert_eq!(code, 3);
    for report in reports {
        assert_eq!(report["reason"], "unresolved", "{report}");
    }
    assert_eq!(listed(&deployment).len(), 2);
    if let Some(postgres) = deployment.postgres() {
        for table in ["call_logs", "call_reports", "webhook_events"] {
            let of_others = format!("SELECT count(*) FROM {table} WHERE vapi_call_id <> 'call-2'");
            assert_eq!(postgres.count(&of_others), 0, "{table}");
        }
    }
}
