//! `explain --json`, object by object, as the documented form has it.

use serde_json::{Value, json};

use crate::support::{CLOSED, Directory, NORTHGATE, PLUMBING, Run, applied};

/// The organization is named beside the message, the assistant and the number inside it.
const NESTED: &str = r#"{
  "customer": { "metadata": { "org_id": "46cf2995-2bee-44e3-838b-24151486fe4e" } },
  "message": {
    "type": "tool-calls",
    "call": { "id": "call-1", "assistantId": "asst_sarah", "phoneNumberId": "pn_northgate",
              "createdAt": "2026-11-20T10:00:00.000Z" },
    "phoneNumber": { "id": "pn_northgate", "number": "+1 (555) 201-0100" },
    "customer": { "number": "+15552010142" },
    "toolCallList": [
      { "id": "call_a", "type": "function",
        "function": { "name": "bookAppointment", "arguments": "{\"appointmentDate\":\"2026-12-01\"}" } }
    ]
  }
}"#;

const FLAT: &str = r#"{"type":"call.started","call":{"id":"call-2","assistantId":"asst_marcos","customer":{"number":"+34911234567"}}}"#;

fn explain(directory: &Directory, payload: &str) -> Run {
    directory.write("payload.json", payload);
    directory.run(&["explain", "payload.json", "--json"])
}

/// Outcome, organization and deciding step, with the exit code.
fn verdict(run: &Run) -> (Option<i32>, Value) {
    let json = run.json();
    (run.code, json!([json["outcome"], json["organization_id"], json["via"]]))
}

#[test]
fn a_nested_message_is_said_in_full() {
    let run = explain(&applied(), NESTED);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.json(),
        json!({
            "file": "payload.json",
            "message_type": "tool-calls",
            "envelope": "nested",
            "identifiers": [
                { "kind": "assistant_id", "value": "asst_sarah", "path": "message.call.assistantId" },
                { "kind": "phone_number_id", "value": "pn_northgate", "path": "message.call.phoneNumberId" },
                { "kind": "phone_number_id", "value": "pn_northgate", "path": "message.phoneNumber.id" },
                { "kind": "phone_number", "value": "+1 (555) 201-0100", "path": "message.phoneNumber.number" },
                { "kind": "call_id", "value": "call-1", "path": "message.call.id" },
                { "kind": "metadata", "value": NORTHGATE, "path": "customer.metadata.org_id" },
            ],
            "customer_number": "+15552010142",
            "tool_calls": [
                { "id": "call_a", "name": "bookAppointment", "arguments": { "appointmentDate": "2026-12-01" } },
            ],
            "steps": [
                { "step": "assistant_id", "value": "asst_sarah", "result": "hit", "organization_id": NORTHGATE },
                { "step": "phone_number_id", "value": "pn_northgate", "result": "hit", "organization_id": NORTHGATE },
                { "step": "phone_number_id", "value": "pn_northgate", "result": "hit", "organization_id": NORTHGATE },
                { "step": "phone_number", "value": "+15552010100", "result": "hit", "organization_id": NORTHGATE },
                { "step": "call_id", "value": "call-1", "result": "skipped", "organization_id": null },
                { "step": "metadata", "value": NORTHGATE, "result": "hit", "organization_id": NORTHGATE },
            ],
            "outcome": "resolved",
            "organization_id": NORTHGATE,
            "via": "assistant_id",
        })
    );
}

#[test]
fn a_flat_message_is_said_in_full() {
    let run = explain(&applied(), FLAT);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.json(),
        json!({
            "file": "payload.json",
            "message_type": "call.started",
            "envelope": "flat",
            "identifiers": [
                { "kind": "assistant_id", "value": "asst_marcos", "path": "call.assistantId" },
                { "kind": "call_id", "value": "call-2", "path": "call.id" },
            ],
            "customer_number": "+34911234567",
            "tool_calls": [],
            "steps": [
                { "step": "assistant_id", "value": "asst_marcos", "result": "hit", "organization_id": PLUMBING },
                { "step": "call_id", "value": "call-2", "result": "skipped", "organization_id": null },
            ],
            "outcome": "resolved",
            "organization_id": PLUMBING,
            "via": "assistant_id",
        })
    );
}

