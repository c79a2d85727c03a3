//! Every route of the table, without a credential; and everything that is no route.

use server::{Access, Method, ROUTES};

use crate::support::{TestGateway, shared_keys};

/// A tool name in place of the parameter.
fn concrete(path: &str) -> String {
    path.replace("{tool}", "bookAppointment")
}

const STRANGERS: [&str; 6] = [
    "{}",
    r#"{"message":{"type":"tool-calls","toolCallList":[]}}"#,
    r#"{"message":{"type":"assistant-request","call":{"id":"c1","phoneNumberId":"p1"}}}"#,
    r#"{"type":"call.started","call":{"id":"call-12345","assistantId":"52b585b4-f84f-44c0-b0fd-4e3641a63a28"}}"#,
    r#"{"message":{"type":"status-update","call":{"metadata":{"org_id":"46cf2995-2bee-44e3-838b-24151486fe4e"}}}}"#,
    r#"{"patientName":"Jane Doe"}"#,
];

#[test]
fn a_signed_route_gives_a_stranger_nothing() {
    let gateway = TestGateway::start(|setup| {
        setup.intake.limits.unverified_per_address = 10_000;
        setup.intake.shared = shared_keys("s");
    });
    let signed: Vec<_> = ROUTES.iter().filter(|route| route.access == Access::Signed).collect();
    assert!(signed.len() >= 3, "the table is walked");
    for route in signed {
        assert_eq!(route.method, Method::Post, "{}", route.path);
        for body in STRANGERS {
            for headers in [&[][..], &[("x-vapi-secret", "wrong"), ("x-organization-id", "nobody")][..]] {
                let answer = gateway.post(&concrete(route.path), headers, body.as_bytes());
                let json = answer.refused(400, "unresolved_organization");
                assert_eq!(json["error"], "Cannot resolve organization");
            }
        }
    }
}

#[test]
fn an_open_route_answers_get_and_head() {
    let gateway = TestGateway::new();
    let open: Vec<_> = ROUTES.iter().filter(|route| route.access == Access::Open).collect();
    assert!(open.len() >= 5, "the table is walked");
    for route in open {
        assert_eq!(route.method, Method::Get, "{}", route.path);
        assert_eq!(gateway.get(route.path).status, 200, "{}", route.path);
        assert_eq!(gateway.send("HEAD", route.path).status, 200, "{}", route.path);
    }
}

#[test]
fn other_methods_are_refused_with_those_that_are_allowed() {
    let gateway = TestGateway::new();
    for route in ROUTES {
        for method in ["DELETE", "PUT", "PATCH", "OPTIONS"] {
            let answer = gateway.send(method, &concrete(route.path));
            answer.refused(405, "method_not_allowed");
            assert!(answer.header("allow").unwrap().contains(route.method.as_str()), "{}", route.path);
        }
    }
    gateway.get("/api/vapi/tools/bookAppointment").refused(405, "method_not_allowed");
}

#[test]
fn other_paths_are_refused_whatever_the_method() {
    let gateway = TestGateway::new();
    for path in [
        "/",
        "/api",
        "/api/vapi",
        "/api/vapi/tools",
        "/api/vapi/tools/a/b",
        "/health/",
        "/api/admin",
        "/metrics",
    ] {
        gateway.get(path).refused(404, "not_found");
        gateway.post(path, &[], b"{}").refused(404, "not_found");
    }
}

#[test]
fn the_detail_says_what_was_looked_up_in_vain() {
    let gateway = TestGateway::new();
    for (body, detail) in [
        (
            r#"{"message":{"type":"hang","call":{"assistantId":"a"}}}"#,
            "Organization not found for this assistant",
        ),
        (
            r#"{"message":{"type":"hang","phoneNumber":{"number":"+15552010100"}}}"#,
            "Organization not found for this phone number",
        ),
        (r#"{"message":{"type":"hang","call":{"id":"c"}}}"#, "Organization not found for this call"),
        (r#"{"metadata":{"org_id":"northgate"}}"#, "Organization not found for this metadata"),
    ] {
        let json =
            gateway.post("/api/webhooks/vapi", &[], body.as_bytes()).refused(400, "unresolved_organization");
        assert_eq!(json["detail"], detail);
    }
}

#[test]
fn the_name_of_a_request_is_ours() {
    let gateway = TestGateway::new();
    let named = [("x-request-id", "mine")];
    let first = gateway.post("/api/webhooks/vapi", &named, b"{}").refused(400, "unresolved_organization");
    let second = gateway.post("/api/webhooks/vapi", &named, b"{}").refused(400, "unresolved_organization");
    assert_ne!(first["request_id"], second["request_id"]);
}
