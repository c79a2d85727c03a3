//! The cost of one message before any database is asked: reading its head, typing it, redacting it, answering it.
//!
//! The two bodies have the members and the proportions of real ones: a small one with one call around it, and a
//! report whose bulk is the conversation, three times over, beside the assistant with its prompt and its tools.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot read its own input has to stop")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use serde_json::{Value, json};
use vapi_types::reply::{AssistantRequestReply, ToolCallsReply, ToolResult};
use vapi_types::{AssistantId, Envelope, Reply, redact, tool_calls_from};

/// Something a person says, of about the mean length.
const SENTENCE: &str = "I would like to move my appointment to Tuesday, at half past two if ok";

fn call(status: &str) -> Value {
    json!({
        "id": "7c2a8f0e-5b1d-4c63-9a57-0d3f1e6b8a42",
        "orgId": "b1946ac9-2f5c-4f1e-8d38-6a7e0c9d5b10",
        "createdAt": "2026-11-21T15:04:05.000Z",
        "updatedAt": "2026-11-21T15:04:09.412Z",
        "type": "inboundPhoneCall",
        "status": status,
        "cost": 0,
        "monitor": {
            "listenUrl": "wss://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/7c2a8f0e/listen",
            "controlUrl": "https://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/7c2a8f0e/control",
        },
        "transport": { "provider": "twilio", "callSid": "CA0123456789abcdef0123456789abcdef" },
        "phoneCallProvider": "twilio",
        "phoneCallProviderId": "CA0123456789abcdef0123456789abcdef",
        "phoneCallTransport": "pstn",
        "assistantId": "5f0c1b9e-8a4d-4e77-b2a1-93c6d0e4f785",
        "phoneNumberId": "e8d7c6b5-a493-4281-9706-5f4e3d2c1b0a",
        "customer": { "number": "+15555550142", "name": "Ada" },
        "metadata": { "org_id": "clinic-a", "campaign": "autumn" },
    })
}

fn phone_number() -> Value {
    json!({
        "id": "e8d7c6b5-a493-4281-9706-5f4e3d2c1b0a",
        "orgId": "b1946ac9-2f5c-4f1e-8d38-6a7e0c9d5b10",
        "assistantId": "5f0c1b9e-8a4d-4e77-b2a1-93c6d0e4f785",
        "number": "+15555550100",
        "createdAt": "2026-01-05T09:00:00.000Z",
        "name": "Front desk",
        "credentialId": "0a1b2c3d-4e5f-4061-8293-a4b5c6d7e8f9",
        "provider": "twilio",
        "status": "active",
    })
}

/// A status update of about 2 KB.
fn status_update() -> Vec<u8> {
    let body = json!({ "message": {
        "timestamp": 1_795_273_449_412_u64,
        "type": "status-update",
        "status": "in-progress",
        "artifact": { "messages": turns(1), "messagesOpenAIFormatted": model_turns(1) },
        "call": call("ringing"),
        "phoneNumber": phone_number(),
        "customer": { "number": "+15555550142", "name": "Ada" },
        "assistant": {
            "id": "5f0c1b9e-8a4d-4e77-b2a1-93c6d0e4f785",
            "name": "Reception",
            "firstMessage": "Good morning, how can I help?",
            "model": { "provider": "openai", "model": "gpt-4o", "temperature": 0.3 },
            "server": { "url": "https://gateway.example/webhook", "secret": "s3cret" },
        },
    }});
    body.to_string().into_bytes()
}

fn turns(count: usize) -> Vec<Value> {
    (0..count)
        .map(|turn| {
            let role = if turn % 2 == 0 { "bot" } else { "user" };
            json!({
                "role": role,
                "message": format!("{SENTENCE} {turn}\n{SENTENCE}"),
                "time": 1_795_273_449_412.0 + 4_137.5 * f64::from(u32::try_from(turn).unwrap()),
                "endTime": 1_795_273_451_000_u64,
                "secondsFromStart": 4.1375,
                "duration": 1588,
                "source": "",
            })
        })
        .collect()
}

fn model_turns(count: usize) -> Vec<Value> {
    (0..count)
        .map(|turn| {
            let role = if turn % 2 == 0 { "assistant" } else { "user" };
            json!({ "role": role, "content": format!("{SENTENCE} {turn}\n{SENTENCE}") })
        })
        .collect()
}

fn tool(number: usize) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": format!("bookAppointment{number}"),
            "description": SENTENCE,
            "parameters": {
                "type": "object",
                "properties": {
                    "appointmentDate": { "type": "string", "description": "The date, as 2026-11-24" },
                    "appointmentTime": { "type": "string", "description": "The time, as 14:30" },
                },
                "required": ["appointmentDate", "appointmentTime"],
            },
        },
        "server": {
            "url": "https://gateway.example/webhook",
            "secret": "s3cret",
            "headers": { "x-tenant": "clinic-a", "authorization": "Bearer abcdef" },
        },
    })
}