#[test]
fn every_outcome_has_its_word_and_code() {
    let directory = applied();
    let ask = |payload: &str| verdict(&explain(&directory, payload));
    let by_slug =
        r#"{"message":{"type":"hang","call":{"id":"c","metadata":{"organizationId":"plumbing-pros"}}}}"#;
    assert_eq!(ask(by_slug), (Some(0), json!(["resolved", PLUMBING, "metadata"])));
    let squad = r#"{"message":{"type":"hang","call":{"id":"c","squadId":"squad_pipes"}}}"#;
    assert_eq!(ask(squad), (Some(0), json!(["resolved", PLUMBING, "squad_id"])));
    let unknown = r#"{"message":{"type":"hang","call":{"id":"c","assistantId":"asst_nobody"}}}"#;
    assert_eq!(ask(unknown), (Some(3), json!(["unresolved", null, null])));
    let both = r#"{"message":{"type":"hang","call":{"assistantId":"asst_sarah","squadId":"squad_pipes"}}}"#;
    assert_eq!(ask(both), (Some(3), json!(["conflict", NORTHGATE, "assistant_id"])));
    let account = r#"{"message":{"type":"hang","call":{"assistantId":"asst_sarah","orgId":"someone-else"}}}"#;
    assert_eq!(ask(account), (Some(3), json!(["conflict", NORTHGATE, "assistant_id"])));
    let closed = r#"{"message":{"type":"hang","call":{"assistantId":"asst_closed"}}}"#;
    assert_eq!(ask(closed), (Some(3), json!(["inactive", CLOSED, "assistant_id"])));
    for broken in ["[]", "null", "", "{", "\"x\""] {
        assert_eq!(ask(broken), (Some(3), json!(["unreadable", null, null])), "{broken}");
    }
}

#[test]
fn without_a_database_the_head_is_said() {
    let skipped = |run: &Run| {
        let json = run.json();
        assert_eq!((run.code, &json["outcome"]), (Some(0), &json!("unresolved")), "{run:?}");
        assert_eq!(json["identifiers"].as_array().unwrap().len(), 6);
        assert_eq!((&json["organization_id"], &json["via"]), (&Value::Null, &Value::Null));
        let steps = json["steps"].as_array().unwrap();
        assert!(steps.iter().all(|step| step["result"] == "skipped" && step["organization_id"].is_null()));
        assert_eq!(steps[3]["value"], "+15552010100");
    };
    let fresh = Directory::new();
    skipped(&explain(&fresh, NESTED));
    assert!(!fresh.path("data").exists());
    let full = applied();
    full.write("payload.json", NESTED);
    skipped(&full.run(&["explain", "--no-database", "--json", "payload.json"]));
}

#[test]
fn a_database_that_does_not_answer_is_a_failure_that_says_what_it_can() {
    let directory = Directory::new().with("DATABASE_URL", "postgres://app@127.0.0.1:1/gateway");
    let run = explain(&directory, NESTED);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.json()["steps"][0]["result"], "skipped");
    assert!(run.err.contains("--no-database"), "{run:?}");
}

#[test]
fn many_payloads_make_many_lines() {
    let directory = applied();
    directory.write("one.json", NESTED);
    directory
        .write("many.jsonl", format!("{FLAT}\n\n{}\nnot json\n", FLAT.replace("asst_marcos", "asst_sarah")));
    let run = directory.run(&["explain", "--json", "one.json", "many.jsonl", "missing.json"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("missing.json"), "{run:?}");
    let lines: Vec<_> = run
        .json_lines()
        .iter()
        .map(|line| json!([line["file"], line["outcome"], line["organization_id"]]))
        .collect();
    assert_eq!(
        lines,
        [
            json!(["one.json", "resolved", NORTHGATE]),
            json!(["many.jsonl:1", "resolved", PLUMBING]),
            json!(["many.jsonl:3", "resolved", NORTHGATE]),
            json!(["many.jsonl:4", "unreadable", null]),
        ]
    );
    let piped = directory.run_with_input(&["explain", "--json", "-"], NESTED.as_bytes());
    assert_eq!((piped.code, &piped.json()["file"]), (Some(0), &json!("-")));
}

#[test]
fn people_read_it_too() {
    let run = explain(&applied(), NESTED);
    assert_eq!(run.code, Some(0));
    let directory = applied();
    directory.write("payload.json", NESTED);
    let text = directory.run(&["explain", "payload.json"]).good();
    assert!(
        text.starts_with(&format!("payload.json: resolved, organization {NORTHGATE} by assistant_id\n")),
        "{text}"
    );
    assert!(text.contains("hit       phone_number +15552010100 at message.phoneNumber.number"), "{text}");
}
