//! Messages that nobody can prove, and what they may cost others.

use intake::Refusal;
use org_resolver::LookupStep;

use crate::support::{Fixture, event};

#[tokio::test]
async fn a_stranger_is_told_to_wait_and_a_known_organization_at_the_same_address_is_served() {
    let fixture = Fixture::with(|options| options.limits.unverified_per_address = 2).await;
    let known = event("assistant-a", "call-1");
    assert!(fixture.signed("secret-a", &known).await.body.is_ok());
    for _ in 0..2 {
        let answer = fixture.signed("guess", &event("nobody", "call-2")).await;
        assert!(matches!(answer.body, Err(Refusal::Unresolved { .. })), "{answer:?}");
        assert_eq!(answer.record.verdict, "unresolved");
    }
    for assistant in ["nobody", "never seen"] {
        let answer = fixture.signed("guess", &event(assistant, "call-2")).await;
        assert!(matches!(answer.body, Err(Refusal::RateLimited(Some(_)))), "{answer:?}");
    }
    assert!(fixture.signed("secret-a", &known).await.body.is_ok());
}

#[tokio::test]
async fn the_record_of_a_stranger_holds_no_text_of_the_body() {
    let fixture = Fixture::new().await;
    let answer = fixture.signed("guess", &event("assistant-a", "text of the body")).await;
    let record = format!("{:?}", answer.record);
    assert!(!record.contains("text of the body") && !record.contains("assistant-a"), "{record}");
}

#[tokio::test]
async fn steps_that_are_not_in_the_chain_find_nobody() {
    let fixture = Fixture::with(|options| options.order = vec![LookupStep::PhoneNumberId]).await;
    let answer = fixture.signed("secret-a", &event("assistant-a", "call-1")).await;
    let Err(Refusal::Unresolved { detail }) = answer.body else { panic!("{answer:?}") };
    assert!(!detail.is_empty());
}
