//! The log's lines, and the texts kept out of them.

use crate::harness::message::{self, call, of_kind, tool_call};
use crate::harness::{Database, Deployment, WEBHOOK, days_ahead};
use serde_json::json;

use crate::support::{World, on_both_databases, refused};

on_both_databases![
    a_message_has_one_line,
    nothing_of_a_body_and_no_secret_is_logged,
    a_text_log_can_be_searched,
    a_message_cannot_fill_the_log,
];

fn a_message_has_one_line(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    let book = message::book("call-1", &northgate.assistant, "call_1", days_ahead(4), "10:00");
    let booked = gateway.send(northgate, &book);
    let line = gateway.log().of_request(&booked.request_id());
    for (field, expected) in [
        ("org_id", northgate.id.to_string().as_str()),
        ("assistant_id", &northgate.assistant),
        ("call_id", "call-1"),
        ("kind", "tool-calls"),
        ("step", "assistant_id"),
        ("verdict", "accepted"),
        ("level", "INFO"),
    ] {
        assert_eq!(line[field], expected, "{field}: {line}");
    }
    assert!(line["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0), "{line}");
    let effects = gateway.effects(&booked);
    assert!(effects.contains(&"booked".to_owned()), "{effects:?}");

    // An unverified message says nothing about itself but the identifier that was looked up.
    let mut strange = message::call_started("call-of-a-stranger", "asst_of_a_stranger");
    strange["metadata"] = json!({"org_id": "a-strange-organization"});
    let unresolved = gateway.send_with("a guess", &strange);
    assert_eq!(refused(&unresolved).0, 400);
    let forged = gateway.send_with("a guess", &message::call_started("call-forged", &fontaneria.assistant));
    assert_eq!(refused(&forged).0, 401);
    for (answer, verdict, identifier) in [
        (&unresolved, "unresolved", "asst_of_a_stranger"),
        (&forged, "invalid_signature", fontaneria.assistant.as_str()),
    ] {
        let line = gateway.log().of_request(&answer.request_id());
        assert_eq!(
            (line["step"].as_str(), line["identifier"].as_str()),
            (Some("assistant_id"), Some(identifier))
        );
        assert_eq!((line["verdict"].as_str(), line.get("org_id")), (Some(verdict), None), "{line}");
        let text = line.to_string();
        for word in ["call-of-a-stranger", "a-strange-organization", "call-forged"] {
            assert!(!text.contains(word), "{word}: {line}");
        }
    }
    let unreadable = gateway.post(WEBHOOK, Vec::new(), "not json");
    assert_eq!(gateway.log().of_request(&unreadable.request_id())["verdict"], "unreadable_payload");

    let ids = [&booked, &unresolved, &forged, &unreadable].map(|answer| answer.request_id());
    let lines = gateway.log().messages();
    for id in &ids {
        assert_eq!(lines.iter().filter(|line| line["request_id"] == id.as_str()).count(), 1, "{id}");
    }
    assert_eq!(lines.len(), ids.len(), "one line a message: {lines:?}");
}

fn nothing_of_a_body_and_no_secret_is_logged(database: Database) {
    // At the finest level that there is, libraries included.
    let shared = "shared secret of the deployment";
    let world = World::on(Deployment::new(database).shared_secret(shared).set("RUST_LOG", "trace"));
    let World { gateway, northgate, .. } = world;
    let word = "Qwghlm";
    let mut arguments = message::booking(days_ahead(4), "10:00");
    arguments["patientName"] = json!(word);
    arguments["patientEmail"] = json!(format!("{word}@example.com"));
    let odd = json!({"unknownTool": word});
    let bodies = [
        message::tool_calls(
            call("call-1", &northgate.assistant),
            &[
                tool_call("call_1", "bookAppointment", &arguments),
                tool_call("call_2", "bookAppointment", &odd),
            ],
        ),
        of_kind(
            "end-of-call-report",
            call("call-1", &northgate.assistant),
            json!({
            "endedReason": "x", "artifact": {"transcript": word}, "analysis": {"summary": word}}),
        ),
        of_kind(
            "end-of-call-report",
            call("call-2", &northgate.assistant),
            json!({"artifact": word, "analysis": [word]}),
        ),
        of_kind(
            "transcript",
            call("call-1", &northgate.assistant),
            json!({"role": "user", "transcript": word}),
        ),
        of_kind(
            "knowledge-base-request",
            call("call-1", &northgate.assistant),
            json!({
            "messagesOpenAIFormatted": [{"role": "user", "content": word}]}),
        ),
        of_kind(
            "status-update",
            json!({"id": "call-3", "assistantId": northgate.assistant,
            "monitor": {"controlUrl": format!("https://phone.vapi.ai/{word}")}}),
            json!({"status": "in-progress"}),
        ),
    ];
    for body in &bodies {
        assert_eq!(gateway.send(&northgate, body).status, 200, "{body}");
        // Refused ones as well, by signature and by address.
        assert_eq!(gateway.send_with("a guess", body).status, 401);
    }
    assert_eq!(gateway.post(WEBHOOK, Vec::new(), format!("not json: {word}")).status, 400);
    let signature = northgate.sign(b"{}").remove(0).1;
    let stopped = gateway.stop();
    assert!(stopped.status.success());
    assert!(stopped.log.contains("call-1"), "the log is there");
    for forbidden in [word, northgate.secret.as_str(), shared, signature.as_str()] {
        let line = stopped.log.lines().find(|line| line.contains(forbidden));
        assert_eq!(line, None, "{forbidden} is in the log");
    }
}

fn a_text_log_can_be_searched(database: Database) {
    let world =
        World::on(Deployment::new(database).set("RUST_LOG", "info").set("GATEWAY__LOG__FORMAT", "text"));
    let World { gateway, northgate, .. } = world;
    let answer = gateway.send(&northgate, &message::call_started("call-12345", &northgate.assistant));
    let stopped = gateway.stop();
    let lines: Vec<&str> =
        stopped.log.lines().filter(|line| line.contains(&format!("org_id={}", northgate.id))).collect();
    assert!(
        lines.iter().any(|line| line.contains("call-12345") && line.contains(&answer.request_id())),
        "{}",
        stopped.log
    );
}

fn a_message_cannot_fill_the_log(database: Database) {
    let World { gateway, northgate, .. } = &World::new(database);
    let long = "\u{1b}[2J".repeat(2_000);
    let mut call = call("call-1", &northgate.assistant);
    call["id"] = json!(long);
    call["phoneNumberId"] = json!(long);
    let own = json!({"assistantId": long, "squadId": long, "metadata": {"org_id": long}});
    let before = gateway.log().text().len();
    for kind in ["hang", long.as_str()] {
        let answer = gateway.send(northgate, &of_kind(kind, call.clone(), own.clone()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let line = gateway.log().of_request(&answer.request_id());
        assert!(line["call_id"].as_str().is_some_and(|id| id.chars().count() == 81), "{line}");
    }
    // At `debug`, as every test of this kind logs.
    let text = gateway.log().text();
    assert!(text.len() - before < 40_000, "{} bytes", text.len() - before);
    assert!(!text.contains('\u{1b}'));
}
