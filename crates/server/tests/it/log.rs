//! One line a message, and of an unverified body nothing in it but the identifier that was looked up.

use crate::support::{TestGateway, log};

#[test]
fn a_refused_message_writes_one_line_with_one_identifier_of_its_body() {
    let log = log();
    let gateway = TestGateway::new();
    let cases = [
        (
            &br#"{"message":{"type":"kind-word","call":{"id":"call-word","assistantId":"assistant-word"}}}"#
                [..],
            "unresolved",
            Some("assistant-word"),
        ),
        (b"[\"body-word\"]", "unreadable_payload", None),
    ];
    for (body, verdict, identifier) in cases {
        let answer = gateway.post("/api/webhooks/vapi", &[], body);
        let id = answer.header("x-request-id").unwrap();
        let lines = log.lines_of(id);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0].matches("-word").count(), identifier.iter().count(), "{}", lines[0]);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["identifier"].as_str(), identifier);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["verdict"], verdict);
        assert_eq!(line["status"], 400);
        assert_eq!(line["address"], "127.0.0.1");
        assert!(line["duration_ms"].is_number());
    }
}
