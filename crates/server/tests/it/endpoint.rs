//! The check that operators make first.

use org_resolver::LookupStep;

use crate::support::TestGateway;

#[test]
fn the_check_answers_to_the_letter() {
    let gateway = TestGateway::new();
    for path in ["/api/webhooks/vapi", "/api/vapi/webhook"] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(
            String::from_utf8(answer.body).unwrap(),
            concat!(
                r#"{"success":true,"message":"Vapi webhook endpoint is active","multiTenant":true,"#,
                r#""identificationMethods":["assistant_id (from customer_configurations.vapi_assistant_id)","#,
                r#""phone_number (from customer_configurations.vapi_phone_number)","#,
                r#""call_id (from call_logs.vapi_call_id)","#,
                r#""phone_number_id (from phone_numbers.provider_phone_id)","#,
                r#""squad_id (from customer_configurations.vapi_squad_id)","#,
                r#""metadata (from organizations.id or organizations.slug)"]}"#,
            )
        );
    }
}

#[test]
fn steps_that_are_not_in_the_chain_are_not_listed_after_the_first_three() {
    let gateway = TestGateway::start(|setup| setup.intake.order = vec![LookupStep::SquadId]);
    let methods = gateway.get("/api/webhooks/vapi").json()["identificationMethods"].clone();
    let names: Vec<_> = methods
        .as_array()
        .unwrap()
        .iter()
        .map(|method| method.as_str().unwrap().split(' ').next().unwrap())
        .collect();
    assert_eq!(names, ["assistant_id", "phone_number", "call_id", "squad_id"]);
}

#[test]
fn health_is_told_apart() {
    let gateway = TestGateway::new();
    for (path, status) in [("/health", "ok"), ("/health/live", "ok"), ("/health/ready", "ready")] {
        let answer = gateway.get(path);
        assert_eq!((answer.status, answer.json()["status"].as_str()), (200, Some(status)), "{path}");
        assert!(answer.header("x-request-id").is_some());
    }
}
