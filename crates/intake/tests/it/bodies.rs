//! Bodies that do not arrive whole, and requests that are refused before theirs is read.

use intake::Refusal;

use crate::support::Fixture;

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
