//! Signature headers that are wrong, missing, repeated, old or strange.

use crate::harness::{Database, Gateway, Organization, Request, WEBHOOK, message, now, unix_seconds};
use chrono::SecondsFormat;
use serde_json::json;
use test_support::{Headers, bearer, sign_standard_webhooks, sign_vapi_hmac, sign_x_vapi, x_vapi_secret};

use crate::bad_input::{patient_world, still_serves};
use crate::support::{World, on_both_databases, refused};

on_both_databases![
    wrong_headers_are_refused,
    right_headers_are_taken,
    each_recipe_of_an_organization_is_taken
];

const SIGNATURE: &str = "x-vapi-signature";
const TIMESTAMP: &str = "x-vapi-timestamp";

fn value(headers: &Headers, name: &str) -> String {
    headers.iter().find(|(found, _)| found == name).unwrap().1.clone()
}

fn wrong_headers_are_refused(database: Database) {
    let mut world = patient_world(database);
    let before = world.deployment.postgres().map(|postgres| postgres.row_counts());
    let World { gateway, northgate, .. } = &world;
    let body = message::status_update("call-1", &northgate.assistant, "ringing").to_string();
    let right = northgate.sign(body.as_bytes());
    let (signature, timestamp) = (value(&right, SIGNATURE), value(&right, TIMESTAMP));
    let base = Request::post(WEBHOOK, body.as_str());
    let with = |signature: &str, timestamp: &str| {
        base.clone().header(SIGNATURE, signature).header(TIMESTAMP, timestamp)
    };
    let at =
        |timestamp: String| base.clone().headers(sign_x_vapi(&northgate.secret, timestamp, body.as_bytes()));
    let flipped = format!("g{}", signature.split_at(1).1);
    let cases = [
        ("nothing", base.clone(), "missing_header"),
        ("no signature", base.clone().header(TIMESTAMP, timestamp.as_str()), "missing_header"),
        ("no timestamp", base.clone().header(SIGNATURE, signature.as_str()), "missing_header"),
        (
            "another secret",
            base.clone().headers(sign_x_vapi("a guess", &timestamp, body.as_bytes())),
            "invalid_signature",
        ),
        ("another body", base.clone().headers(northgate.sign(b"{}")), "invalid_signature"),
        ("another timestamp", with(&signature, &unix_seconds(-7).to_string()), "invalid_signature"),
        ("the same instant written otherwise", with(&signature, &format!("{timestamp}.0")), ""),
        ("no hex", with(&flipped, &timestamp), ""),
        ("half a signature", with(signature.split_at(32).0, &timestamp), ""),
        ("a signature twice as long", with(&signature.repeat(2), &timestamp), ""),
        ("an empty signature", with("", &timestamp), ""),
        ("an empty timestamp", with(&signature, ""), ""),
        ("a prefix", with(&format!("sha256={signature}"), &timestamp), ""),
        ("no time at all", with(&signature, "now"), ""),
        ("a negative time", with(&signature, "-1"), ""),
        ("an endless time", with(&signature, &"9".repeat(400)), ""),
        (
            "two signatures",
            base.clone().headers(right.clone()).header(SIGNATURE, signature.as_str()),
            "repeated_header",
        ),
        (
            "a second, wrong signature",
            base.clone().headers(right.clone()).header(SIGNATURE, "00"),
            "repeated_header",
        ),
        (
            "two timestamps",
            base.clone().headers(right.clone()).header(TIMESTAMP, timestamp.as_str()),
            "repeated_header",
        ),
        ("two of both in one line", with(&format!("{signature}, {signature}"), &timestamp), ""),
        ("six minutes old", at(unix_seconds(-360).to_string()), "stale_timestamp"),
        ("six minutes ahead", at(unix_seconds(360).to_string()), "stale_timestamp"),
        ("a year old", at(unix_seconds(-31_536_000).to_string()), "stale_timestamp"),
        ("the beginning of time", at("0".to_owned()), "stale_timestamp"),
        ("six minutes old in milliseconds", at((unix_seconds(-360) * 1000).to_string()), "stale_timestamp"),
        ("the plain secret", base.clone().headers(x_vapi_secret(&northgate.secret)), "missing_header"),
        ("the secret as a bearer token", base.clone().headers(bearer(&northgate.secret)), "missing_header"),
        (
            "another recipe's headers",
            base.clone().headers(sign_vapi_hmac(&northgate.secret, &timestamp, body.as_bytes())),
            "missing_header",
        ),
        ("a signature of 4 KB", with(&"0".repeat(4096), &timestamp), ""),
        ("a signature of 60 KB", with(&"0".repeat(60_000), &timestamp), ""),
    ];
    for (what, request, reason) in cases {
        let answer = gateway.request(&request);
        assert_eq!(refused(&answer), (401, "unauthorized".to_owned()), "{what}");
        // One sentence for every reason; the log has the real one.
        assert_eq!(answer.json()["error"], "Invalid webhook signature", "{what}");
        assert!(answer.json().get("detail").is_none(), "{what}");
        let verdict = gateway.log().of_request(&answer.request_id())["verdict"].as_str().unwrap().to_owned();
        assert!(!["accepted", "unauthorized"].contains(&verdict.as_str()), "{what}: {verdict}");
        assert!(reason.is_empty() || verdict == reason, "{what}: {verdict}");
    }
    no_answer_is_a_fault(gateway, northgate, &body);
    assert_eq!(world.deployment.postgres().map(|postgres| postgres.row_counts()), before);
    still_serves(&mut world.gateway, &world.northgate);
}

