//! Messages that nobody can prove, and what they may cost others.

use intake::Refusal;
use org_resolver::LookupStep;

use crate::support::{Fixture, event};

#[tokio::test]
async fn a_stranger_is_told_to_wait_and_organizations_at_the_same_address_are_served() {
    let fixture = Fixture::with(|options| options.limits.unverified_per_address = 2).await;
    for _ in 0..2 {
        let answer = fixture.signed("guess", &event("nobody", "call-2")).await;
        assert!(matches!(answer.body, Err(Refusal::Unresolved { .. })), "{answer:?}");
        assert_eq!(answer.record.verdict, "unresolved");
    }
    for assistant in ["nobody", "never seen"] {
        let answer = fixture.signed("guess", &event(assistant, "call-2")).await;
        assert!(matches!(answer.body, Err(Refusal::RateLimited(Some(_)))), "{answer:?}");
    }
    // Neither organization sent anything before, so that nothing of it is remembered; the second one is switched off.
    let answer = fixture.signed("secret-a", &event("assistant-a", "call-1")).await;
    assert!(answer.body.is_ok(), "{answer:?}");
    let answer = fixture.signed("secret-b", &event("assistant-b", "call-1")).await;
    assert!(matches!(answer.body, Err(Refusal::OrganizationInactive)), "{answer:?}");
    let forged = fixture.signed("guess", &event("assistant-a", "call-1")).await;
    assert!(matches!(forged.body, Err(Refusal::Unauthorized)), "{forged:?}");
}

#[tokio::test]
async fn a_call_that_was_verified_is_found_by_its_pin_whatever_strangers_do() {
    let fixture = Fixture::with(|options| options.limits.unverified_per_address = 1).await;
    assert!(fixture.signed("secret-a", &event("assistant-a", "call-1")).await.body.is_ok());
    for _ in 0..2 {
        assert!(fixture.signed("guess", &event("nobody", "call-2")).await.body.is_err());
    }
    let answer = fixture.signed("secret-a", &event("transient", "call-1")).await;
    assert!(answer.body.is_ok(), "{answer:?}");
    assert_eq!(answer.record.step, Some(LookupStep::CallId));
}

#[tokio::test]
async fn the_record_of_a_stranger_holds_one_cut_identifier_and_no_other_text_of_the_body() {
    let fixture = Fixture::new().await;
    for (assistant, shown) in [
        ("assistant-a".to_owned(), "assistant-a".to_owned()),
        ("asst <b>ä</b>;x".to_owned(), "asstbbx".to_owned()),
        ("x".repeat(200), "x".repeat(80)),
    ] {
        let answer = fixture.signed("guess", &event(&assistant, "text of the body")).await;
        assert_eq!(answer.record.identifier.as_deref(), Some(&*shown));
        assert!(!format!("{:?}", answer.record).contains("text"), "{answer:?}");
    }
}

#[tokio::test]
async fn steps_that_are_not_in_the_chain_find_nobody() {
    let fixture = Fixture::with(|options| options.order = vec![LookupStep::PhoneNumberId]).await;
    let answer = fixture.signed("secret-a", &event("assistant-a", "call-1")).await;
    let Err(Refusal::Unresolved { detail }) = answer.body else { panic!("{answer:?}") };
    assert!(!detail.is_empty());
}
