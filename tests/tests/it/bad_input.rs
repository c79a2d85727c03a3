//! Bodies that no provider sends: never a fault of ours, never a row, and the gateway lives on.

use crate::harness::{
    Database, Deployment, Gateway, Organization, Request, TOOLS, WEBHOOK, WEBHOOK_TOO, message,
};
use serde_json::json;

use crate::support::{World, on_both_databases, refused};

on_both_databases![
    unreadable_bodies_are_refused_whoever_signs_them,
    bodies_without_an_identifier_are_refused,
    unverified_bodies_leave_no_row,
    other_methods_and_paths_are_refused_in_json,
];

const LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// A world in which strangers may knock as often as the tests do.
pub(crate) fn patient_world(database: Database) -> World {
    World::on(Deployment::new(database).set("GATEWAY__LIMITS__UNVERIFIED_PER_ADDRESS", "100000"))
}

fn nested(levels: usize, assistant: &str) -> Vec<u8> {
    format!(r#"{{"assistantId":"{assistant}","deep":{}{}}}"#, "[".repeat(levels), "]".repeat(levels))
        .into_bytes()
}

/// Bodies that cannot be read, with status and code.
fn unreadable(assistant: &str) -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let whole = message::call_started("call-1", assistant).to_string().into_bytes();
    let refused = |what, body: Vec<u8>| (what, body, 400, "unreadable_payload");
    let identifiers: Vec<String> =
        (0..3000).map(|nth| format!(r#""assistantId":"{assistant}-{nth}""#)).collect();
    let padded = |bytes: usize| {
        let mut body = format!(r#"{{"type":"call.started","assistantId":"{assistant}","pad":""#).into_bytes();
        body.resize(bytes - 2, b'x');
        body.extend_from_slice(b"\"}");
        body
    };
    vec![
        refused("nothing", Vec::new()),
        refused("white space", b" \r\n\t ".to_vec()),
        refused("null", b"null".to_vec()),
        refused("a boolean", b"true".to_vec()),
        refused("a number", b"42".to_vec()),
        refused("a string", b"\"call.started\"".to_vec()),
        refused("an empty array", b"[]".to_vec()),
        refused("an array of messages", [b"[".as_slice(), &whole, b"]"].concat()),
        refused("a cut body", whole.split_at(whole.len() - 1).0.to_vec()),
        refused("two bodies", [whole.as_slice(), &whole].concat()),
        refused("a tail", [whole.as_slice(), b"x"].concat()),
        refused("a comment", [b"/* hello */".as_slice(), &whole].concat()),
        refused(
            "a raw control character",
            String::from_utf8(whole.clone()).unwrap().replace("call-1", "\u{1}").into_bytes(),
        ),
        refused("an invalid byte", [br#"{"a":""#.as_slice(), &[0xff, 0xfe], br#""}"#].concat()),
        refused("a truncated character", [br#"{"a":""#.as_slice(), &[0xe2, 0x82], br#""}"#].concat()),
        refused("an unknown escape", br#"{"a":"\x41"}"#.to_vec()),
        refused("single quotes", b"{'a':1}".to_vec()),
        refused("NaN", br#"{"a":NaN}"#.to_vec()),
        refused("form data", b"type=call.started&assistantId=1".to_vec()),
        refused("200 levels", nested(200, assistant)),
        refused("5000 levels", nested(5000, assistant)),
        refused("a million levels", nested(1_000_000, assistant)),
        refused("a million open brackets", vec![b'['; 1_000_000]),
        refused("a million open objects", br#"{"a":"#.repeat(200_000)),
        // Each would have to be looked up.
        refused("3,000 identifiers", format!("{{{}}}", identifiers.join(",")).into_bytes()),
        ("20 MB", padded(20_000_000), 413, "payload_too_large"),
        ("one byte too many", padded(LIMIT_BYTES + 1), 413, "payload_too_large"),
    ]
}

fn unreadable_bodies_are_refused_whoever_signs_them(database: Database) {
    let mut world = patient_world(database);
    let before = world.deployment.postgres().map(|postgres| postgres.row_counts());
    let World { gateway, northgate, .. } = &world;
    for (what, body, status, code) in unreadable(&northgate.assistant) {
        for path in [WEBHOOK, WEBHOOK_TOO, &format!("{TOOLS}bookAppointment")] {
            for headers in [Vec::new(), northgate.sign(&body)] {
                let answer = gateway.post(path, headers, body.clone());
                assert_eq!(refused(&answer), (status, code.to_owned()), "{what} at {path}");
            }
        }
    }
    assert_eq!(world.deployment.postgres().map(|postgres| postgres.row_counts()), before);
    still_serves(&mut world.gateway, &world.northgate);
}

/// The process is the same, and does its work.
pub(crate) fn still_serves(gateway: &mut Gateway, organization: &Organization) {
    assert!(gateway.is_alive());
    assert_eq!(gateway.get("/health").status, 200);
    let answer =
        gateway.send(organization, &message::call_started("call-after-all", &organization.assistant));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Readable bodies that name nobody.
fn unresolvable() -> Vec<(&'static str, Vec<u8>)> {
    let deep = format!(r#"{{"deep":{}{}}}"#, "[".repeat(100), "]".repeat(100));
    let wide = format!(r#"{{"wide":[{}]}}"#, vec!["{}"; 200_000].join(","));
    [
        ("an empty object", "{}".to_owned()),
        ("an empty message", r#"{"message":{}}"#.to_owned()),
        ("a message that is text", r#"{"message":"hello"}"#.to_owned()),
        ("a message that is null", r#"{"message":null}"#.to_owned()),
        ("a message in a list", r#"{"message":[{"type":"hang"}]}"#.to_owned()),
        ("100 levels", deep),
        ("200,000 members", wide),
        (
            "identifiers of other types",
            r#"{"assistantId":null,"phoneNumberId":true,"call":{"assistantId":{},"id":[]}}"#.to_owned(),
        ),
        (
            "empty identifiers",
            r#"{"assistantId":"","phoneNumber":{"number":""},"call":{"id":" ","squadId":""}}"#.to_owned(),
        ),
        ("wildcards", r#"{"assistantId":"*","phoneNumberId":"%","phoneNumber":"*"}"#.to_owned()),
        (
            "SQL",
            r#"{"assistantId":"' OR '1'='1","phoneNumberId":"x'); DROP TABLE organizations; --"}"#.to_owned(),
        ),
        (
            "numbers as identifiers",
            r#"{"assistantId":12345,"phoneNumberId":1e999,"call":{"id":-0}}"#.to_owned(),
        ),
        (
            "NUL in identifiers",
            r#"{"assistantId":"a\u0000b","metadata":{"org_id":"\u0000"},"phoneNumber":"+1555\u0000"}"#
                .to_owned(),
        ),
        (
            "lone surrogates in identifiers",
            r#"{"assistantId":"\ud800","metadata":{"org_id":"\udfff\ud800"},"call":{"id":"\ud83d"}}"#
                .to_owned(),
        ),
        ("a long identifier", format!(r#"{{"assistantId":"{}"}}"#, "x".repeat(1_000_000))),
        ("a kind of another type", r#"{"message":{"type":7}}"#.to_owned()),
        ("tool calls of nobody", r#"{"message":{"toolCallList":[null,7,{"id":{}}]}}"#.to_owned()),
    ]
    .map(|(what, text)| (what, text.into_bytes()))
    .to_vec()
}

fn bodies_without_an_identifier_are_refused(database: Database) {
    let mut world = patient_world(database);
    let before = world.deployment.postgres().map(|postgres| postgres.row_counts());
    for (what, body) in unresolvable() {
        for headers in [Vec::new(), world.northgate.sign(&body)] {
            let answer = world.gateway.post(WEBHOOK, headers, body.clone());
            assert_eq!(refused(&answer), (400, "unresolved_organization".to_owned()), "{what}");
            assert_eq!(answer.json()["error"], "Cannot resolve organization", "{what}");
        }
        // On a tool's route such a body may be arguments, and then nobody is declared.
        let answer =
            world.gateway.post(&format!("{TOOLS}bookAppointment"), world.northgate.sign(&body), body);
        assert_eq!(refused(&answer), (400, "unresolved_organization".to_owned()), "{what}");
    }
    assert_eq!(world.deployment.postgres().map(|postgres| postgres.row_counts()), before);
    still_serves(&mut world.gateway, &world.northgate);
}

fn unverified_bodies_leave_no_row(database: Database) {
    let mut world = patient_world(database);
    let before = world.deployment.postgres().map(|postgres| postgres.row_counts());
    let World { gateway, northgate, .. } = &world;
    for (what, body) in crate::odd_messages::odd(northgate) {
        let unsigned = gateway.post(WEBHOOK, Vec::new(), body.clone());
        assert_eq!(refused(&unsigned), (401, "unauthorized".to_owned()), "{what}");
        let guessed = gateway.send_bytes_with("a guess", &body);
        assert_eq!(refused(&guessed), (401, "unauthorized".to_owned()), "{what}");
        let line = gateway.log().of_request(&guessed.request_id());
        assert_eq!(
            (line["verdict"].as_str(), line["effects"].as_str()),
            (Some("invalid_signature"), None),
            "{what}"
        );
    }
    assert_eq!(world.deployment.postgres().map(|postgres| postgres.row_counts()), before);
    still_serves(&mut world.gateway, &world.northgate);
}

fn other_methods_and_paths_are_refused_in_json(database: Database) {
    let world = patient_world(database);
    let World { gateway, northgate, .. } = &world;
    let body = message::call_started("call-1", &northgate.assistant).to_string();
    let tool = format!("{TOOLS}bookAppointment");
    for (path, methods) in [
        (WEBHOOK, &["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"][..]),
        (WEBHOOK_TOO, &["PUT", "DELETE"]),
        (tool.as_str(), &["GET", "PUT", "DELETE"]),
        ("/health", &["POST", "DELETE"]),
        ("/health/ready", &["POST"]),
    ] {
        for method in methods {
            let answer =
                gateway.request(&Request::new(method, path).headers(northgate.sign(body.as_bytes())));
            assert_eq!(refused(&answer), (405, "method_not_allowed".to_owned()), "{method} {path}");
            assert!(answer.header("allow").is_some_and(|allowed| !allowed.is_empty()), "{method} {path}");
        }
    }
    for path in [
        "/",
        "/api",
        "/api/webhooks/vapi/",
        "/api/webhooks",
        "/api/vapi/tools",
        "/api/vapi/tools/",
        "/api/vapi/tools/a/b",
        "/%00",
        "/..%2f..%2fetc/passwd",
    ] {
        let answer = gateway.post(path, northgate.sign(body.as_bytes()), body.as_str());
        assert_eq!(refused(&answer), (404, "not_found".to_owned()), "{path}");
        assert_eq!(refused(&gateway.get(path)), (404, "not_found".to_owned()), "{path}");
    }
    assert_eq!(json!({}), gateway.answer(northgate, &message::call_started("call-2", &northgate.assistant)));
}
