//! `verify`: signatures that openssl made.

use serde_json::{Value, json};

use crate::support::{Directory, MASTER_KEY, Run, applied};

const BODY: &str = r#"{"type":"call.started","call":{"id":"call-12345","assistantId":"asst_sarah"}}"#;
const AT: &str = "1767225600";
/// printf '%s.%s' 1767225600 "$BODY" | openssl dgst -sha256 -hmac 's3cret of 2026'
const SIGNATURE: &str = "0d796012b105c1aa2b434f4538758f305b6cf49cd7d513f66c52a9674332e474";
/// printf '%s.%s' 1767225600 "$BODY" | openssl dgst -sha256 -hmac monkeywrench
const WRENCH: &str = "ada657fd1f4dcbfeb22be5d66d174771fc59c36824be2c0d06cfe024eed48f82";
/// printf '%s.%s\n' 1767225600 "$BODY" | openssl dgst -sha256 -hmac 's3cret of 2026'
const WITH_NEWLINE: &str = "5e47e15931985db6d680e89c00981a598a628fd5c3fd64cf342d3a139635ec36";

fn record(directory: &Directory, signature: &str) {
    directory.write("body.json", BODY);
    directory.write(
        "headers.txt",
        format!("Content-Type: application/json\nX-Vapi-Signature: {signature}\nX-Vapi-Timestamp: {AT}\n"),
    );
}

fn verify(directory: &Directory, whose: &[&str]) -> Run {
    let recording = ["verify", "--headers", "headers.txt", "--body", "body.json", "--at", AT, "--json"];
    directory.run(&[&recording, whose].concat())
}

/// The secret `s3cret of 2026` opens the door of northgate-dental.
pub(crate) fn assert_northgate_verifies(directory: &Directory) {
    record(directory, SIGNATURE);
    let run = verify(directory, &["--org", "northgate-dental"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["matched"], json!(true));
    assert_eq!(run.json()["credential"]["label"], "2026");
    assert_eq!(run.json()["credential"]["scheme"], "hmac");
}

fn causes(run: &Run) -> Vec<Value> {
    assert_eq!((run.code, &run.json()["matched"]), (Some(3), &json!(false)), "{run:?}");
    run.json()["findings"].as_array().unwrap().iter().map(|finding| finding["cause"].clone()).collect()
}

#[test]
fn the_organizations_own_credential_matches() {
    let directory = applied();
    assert_northgate_verifies(&directory);
    let by_id = verify(&directory, &["--org", crate::support::NORTHGATE]);
    assert_eq!(by_id.code, Some(0), "{by_id:?}");
}

#[test]
fn another_organizations_secret_does_not() {
    let directory = applied();
    record(&directory, WRENCH);
    assert_eq!(causes(&verify(&directory, &["--org", "northgate-dental"])), ["no_match"]);
    // Plumbing Pros has this secret, under the provider's own header names.
    assert_eq!(causes(&verify(&directory, &["--org", "plumbing-pros"])), ["wrong_header"]);
}

#[test]
fn a_secret_needs_no_database() {
    let directory = Directory::new().with("SENT", "s3cret of 2026");
    record(&directory, SIGNATURE);
    assert_eq!(verify(&directory, &["--secret", "s3cret of 2026"]).code, Some(0));
    assert_eq!(verify(&directory, &["--secret-env", "SENT"]).code, Some(0));
    assert_eq!(
        causes(&verify(&directory, &["--secret", "s3cret of 2026", "--preset", "vapi-hmac"])),
        ["wrong_header"]
    );
    record(&directory, WITH_NEWLINE);
    assert_eq!(causes(&verify(&directory, &["--secret", "s3cret of 2026"])), ["trailing_newline"]);
    assert!(!directory.path("data").exists());
}

#[test]
fn the_time_counts() {
    let directory = Directory::new();
    record(&directory, SIGNATURE);
    let recording =
        ["verify", "--headers", "headers.txt", "--body", "body.json", "--secret", "s3cret of 2026", "--json"];
    // 1767225600 is the first second of 2026; 300 s are allowed.
    for (at, code) in [("2026-01-01T00:05:00Z", 0), ("2025-12-31T23:55:00Z", 0), ("2026-01-01T00:05:01Z", 3)]
    {
        let run = directory.run(&[&recording[..], &["--at", at]].concat());
        assert_eq!(run.code, Some(code), "{at} {run:?}");
    }
    let stale = directory.run(&[&recording[..], &["--at", "2026-01-01T00:10:00Z"]].concat());
    assert_eq!(causes(&stale), ["clock_skew"]);
}

#[test]
fn a_curl_trace_and_standard_input_are_read() {
    let directory = Directory::new();
    directory.write(
        "trace.txt",
        format!(
            "*   Trying 127.0.0.1:3001...\n> POST /api/webhooks/vapi HTTP/1.1\n> Host: h\n> x-vapi-signature: {SIGNATURE}\n> x-vapi-timestamp: {AT}\n>\n< HTTP/1.1 401\n"
        ),
    );
    let arguments =
        ["verify", "--secret", "s3cret of 2026", "--headers", "trace.txt", "--body", "-", "--at", AT];
    let run = directory.run_with_input(&arguments, BODY.as_bytes());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("matches [given]: "), "{run:?}");
}

#[test]
fn the_shared_secret_serves_an_organization_without_its_own() {
    let directory = applied();
    record(&directory, WRENCH);
    assert_eq!(causes(&verify(&directory, &["--org", "closed-law"])), ["no_credential"]);
    let directory = directory.with("VAPI_WEBHOOK_SECRET", "monkeywrench");
    assert_eq!(verify(&directory, &["--org", "closed-law"]).code, Some(0));
    assert_eq!(causes(&verify(&directory, &["--org", "northgate-dental"])), ["no_match"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let directory = applied();
    record(&directory, SIGNATURE);
    let unknown = verify(&directory, &["--org", "nobody"]);
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.err.contains("nobody") && unknown.err.contains("northgate-dental"), "{unknown:?}");
    let directory = directory.with("GATEWAY_MASTER_KEY", MASTER_KEY);
    let closed = verify(&directory, &["--org", "northgate-dental"]);
    assert_eq!(closed.code, Some(1));
    assert!(closed.err.contains("cannot be opened"), "{closed:?}");
}