/// Heads that HTTP itself may refuse: any refusal will do, an own fault will not.
fn no_answer_is_a_fault(gateway: &Gateway, organization: &Organization, body: &str) {
    let signed = Request::post(WEBHOOK, body).headers(organization.sign(body.as_bytes()));
    let mut crowd = signed.clone();
    for nth in 0..900 {
        crowd = crowd.header(&format!("x-filler-{nth}"), "y".repeat(70));
    }
    for (what, request) in [
        ("a huge header", signed.clone().header("x-filler", "y".repeat(300_000))),
        ("many headers", crowd),
        ("a control character", signed.clone().header("x-filler", "a\u{1}b")),
        ("no name", signed.clone().header("", "value")),
    ] {
        let status = gateway.request(&request).status;
        assert!((400..500).contains(&status), "{what}: {status}");
    }
    // Bytes beyond ASCII are allowed in a value, and are no signature.
    let answer =
        gateway.request(&Request::post(WEBHOOK, body).header(SIGNATURE, "ünïcode").header(TIMESTAMP, "1"));
    assert_eq!(answer.status, 401);
}

fn right_headers_are_taken(database: Database) {
    let World { gateway, northgate, .. } = &patient_world(database);
    let body = message::status_update("call-1", &northgate.assistant, "ringing").to_string();
    let iso = now().to_rfc3339_opts(SecondsFormat::Millis, true);
    for (what, timestamp) in [
        ("seconds", unix_seconds(0).to_string()),
        ("four minutes old", unix_seconds(-240).to_string()),
        ("four minutes ahead", unix_seconds(240).to_string()),
        ("milliseconds", now().timestamp_millis().to_string()),
        ("ISO 8601", iso),
    ] {
        let headers = sign_x_vapi(&northgate.secret, &timestamp, body.as_bytes());
        let answer = gateway.post(WEBHOOK, headers, body.as_str());
        assert_eq!(answer.status, 200, "{what}: {}", answer.text());
    }
    let mut upper = northgate.sign(body.as_bytes());
    for (_, value) in &mut upper {
        value.make_ascii_uppercase();
    }
    assert_eq!(gateway.post(WEBHOOK, upper, body.as_str()).status, 200, "hex in capitals");
    let shouted =
        northgate.sign(body.as_bytes()).into_iter().map(|(name, value)| (name.to_uppercase(), value));
    assert_eq!(gateway.post(WEBHOOK, shouted.collect(), body).status, 200, "names in capitals");
}

fn each_recipe_of_an_organization_is_taken(database: Database) {
    let world = patient_world(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let standard = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let credentials = json!([
        {"label": "own", "preset": "x-vapi-signature", "secret": northgate.secret},
        {"label": "provider", "preset": "vapi-hmac", "secret": "secret of the provider's recipe"},
        {"label": "plain", "preset": "x-vapi-secret", "secret": "plain secret"},
        {"label": "bearer", "preset": "bearer", "secret": "bearer-token"},
        {"label": "standard", "preset": "standard-webhooks", "secret": standard},
    ]);
    deployment.apply(&[&northgate.clone().with("credentials", credentials)]);
    let body = message::status_update("call-1", &northgate.assistant, "ringing").to_string();
    let bytes = body.as_bytes();
    let at = || unix_seconds(0);
    crate::harness::within_a_second("new credentials count", || {
        gateway.post(WEBHOOK, x_vapi_secret("plain secret"), bytes).status == 200
    });
    for (what, headers) in [
        ("own", northgate.sign(bytes)),
        ("provider", sign_vapi_hmac("secret of the provider's recipe", at(), bytes)),
        ("bearer", bearer("bearer-token")),
        ("standard", sign_standard_webhooks(standard, "msg_1", at(), bytes)),
    ] {
        assert_eq!(gateway.post(WEBHOOK, headers, bytes).status, 200, "{what}");
    }
    // A secret goes with its recipe, and with no other.
    for (what, headers) in [
        ("own secret, plain", x_vapi_secret(&northgate.secret)),
        ("plain secret, signed", sign_x_vapi("plain secret", at(), bytes)),
        ("bearer token, plain", x_vapi_secret("bearer-token")),
        (
            "provider's secret in the other headers",
            sign_x_vapi("secret of the provider's recipe", at(), bytes),
        ),
    ] {
        assert_eq!(
            refused(&gateway.post(WEBHOOK, headers, bytes)),
            (401, "unauthorized".to_owned()),
            "{what}"
        );
    }
}
