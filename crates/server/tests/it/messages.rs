//! Messages of real organizations: who is let in, what is answered, and what the log says of it.

use std::time::Duration;

use serde_json::{Value, json};
use server::Clock;
use test_support::{sign_vapi_hmac, sign_x_vapi};

use crate::support::{Answer, NOW_S, Setup, TestGateway, log, shared_keys};

const WEBHOOK: &str = "/api/webhooks/vapi";
const A: &str = "46cf2995-2bee-44e3-838b-24151486fe4e";
const ORGANIZATIONS: &str = r#"
[[organizations]]
id = "46cf2995-2bee-44e3-838b-24151486fe4e"
slug = "northgate-dental"
name = "Northgate Dental"
timezone = "America/New_York"
region = "US"
assistants = [{ id = "assistant-a", name = "Sarah", role = "inbound" }]
phone_numbers = [{ id = "phone-a", number = "+15552010100", route = { assistant = "assistant-a" } }]
credentials = [{ label = "own", preset = "x-vapi-signature", secret = "secret-a" }]
limits = { waiting = 2, call_events = 3 }

[[organizations]]
slug = "plumbing-pros"
name = "Plumbing Pros"
timezone = "America/Chicago"
region = "US"
assistants = [{ id = "assistant-b", name = "Marcy", role = "inbound" }]
phone_numbers = [{ id = "phone-b", number = "+15552010200" }]
credentials = [{ label = "own", preset = "x-vapi-signature", secret = "secret-b" }]

[[organizations]]
slug = "shared-law"
name = "Shared Law"
timezone = "UTC"
region = "US"
assistants = [{ id = "assistant-s", name = "Sam", role = "inbound" }]

[[organizations]]
slug = "closed-vets"
name = "Closed Vets"
timezone = "UTC"
region = "US"
active = false
assistants = [{ id = "assistant-c", name = "Cleo", role = "inbound" }]
credentials = [{ label = "own", preset = "x-vapi-signature", secret = "secret-c" }]

[[organizations]]
slug = "signed-url"
name = "Signed Url"
timezone = "UTC"
region = "US"
assistants = [{ id = "assistant-u", name = "Uma", role = "inbound" }]
credentials = [{ label = "own", scheme = "hmac", signature_header = "x-signature", timestamp_header = "x-timestamp", payload_format = "{timestamp}.{url}.{body}", secret = "secret-u" }]
"#;

fn gateway() -> TestGateway {
    gateway_with(|_| {})
}

fn gateway_with(change: impl FnOnce(&mut Setup)) -> TestGateway {
    TestGateway::with_organizations(ORGANIZATIONS, |setup| {
        setup.intake.shared = shared_keys("shared");
        change(setup);
    })
}

fn post(gateway: &TestGateway, path: &str, secret: &str, extra: &[(&str, &str)], body: &Value) -> Answer {
    post_at(gateway, path, secret, NOW_S, extra, body)
}

fn post_at(
    gateway: &TestGateway,
    path: &str,
    secret: &str,
    at: i64,
    extra: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let body = body.to_string();
    let signed = sign_x_vapi(secret, at, body.as_bytes());
    let mut headers: Vec<_> = signed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    headers.extend(extra);
    gateway.post(path, &headers, body.as_bytes())
}

fn started(assistant: &str, call: &str) -> Value {
    json!({"type": "call.started", "call": {"id": call, "assistantId": assistant, "customer": {"number": "+1-555-0123"}}})
}

fn tool_call(assistant: &str, call: &str) -> Value {
    json!({"message": {
        "type": "tool-calls",
        "call": {"id": call, "assistantId": assistant},
        "toolCallList": [{"id": format!("{call}-t"), "name": "checkAvailability", "arguments": {"appointmentDate": "2026-03-03"}}],
    }})
}

