//! The limits on strangers.

use std::time::Duration;

use crate::support::{Setup, TestGateway};

const WEBHOOK: &str = "/api/webhooks/vapi";

fn tight(setup: &mut Setup) {
    setup.intake.limits.unverified_per_address = 3;
    setup.server.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

#[test]
fn an_address_over_its_budget_is_told_to_wait() {
    let gateway = TestGateway::start(tight);
    for _ in 0..3 {
        gateway.post(WEBHOOK, &[], br#"{"assistantId":"a"}"#).refused(400, "unresolved_organization");
    }
    for body in [&br#"{"assistantId":"a"}"#[..], br#"{"assistantId":"never seen"}"#] {
        let answer = gateway.post(WEBHOOK, &[], body);
        answer.refused(429, "rate_limited");
        // Three a minute: one every twenty seconds.
        assert_eq!(answer.header("retry-after"), Some("20"));
    }
    assert_eq!(gateway.get("/health").status, 200);
    assert_eq!(gateway.get(WEBHOOK).status, 200);
    gateway.clock.advance(Duration::from_secs(20));
    gateway.post(WEBHOOK, &[], b"{}").refused(400, "unresolved_organization");
    gateway.post(WEBHOOK, &[], b"{}").refused(429, "rate_limited");
}

#[test]
fn unreadable_bodies_count_too() {
    let gateway = TestGateway::start(tight);
    for _ in 0..3 {
        gateway.post(WEBHOOK, &[], b"[]").refused(400, "unreadable_payload");
    }
    gateway.post(WEBHOOK, &[], b"{}").refused(429, "rate_limited");
}

#[test]
fn addresses_behind_a_trusted_proxy_have_budgets_of_their_own() {
    let gateway = TestGateway::start(tight);
    let from = |address: &str| gateway.post(WEBHOOK, &[("x-forwarded-for", address)], b"{}").status;
    assert_eq!([(); 4].map(|()| from("203.0.113.1")), [400, 400, 400, 429]);
    assert_eq!(from("203.0.113.2"), 400);
    // The sender's own words in front of the proxy's make no difference.
    assert_eq!(from("198.51.100.1, 203.0.113.1"), 429);
}

#[test]
fn a_port_or_brackets_and_a_host_of_many_addresses_make_no_budgets_of_their_own() {
    let gateway = TestGateway::start(tight);
    let from = |address: &str| gateway.post(WEBHOOK, &[("x-forwarded-for", address)], b"{}").status;
    let ports = ["203.0.113.1:1024", "203.0.113.1:1025", "203.0.113.1", "203.0.113.1:1026"];
    assert_eq!(ports.map(from), [400, 400, 400, 429]);
    let hosts = ["2001:db8::1", "[2001:db8::2]:443", "[2001:db8::3]", "2001:db8::ffff:1"];
    assert_eq!(hosts.map(from), [400, 400, 400, 429]);
    assert_eq!([from("203.0.113.2:1024"), from("2001:db8:0:1::1")], [400, 400]);
}

#[test]
fn a_forged_address_means_nothing_without_a_trusted_proxy() {
    let gateway = TestGateway::start(|setup| setup.intake.limits.unverified_per_address = 1);
    let from = |address: &str| gateway.post(WEBHOOK, &[("x-forwarded-for", address)], b"{}").status;
    assert_eq!([from("203.0.113.1"), from("203.0.113.2")], [400, 429]);
}

#[test]
fn all_addresses_together_have_one_budget() {
    let gateway = TestGateway::start(|setup| {
        tight(setup);
        setup.intake.limits.unverified_per_address = 100;
        setup.intake.limits.unverified_total = 2;
    });
    let from = |address: &str| gateway.post(WEBHOOK, &[("x-forwarded-for", address)], b"{}").status;
    assert_eq!([from("203.0.113.1"), from("203.0.113.2"), from("203.0.113.3")], [400, 400, 429]);
}
