//! Facts of the end-of-call report, wherever they stand.

use serde_json::{Value, json};
use vapi_types::ServerMessage;
use vapi_types::message::EndOfCallReport;

use crate::support::message;

fn report(members: Value) -> EndOfCallReport {
    let mut body = members;
    body["type"] = json!("end-of-call-report");
    match message(&json!({ "message": body })) {
        ServerMessage::EndOfCallReport(report) => *report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn published_places_come_first() {
    let report = report(json!({
        "endedReason": "customer-ended-call", "startedAt": "2025-11-03T15:00:00Z", "endedAt": "2025-11-03T15:02:30.500Z",
        "cost": 0.5, "transcript": "old", "summary": "old", "recordingUrl": "old", "stereoRecordingUrl": "old",
        "analysis": { "summary": "new", "structuredData": { "a": 1 }, "successEvaluation": false },
        "artifact": { "transcript": "new", "recordingUrl": "older", "stereoRecordingUrl": "older",
                      "messages": [{ "role": "user", "message": "Hi" }],
                      "recording": { "stereoUrl": "stereo", "mono": { "combinedUrl": "mono" } } },
        "call": { "endedReason": "voicemail", "cost": 9, "startedAt": "2020-01-01T00:00:00Z" },
    }));
    assert_eq!(report.ended_reason().unwrap().as_str(), "customer-ended-call");
    assert_eq!(report.started_at().unwrap().to_rfc3339(), "2025-11-03T15:00:00+00:00");
    assert_eq!(report.duration().unwrap().num_milliseconds(), 150_500);
    assert_eq!(report.cost(), Some(0.5));
    assert_eq!((report.transcript(), report.summary()), (Some("new"), Some("new")));
    assert_eq!((report.recording_url(), report.stereo_recording_url()), (Some("mono"), Some("stereo")));
    assert_eq!(report.structured_data(), Some(&json!({ "a": 1 })));
    assert_eq!(report.messages().unwrap().latest(1)[0].text(), Some("Hi"));
    // A boolean is not the published type: it is kept, but is no text.
    assert_eq!(report.success_evaluation(), None);
    assert_eq!(report.analysis.unwrap().extra.get("successEvaluation"), Some(&json!(false)));
}

#[test]
fn older_places_are_found() {
    let report = report(json!({
        "cost": "0.25", "transcript": "t", "summary": "s", "recordingUrl": "r", "stereoRecordingUrl": "u",
        "durationSeconds": 61.5, "artifact": { "transcript": " " }, "analysis": { "successEvaluation": "false" },
        "call": { "endedReason": "voicemail", "endedAt": 1762182245123_u64 },
    }));
    assert_eq!(report.cost(), Some(0.25));
    assert_eq!((report.transcript(), report.summary()), (Some("t"), Some("s")));
    assert_eq!((report.recording_url(), report.stereo_recording_url()), (Some("r"), Some("u")));
    assert_eq!(report.success_evaluation(), Some("false"));
    assert_eq!(report.ended_reason().unwrap().as_str(), "voicemail");
    assert_eq!(report.ended_at().unwrap().timestamp_millis(), 1_762_182_245_123);
    assert_eq!(report.duration().unwrap().num_milliseconds(), 61_500);
}

#[test]
fn the_call_inside_is_the_last_resort() {
    let report = report(json!({ "call": {
        "artifact": { "transcript": "t", "recordingUrl": "r" }, "analysis": { "summary": "s" }, "cost": 1,
    }}));
    assert_eq!(
        (report.transcript(), report.summary(), report.recording_url()),
        (Some("t"), Some("s"), Some("r"))
    );
    assert_eq!((report.cost(), report.duration()), (Some(1.0), None));
}

#[test]
fn an_empty_report_says_nothing() {
    let report = report(json!({}));
    assert_eq!(report.ended_reason(), None);
    assert_eq!((report.started_at(), report.ended_at(), report.duration()), (None, None, None));
    assert_eq!((report.cost(), report.transcript(), report.summary()), (None, None, None));
}

#[test]
fn a_call_that_ends_before_it_starts_has_no_duration() {
    let backwards = json!({ "startedAt": "2025-11-03T15:00:00Z", "endedAt": "2025-11-03T14:00:00Z" });
    assert_eq!(report(backwards).duration(), None);
    assert_eq!(report(json!({ "durationMs": -5 })).duration(), None);
    assert_eq!(report(json!({ "durationMs": 1e300 })).duration(), None);
}