#[test]
fn each_secret_admits_its_own_organization_and_no_other() {
    let gateway = gateway();
    for (assistant, secret) in
        [("assistant-a", "secret-a"), ("assistant-b", "secret-b"), ("assistant-s", "shared")]
    {
        for path in [WEBHOOK, "/api/vapi/webhook"] {
            let answer =
                post(&gateway, path, secret, &[], &started(assistant, &format!("{assistant}{path}")));
            assert_eq!((answer.status, answer.json()), (200, json!({})), "{assistant}");
        }
        for other in ["secret-a", "secret-b", "shared", "wrong"].into_iter().filter(|other| *other != secret)
        {
            let answer = post(&gateway, WEBHOOK, other, &[], &started(assistant, "c"));
            assert_eq!(answer.refused(401, "unauthorized")["error"], "Invalid webhook signature");
        }
    }
    // The shared secret is tried as a plain header too.
    let body = started("assistant-s", "plain").to_string();
    assert_eq!(gateway.post(WEBHOOK, &[("x-vapi-secret", "shared")], body.as_bytes()).status, 200);
}

#[test]
fn every_reason_is_answered_alike_and_logged_apart() {
    let log = log();
    let gateway = gateway();
    let message = started("assistant-a", "c1");
    let body = message.to_string();
    let signed = sign_x_vapi("secret-a", NOW_S, body.as_bytes());
    let header = |index: usize| (signed[index].0.as_str(), signed[index].1.as_str());
    let stale = |at| post_at(&gateway, WEBHOOK, "secret-a", at, &[], &message);
    let raw = |headers: &[(&str, &str)]| gateway.post(WEBHOOK, headers, body.as_bytes());
    for (answer, reason) in [
        (post(&gateway, WEBHOOK, "wrong", &[], &message), "invalid_signature"),
        (stale(NOW_S - 301), "stale_timestamp"),
        (stale(NOW_S + 301), "stale_timestamp"),
        (raw(&[]), "missing_header"),
        (raw(&[header(0)]), "missing_header"),
        (raw(&[header(0), header(0), header(1)]), "repeated_header"),
        (raw(&[header(0), header(1), header(1)]), "repeated_header"),
        (raw(&[("x-vapi-signature", "zz"), header(1)]), "malformed_header"),
    ] {
        assert_eq!(answer.refused(401, "unauthorized")["error"], "Invalid webhook signature");
        let lines = log.lines_of(answer.header("x-request-id").unwrap());
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains("\"c1\""), "{}", lines[0]);
        let line: Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["identifier"], "assistant-a");
        assert_eq!((&line["verdict"], &line["claimed_org_id"]), (&json!(reason), &json!(A)), "{line}");
    }
    assert_eq!(stale(NOW_S - 300).status, 200);
}

