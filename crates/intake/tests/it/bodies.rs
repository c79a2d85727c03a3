//! Bodies that do not arrive whole, and requests that are refused before theirs is read.

use intake::Refusal;

use crate::support::{Fixture, event};

/// A message of a kind, padded to so many bytes.
fn padded(kind: &str, assistant: &str, bytes: usize) -> String {
    let body = |pad: &str| {
        format!(
            r#"{{"message":{{"type":"{kind}","status":"ringing","call":{{"id":"c1","assistantId":"{assistant}"}},"pad":"{pad}"}}}}"#
        )
    };
    body(&"x".repeat(bytes - body("").len()))
}

#[tokio::test]
async fn only_reports_may_be_large() {
    let fixture = Fixture::with(|options| options.limits.max_other_body_bytes = 2000).await;
    for (kind, bytes, is_taken) in [
        ("end-of-call-report", 2001, true),
        ("end-of-call-report", 100_000, true),
        ("status-update", 2000, true),
        ("status-update", 2001, false),
        ("tool-calls", 2001, false),
        ("a kind of tomorrow", 2001, false),
    ] {
        let answer = fixture.signed("secret-a", &padded(kind, "assistant-a", bytes)).await;
        match answer.body {
            Ok(_) => assert!(is_taken, "{kind} of {bytes}"),
            Err(refusal) => {
                assert_eq!((refusal, is_taken), (Refusal::PayloadTooLarge, false), "{kind} of {bytes}");
            }
        }
    }
}

#[tokio::test]
async fn an_organization_has_an_allowance_of_bytes() {
    let fixture = Fixture::with(|options| options.limits.bytes = 10_000).await;
    let report = |bytes| padded("end-of-call-report", "assistant-a", bytes);
    // The second one is taken whole, since something was left.
    assert!(fixture.signed("secret-a", &report(9_000)).await.body.is_ok());
    assert!(fixture.signed("secret-a", &report(9_000)).await.body.is_ok());
    let refused = fixture.signed("secret-a", &event("assistant-a", "c2")).await;
    let Err(Refusal::RateLimited(Some(wait))) = refused.body else { panic!("{refused:?}") };
    // 8,000 bytes too much, at 6 ms a byte.
    assert_eq!(wait.seconds(), 49);
    fixture.advance(wait.wait());
    assert!(fixture.signed("secret-a", &event("assistant-a", "c2")).await.body.is_ok());
}

#[tokio::test]
async fn a_request_that_may_not_be_taken_is_refused_before_its_body_is_read() {
    let fixture = Fixture::with(|options| options.requires_https = true).await;
    let answer = fixture.body(false, async { panic!("the body is read") }).await;
    assert_eq!((answer.body, answer.record.verdict), (Err(Refusal::HttpsRequired), "https_required"));
    let answer = fixture.body(true, async { Ok(b"[]".to_vec()) }).await;
    assert_eq!(answer.body, Err(Refusal::Unreadable));
}

#[tokio::test]
async fn a_body_that_fails_by_its_sender_costs_the_sender_and_one_that_fails_by_us_does_not() {
    let failures = [
        (Refusal::UnsupportedEncoding, true),
        (Refusal::PayloadTooLarge, true),
        (Refusal::RequestTimeout, true),
        (Refusal::Unreadable, true),
        (Refusal::Unavailable, false),
    ];
    for (failure, is_charged) in failures {
        let fixture = Fixture::with(|options| options.limits.unverified_per_address = 1).await;
        let answer = fixture.body(true, async { Err(failure.clone()) }).await;
        assert_eq!((&answer.body, answer.record.verdict), (&Err(failure.clone()), failure.code()));
        let next = fixture.body(true, async { Ok(b"{}".to_vec()) }).await;
        let is_limited = matches!(next.body, Err(Refusal::RateLimited(Some(_))));
        assert_eq!(is_limited, is_charged, "{failure:?}");
    }
}
