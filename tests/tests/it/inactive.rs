//! Organizations that are switched off: found, proven, and refused.

use crate::harness::{Database, Deployment, Organization, message, within_a_second};
use serde_json::{Value, json};

use crate::support::{on_both_databases, refused};

on_both_databases![an_organization_that_is_switched_off_is_refused_after_verification];

/// A kind, its own members, and what its refusal looks like.
pub(crate) type Waiting = (&'static str, Value, fn(&Value) -> bool);

/// Every kind whose answer the provider waits for, with its way to say no.
pub(crate) fn waiting_kinds() -> Vec<Waiting> {
    fn says(answer: &Value, member: &str) -> bool {
        answer.as_object().unwrap().len() == 1 && answer[member].as_str().is_some_and(|text| !text.is_empty())
    }
    let tool = json!([message::tool_call("call_1", "checkAvailability", &json!({}))]);
    let turns = json!([{"role": "user", "content": "Where can I park?"}]);
    vec![
        ("assistant-request", json!({}), |answer| says(answer, "error")),
        ("tool-calls", json!({"toolCallList": tool}), |answer| {
            answer["results"][0]["toolCallId"] == "call_1" && answer["results"][0]["error"].is_string()
        }),
        (
            "function-call",
            json!({"functionCall": {"name": "checkAvailability", "parameters": {}}}),
            |answer| says(answer, "result"),
        ),
        ("transfer-destination-request", json!({}), |answer| says(answer, "error")),
        ("handoff-destination-request", json!({"parameters": {"to": "Marcy"}}), |answer| {
            says(answer, "error")
        }),
        ("knowledge-base-request", json!({"messagesOpenAIFormatted": turns}), |answer| {
            *answer == json!({"documents": []})
        }),
        ("call.endpointing.request", json!({"messagesOpenAIFormatted": turns}), |answer| {
            answer.as_object().unwrap().len() == 1
                && answer["timeoutSeconds"].as_f64().is_some_and(|seconds| (0.0..=15.0).contains(&seconds))
        }),
        ("campaign.predial", json!({"campaignId": "c", "contact": {"number": "+15552017788"}}), |answer| {
            *answer == json!({"eligible": false})
        }),
    ]
}

fn an_organization_that_is_switched_off_is_refused_after_verification(database: Database) {
    let deployment = Deployment::new(database);
    let northgate = Organization::northgate();
    deployment.apply(&[&northgate]);
    let gateway = deployment.start();
    let event = message::status_update("call-1", &northgate.assistant, "ringing");
    assert_eq!(gateway.send(&northgate, &event).status, 200);

    deployment.apply(&[&northgate.clone().with("active", json!(false))]);
    within_a_second("the organization is refused", || gateway.send(&northgate, &event).status == 403);
    let answer = gateway.send(&northgate, &message::status_update("call-2", &northgate.assistant, "ringing"));
    assert_eq!(refused(&answer), (403, "organization_inactive".to_owned()));
    // Others do not learn of it.
    assert_eq!(refused(&gateway.send_with("a guess", &event)), (401, "unauthorized".to_owned()));
    for (kind, own, check) in waiting_kinds() {
        let body = message::of_kind(kind, message::call(&format!("call-{kind}"), &northgate.assistant), own);
        let answer = gateway.send(&northgate, &body);
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        assert!(check(&answer.json()), "{kind}: {}", answer.text());
    }
    if let Some(postgres) = deployment.postgres() {
        let stored = "SELECT DISTINCT verdict FROM webhook_events WHERE vapi_call_id <> 'call-1'";
        assert_eq!(postgres.value(stored).as_deref(), Some("inactive"));
        assert_eq!(postgres.count("SELECT count(*) FROM call_logs WHERE vapi_call_id <> 'call-1'"), 0);
    }

    deployment.apply(&[&northgate]);
    within_a_second("the organization is served again", || gateway.send(&northgate, &event).status == 200);
}
