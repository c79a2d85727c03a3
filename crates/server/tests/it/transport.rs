//! Plain HTTP in production, and heads that no message comes with.

use crate::support::{TestGateway, request};

const WEBHOOK: &str = "/api/webhooks/vapi";

#[test]
fn where_tls_is_required_messages_are_taken_over_tls_only() {
    let alone = TestGateway::start(|setup| setup.intake.requires_https = true);
    let https = [("x-forwarded-proto", "https")];
    alone.post(WEBHOOK, &https, b"{}").refused(400, "https_required");
    assert_eq!(alone.get("/health").status, 200);

    let behind_proxy = TestGateway::start(|setup| {
        setup.intake.requires_https = true;
        setup.server.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    behind_proxy.post(WEBHOOK, &https, b"{}").refused(400, "unresolved_organization");
    for headers in
        [&[][..], &[("x-forwarded-proto", "http")][..], &[("x-forwarded-proto", "https, http")][..]]
    {
        behind_proxy.post(WEBHOOK, headers, b"{}").refused(400, "https_required");
    }
}

#[test]
fn odd_heads_are_refused_and_harm_nobody() {
    let gateway = TestGateway::start(|setup| setup.intake.limits.unverified_per_address = 10_000);
    let long = "x".repeat(6000);
    let odd: [&[(&str, &str)]; 6] = [
        &[("x-vapi-signature", ""), ("x-vapi-timestamp", "")],
        &[("x-vapi-signature", "a"), ("x-vapi-signature", "b")],
        &[("x-vapi-timestamp", "99999999999999999999")],
        &[("x-organization-id", "a"), ("x-organization-id", "b")],
        &[("x-organization-id", &long)],
        &[("authorization", "Bearer \u{e9}")],
    ];
    for headers in odd {
        for path in
            [WEBHOOK, "/api/vapi/tools/bookAppointment", "/api/vapi/tools/%00%ff", "/api/vapi/tools/%2e%2e"]
        {
            gateway.post(path, headers, b"{}").refused(400, "unresolved_organization");
        }
    }
}

#[test]
fn several_messages_share_a_connection() {
    let gateway = TestGateway::new();
    let mut connection = gateway.connect();
    for body in [&b"{}"[..], b"[]", br#"{"a":1}"#] {
        connection.send(&request("POST", WEBHOOK, &[], Some(body.len())));
        connection.send(body);
        assert_eq!(connection.answer().status, 400);
    }
}
