//! Messages of known organizations.

use std::time::Duration;

use intake::{Origin, Refusal, Request};
use serde_json::{Value, json};
use signature::{Found, Headers};
use test_support::sign_x_vapi;

use crate::support::{Fixture, NORTHGATE, event, here};

#[tokio::test]
async fn a_proven_message_is_answered_and_accounted_for() {
    let fixture = Fixture::new().await;
    let answer = fixture.signed("secret-a", &event("assistant-a", "call-1")).await;
    assert_eq!(answer.body.as_deref(), Ok(&b"{}"[..]));
    let record = answer.record;
    assert_eq!((record.verdict, record.address), ("accepted", here()));
    assert_eq!(record.step.map(|step| step.as_str()), Some("assistant_id"));
    assert!(record.effects.contains(&"stored"), "{:?}", record.effects);
    let verified = record.verified.unwrap();
    assert_eq!(verified.org.to_string(), NORTHGATE);
    let parts = (&*verified.kind, verified.assistant.as_deref(), verified.call.as_deref());
    assert_eq!(parts, ("call.started", Some("assistant-a"), Some("call-1")));
}

#[tokio::test]
async fn another_secret_proves_nothing_and_the_record_says_why() {
    let fixture = Fixture::new().await;
    let answer = fixture.signed("secret-b", &event("assistant-a", "call-1")).await;
    assert_eq!(answer.body, Err(Refusal::Unauthorized));
    assert!(answer.record.verified.is_none());
    assert_eq!(answer.record.claimed.map(|org| org.to_string()).as_deref(), Some(NORTHGATE));
    assert_eq!(answer.record.verdict, "invalid_signature");
}

#[tokio::test]
async fn an_allowance_is_the_organizations_own() {
    let fixture = Fixture::new().await;
    for call in ["1", "2", "3"] {
        assert!(fixture.signed("secret-a", &event("assistant-a", call)).await.body.is_ok());
    }
    let answer = fixture.signed("secret-a", &event("assistant-a", "4")).await;
    let Err(Refusal::RateLimited(Some(wait))) = answer.body else { panic!("{answer:?}") };
    // Three a minute: one every twenty seconds.
    assert_eq!((wait.seconds(), answer.record.verdict), (20, "rate_limited"));
    fixture.advance(wait.wait());
    assert!(fixture.signed("secret-a", &event("assistant-a", "5")).await.body.is_ok());
}

/// Headers that take a long time to read.
struct Slow<'a>(&'a Fixture, Vec<(String, String)>);

impl Headers for Slow<'_> {
    fn find(&self, name: &str) -> Found<'_> {
        self.0.advance(Duration::from_secs(18));
        self.1.find(name)
    }
}

#[tokio::test]
async fn a_message_that_waited_for_its_proof_has_less_time_for_its_tools() {
    let fixture = Fixture::new().await;
    let check = |id: &str| json!({"id": id, "name": "checkAvailability", "arguments": {"appointmentDate": "2026-03-03"}});
    let body = json!({"message": {
        "type": "tool-calls",
        "call": {"id": "call-1", "assistantId": "assistant-a"},
        "toolCallList": [check("t-1"), check("t-2")],
    }});
    let body = body.to_string();
    let headers = Slow(&fixture, sign_x_vapi("secret-a", 1_772_463_600, body.as_bytes()));
    let origin = Origin { address: here(), is_https: true };
    let request =
        Request { request_id: "r1", origin, method: "POST", path: "/", headers: &headers, tool: None };
    let answer = fixture.intake.receive(&request, async { Ok(body.as_bytes()) }).await;
    let reply: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    // It is kept, and none of its tools has begun.
    assert_eq!(answer.record.effects, ["stored", "ledger"]);
    for (result, id) in reply["results"].as_array().unwrap().iter().zip(["t-1", "t-2"]) {
        assert_eq!(result["toolCallId"], id);
        assert!(result["error"].as_str().is_some_and(|text| text.contains("too long")), "{result}");
    }
    let headers = sign_x_vapi("secret-a", 1_772_463_600, body.as_bytes());
    let answer = fixture.send(None, &headers, &body).await;
    let reply: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert!(reply["results"][1]["result"].is_string(), "{reply}");
}

#[tokio::test]
async fn an_inactive_organization_is_refused_after_the_proof_and_in_its_language() {
    let fixture = Fixture::new().await;
    let answer = fixture.signed("secret-b", &event("assistant-b", "call-1")).await;
    assert_eq!(answer.body, Err(Refusal::OrganizationInactive));
    assert!(answer.record.verified.is_some());
    let waiting = json!({"message": {
        "type": "tool-calls",
        "call": {"id": "call-2", "assistantId": "assistant-b"},
        "toolCallList": [{"id": "t-1", "name": "checkAvailability", "arguments": {}}],
    }});
    let answer = fixture.signed("secret-b", &waiting.to_string()).await;
    let reply: Value = serde_json::from_slice(&answer.body.unwrap()).unwrap();
    assert_eq!(reply["results"][0]["toolCallId"], "t-1");
    let sentence = reply["results"][0]["result"].as_str().or(reply["results"][0]["error"].as_str()).unwrap();
    assert!(sentence.contains("servicio"), "{sentence}");
}

#[tokio::test]
async fn bare_arguments_are_their_headers_organization() {
    let fixture = Fixture::new().await;
    let body = r#"{"appointmentDate":"2026-03-03"}"#;
    let mut headers = sign_x_vapi("secret-a", 1_772_463_600, body.as_bytes());
    let nobody = fixture.send(Some("checkAvailability"), &headers, body).await;
    assert!(matches!(nobody.body, Err(Refusal::Unresolved { .. })), "{nobody:?}");
    headers.push(("x-organization-id".to_owned(), NORTHGATE.to_owned()));
    let answer = fixture.send(Some("checkAvailability"), &headers, body).await;
    assert!(answer.body.is_ok() && answer.record.verdict == "accepted", "{answer:?}");
}

/// A listener on many threads can spawn the work.
#[tokio::test]
async fn the_work_can_move_between_threads() {
    let fixture = Fixture::new().await;
    let intake = std::sync::Arc::clone(&fixture.intake);
    let answer = tokio::spawn(async move {
        let body = event("assistant-a", "call-1");
        let headers = sign_x_vapi("secret-a", 1_772_463_600, body.as_bytes());
        let origin = Origin { address: here(), is_https: true };
        let (method, path, tool) = ("POST", "/", None);
        let request = Request { request_id: "r1", origin, method, path, headers: &headers, tool };
        intake.receive(&request, async { Ok(body.as_bytes()) }).await
    });
    assert!(answer.await.unwrap().body.is_ok());
}