/// A report of about 100 KB.
fn report() -> Vec<u8> {
    let count = 135;
    let transcript = format!("AI: {SENTENCE}\nUser: {SENTENCE}\n").repeat(count / 2);
    let body = json!({ "message": {
        "timestamp": 1_795_273_449_412_u64,
        "type": "end-of-call-report",
        "endedReason": "customer-ended-call",
        "startedAt": "2026-11-21T15:04:09.412Z",
        "endedAt": "2026-11-21T15:12:41.070Z",
        "cost": 0.4137,
        "costs": [
            { "type": "model", "model": { "provider": "openai", "model": "gpt-4o" }, "cost": 0.21 },
            { "type": "voice", "characters": 4137, "cost": 0.17 },
        ],
        "costBreakdown": { "stt": 0.01, "llm": 0.21, "tts": 0.17, "vapi": 0.02, "total": 0.4137 },
        "durationSeconds": 511.658,
        "summary": SENTENCE.repeat(6),
        "analysis": {
            "summary": SENTENCE.repeat(6),
            "structuredData": { "wantsCallback": true, "party": 2 },
            "successEvaluation": "true",
        },
        "artifact": {
            "messages": turns(count),
            "messagesOpenAIFormatted": model_turns(count),
            "transcript": transcript,
            "recordingUrl": "https://storage.example/7c2a8f0e-mono.wav",
            "variableValues": { "date": "Nov 21, 2026", "customer": { "number": "+15555550142" } },
        },
        "call": call("ended"),
        "phoneNumber": phone_number(),
        "customer": { "number": "+15555550142", "name": "Ada" },
        "assistant": {
            "id": "5f0c1b9e-8a4d-4e77-b2a1-93c6d0e4f785",
            "name": "Reception",
            "model": {
                "provider": "openai",
                "model": "gpt-4o",
                "messages": [{ "role": "system", "content": SENTENCE.repeat(120) }],
                "tools": (0..12).map(tool).collect::<Vec<_>>(),
            },
            "credentials": [{ "provider": "openai", "apiKey": "sk-0123456789" }],
        },
        "messages": turns(40),
    }});
    body.to_string().into_bytes()
}

fn replies() -> [(&'static str, Reply); 2] {
    let body = json!({ "message": { "type": "tool-calls", "toolCallList": [{
        "id": "call_8f3a1c",
        "type": "function",
        "function": { "name": "bookAppointment", "arguments": { "appointmentDate": "2026-11-24" } },
    }]}});
    let calls = tool_calls_from(body.to_string().as_bytes());
    let results: ToolCallsReply = calls.iter().map(|call| ToolResult::result(call, SENTENCE)).collect();
    let overrides =
        json!({ "variableValues": { "clinicName": "Clinic A", "language": "en", "hours": "9 to 5" } });
    let assistant =
        AssistantRequestReply::assistant(AssistantId::new("5f0c1b9e-8a4d-4e77-b2a1-93c6d0e4f785"))
            .with_overrides(overrides.as_object().unwrap().clone());
    [("tool_result", Reply::ToolCalls(results)), ("assistant", Reply::AssistantRequest(assistant))]
}

fn messages(criterion: &mut Criterion) {
    for (name, body) in [("status_2kb", status_update()), ("report_100kb", report())] {
        let text = std::str::from_utf8(&body).unwrap();
        let envelope = Envelope::parse(&body).unwrap();
        // A fixture that has lost its kind, its secrets or its size would measure something else.
        assert!(envelope.message().is_ok());
        assert_ne!(redact(text), text);
        let wanted = if name == "status_2kb" { 1_800..2_300 } else { 95_000..110_000 };
        assert!(wanted.contains(&body.len()), "{name} has {} bytes", body.len());

        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(u64::try_from(body.len()).unwrap()));
        group.bench_function("parse", |bench| bench.iter(|| Envelope::parse(black_box(&body))));
        group.bench_function("message", |bench| bench.iter(|| black_box(&envelope).message()));
        group.bench_function("redact", |bench| bench.iter(|| redact(black_box(text))));
        group.bench_function("parse_redact_message", |bench| {
            bench.iter(|| {
                let envelope = Envelope::parse(black_box(&body)).unwrap();
                (redact(text), envelope.message())
            });
        });
        group.finish();
    }
    let mut group = criterion.benchmark_group("reply");
    for (name, reply) in replies() {
        group.bench_function(name, |bench| bench.iter(|| black_box(&reply).to_json()));
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(5_000)
        .configure_from_args();
    messages(&mut criterion);
    criterion.final_summary();
}