#[test]
fn a_message_that_is_let_in_writes_one_line_that_says_it_all() {
    let log = log();
    let gateway = gateway();
    let answer = post(&gateway, WEBHOOK, "secret-a", &[], &started("assistant-a", "call-77"));
    assert_eq!(answer.status, 200);
    let lines = log.lines_of(answer.header("x-request-id").unwrap());
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(!["555-0123", "5550123"].iter().any(|number| lines[0].contains(number)), "{}", lines[0]);
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    for (field, value) in [
        ("level", "INFO"),
        ("org_id", A),
        ("assistant_id", "assistant-a"),
        ("call_id", "call-77"),
        ("kind", "call.started"),
        ("step", "assistant_id"),
        ("verdict", "accepted"),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(line["effects"].as_str().is_some_and(|effects| effects.contains("stored")), "{line}");
    assert!(line["duration_ms"].is_number(), "{line}");
}

#[test]
fn missing_metadata_is_warned_of_once_an_hour() {
    let log = log();
    let gateway = gateway();
    let warnings = || log.count(&["WARN", "org_id missing in metadata", "assistant-b"]);
    let send = |call: &str| {
        let at = NOW_S + i64::try_from(gateway.clock.elapsed().as_secs()).unwrap();
        assert_eq!(
            post_at(&gateway, WEBHOOK, "secret-b", at, &[], &started("assistant-b", call)).status,
            200
        );
    };
    let before = warnings();
    send("m1");
    send("m2");
    assert_eq!(warnings() - before, 1);
    gateway.clock.advance(Duration::from_secs(3601));
    send("m3");
    send("m4");
    assert_eq!(warnings() - before, 2);
}

#[test]
fn a_contradiction_is_told_to_the_organization_alone() {
    let gateway = gateway();
    let event = json!({"message": {"type": "status-update", "status": "in-progress",
        "call": {"id": "x1", "assistantId": "assistant-a", "phoneNumberId": "phone-b"}}});
    post(&gateway, WEBHOOK, "secret-a", &[], &event).refused(409, "conflicting_organizations");
    post(&gateway, WEBHOOK, "secret-b", &[], &event).refused(401, "unauthorized");
    let mut waiting = tool_call("assistant-a", "x2");
    waiting["message"]["call"]["phoneNumberId"] = json!("phone-b");
    let answer = post(&gateway, WEBHOOK, "secret-a", &[], &waiting);
    assert_eq!(answer.status, 200);
    let results = answer.json()["results"].clone();
    assert_eq!(results[0]["toolCallId"], "x2-t");
    assert!(results[0]["error"].is_string() && results[0].get("result").is_none(), "{results}");
}

#[test]
fn an_inactive_organization_is_refused_after_it_proved_itself() {
    let gateway = gateway();
    post(&gateway, WEBHOOK, "wrong", &[], &started("assistant-c", "c")).refused(401, "unauthorized");
    post(&gateway, WEBHOOK, "secret-c", &[], &started("assistant-c", "c"))
        .refused(403, "organization_inactive");
    let request =
        json!({"message": {"type": "assistant-request", "call": {"id": "c2", "assistantId": "assistant-c"}}});
    let answer = post(&gateway, WEBHOOK, "secret-c", &[], &request);
    assert_eq!(answer.status, 200);
    assert!(answer.json()["error"].is_string());
}

#[test]
fn an_organizations_allowance_is_counted_by_class() {
    let gateway = gateway();
    let event = |call: &str| post(&gateway, WEBHOOK, "secret-a", &[], &started("assistant-a", call));
    let waiting = |call: &str| post(&gateway, WEBHOOK, "secret-a", &[], &tool_call("assistant-a", call));
    let error = |answer: &Answer| answer.json()["results"][0]["error"].clone();
    assert_eq!([event("e1").status, event("e2").status, event("e3").status], [200; 3]);
    let refused = event("e4");
    refused.refused(429, "rate_limited");
    // Three a minute.
    assert_eq!(refused.header("retry-after"), Some("20"));
    for call in ["w1", "w2"] {
        assert_eq!(error(&waiting(call)), Value::Null);
    }
    let turned_away = waiting("w3");
    assert_eq!(turned_away.status, 200);
    assert!(error(&turned_away).as_str().is_some_and(|error| error.contains("busy")));
    // Another organization has its own.
    assert_eq!(post(&gateway, WEBHOOK, "secret-b", &[], &started("assistant-b", "b")).status, 200);
}

#[test]
fn an_address_over_its_budget_still_gets_in_what_there_is() {
    let gateway = gateway_with(|setup| setup.intake.limits.unverified_per_address = 2);
    assert_eq!(post(&gateway, WEBHOOK, "secret-a", &[], &started("assistant-a", "k1")).status, 200);
    for _ in 0..2 {
        post(&gateway, WEBHOOK, "wrong", &[], &started("assistant-a", "k2")).refused(401, "unauthorized");
    }
    assert_eq!(post(&gateway, WEBHOOK, "secret-a", &[], &started("assistant-a", "k3")).status, 200);
    post(&gateway, WEBHOOK, "wrong", &[], &started("assistant-a", "k4")).refused(401, "unauthorized");
    // Never asked for before, and it exists.
    assert_eq!(post(&gateway, WEBHOOK, "secret-b", &[], &started("assistant-b", "k5")).status, 200);
    post(&gateway, WEBHOOK, "wrong", &[], &json!({"assistantId": "nobody"})).refused(429, "rate_limited");
    // What the shared secret proves is no stranger's.
    post(&gateway, WEBHOOK, "shared", &[], &json!({"assistantId": "nobody"}))
        .refused(400, "unresolved_organization");
}

#[test]
fn what_the_shared_secret_proves_costs_its_address_nothing() {
    let log = log();
    let gateway = gateway_with(|setup| setup.intake.limits.unverified_per_address = 1);
    for number in 0..5 {
        let answer =
            post(&gateway, WEBHOOK, "shared", &[], &started("assistant-unmapped", &format!("q{number}")));
        answer.refused(400, "unresolved_organization");
        let lines = log.lines_of(answer.header("x-request-id").unwrap());
        assert!(lines.len() == 1 && lines[0].contains("\"verdict\":\"quarantined\""), "{lines:?}");
    }
    assert_eq!(post(&gateway, WEBHOOK, "secret-a", &[], &started("assistant-a", "q")).status, 200);
}

#[test]
fn the_tools_route_takes_messages_and_bare_arguments() {
    let gateway = gateway();
    let route = "/api/vapi/tools/checkAvailability";
    let answer = post(&gateway, route, "secret-a", &[], &tool_call("assistant-a", "t1"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["results"][0]["toolCallId"], "t1-t");

    let arguments = json!({"appointmentDate": "2026-03-03"});
    let declared = [("x-organization-id", A)];
    let answer = post(&gateway, route, "secret-a", &declared, &arguments);
    assert_eq!(answer.status, 200);
    assert!(answer.json()["result"].is_string());
    post(&gateway, route, "secret-b", &declared, &arguments).refused(401, "unauthorized");
    post(&gateway, route, "secret-a", &[], &arguments).refused(400, "unresolved_organization");
    let twice = [declared[0], declared[0]];
    post(&gateway, route, "secret-a", &twice, &arguments).refused(400, "unresolved_organization");
    // A declared organization is admitted by its own credential alone.
    post(&gateway, route, "shared", &[("x-organization-id", "shared-law")], &arguments)
        .refused(401, "unauthorized");
    // On the webhook the header means nothing.
    post(&gateway, WEBHOOK, "secret-a", &declared, &arguments).refused(400, "unresolved_organization");
}

#[test]
fn an_effectful_tool_with_bare_arguments_needs_a_key() {
    let gateway = gateway();
    let route = "/api/vapi/tools/bookAppointment";
    let arguments = json!({
        "appointmentDate": "2026-03-03", "appointmentTime": "10:00",
        "patientName": "Jane Doe", "patientPhone": "+15552010111",
    });
    let declared = ("x-organization-id", "plumbing-pros");
    post(&gateway, route, "secret-b", &[declared], &arguments).refused(400, "bad_request");
    let keyed = [declared, ("x-idempotency-key", "k1")];
    let first = post(&gateway, route, "secret-b", &keyed, &arguments);
    assert_eq!(first.status, 200);
    assert!(first.json()["result"].is_string());
    let second = post(&gateway, route, "secret-b", &keyed, &arguments);
    assert_eq!(second.json(), first.json());
}

#[test]
fn a_recipe_signs_the_configured_url_and_never_the_host() {
    let message = started("assistant-u", "u1");
    let send = |gateway: &TestGateway, url: &str| {
        let headers = sign_vapi_hmac("secret-u", NOW_S, format!("{url}.{message}").as_bytes());
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        gateway.post(WEBHOOK, &headers, message.to_string().as_bytes()).status
    };
    let configured = gateway_with(|setup| setup.intake.public_url = Some("https://public.test/".to_owned()));
    assert_eq!(send(&configured, "https://public.test/api/webhooks/vapi"), 200);
    assert_eq!(send(&configured, "http://gateway.test/api/webhooks/vapi"), 401);
    let unconfigured = gateway();
    assert_eq!(send(&unconfigured, "http://gateway.test/api/webhooks/vapi"), 401);
    assert_eq!(send(&unconfigured, ""), 401);
}

#[test]
fn a_change_of_the_directory_takes_effect_without_a_restart() {
    let gateway = gateway_with(|setup| {
        setup.intake.limits.unverified_per_address = 1_000_000;
        setup.intake.limits.unverified_total = 1_000_000;
    });
    let message = started("assistant-new", "n1");
    let send = |secret: &str| post(&gateway, WEBHOOK, secret, &[], &message).status;
    assert_eq!(send("secret-new"), 400);
    let declared = |secret: &str| {
        format!(
            "[[organizations]]\nslug = \"new-one\"\nname = \"New One\"\ntimezone = \"UTC\"\nregion = \"US\"\n\
             assistants = [{{ id = \"assistant-new\", name = \"Nina\", role = \"inbound\" }}]\n\
             credentials = [{{ label = \"own\", preset = \"x-vapi-signature\", secret = \"{secret}\" }}]\n"
        )
    };
    // The notice of a change takes a moment; the test runner ends a test that waits in vain.
    gateway.apply(&declared("secret-new"));
    while send("secret-new") != 200 {}
    gateway.apply(&declared("secret-newer"));
    while send("secret-new") != 401 {}
    assert_eq!(send("secret-newer"), 200);
}
