//! One line a message, and nothing of an unverified body in it.

use crate::support::{TestGateway, log};

#[test]
fn a_refused_message_writes_one_line_without_a_word_of_its_body() {
    let log = log();
    let gateway = TestGateway::new();
    let cases = [
        (
            &br#"{"message":{"type":"kind-word","call":{"id":"call-word","assistantId":"assistant-word"}}}"#
                [..],
            "unresolved",
        ),
        (b"[\"body-word\"]", "unreadable_payload"),
    ];
    for (body, verdict) in cases {
        let answer = gateway.post("/api/webhooks/vapi", &[], body);
        let id = answer.header("x-request-id").unwrap();
        let lines = log.lines_of(id);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains("-word"), "{}", lines[0]);
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["verdict"], verdict);
        assert_eq!(line["status"], 400);
        assert_eq!(line["address"], "127.0.0.1");
        assert!(line["duration_ms"].is_number());
    }
}
