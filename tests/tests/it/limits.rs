//! How much is let in: of strangers little, of each organization its share.

use std::time::Duration;

use crate::harness::message::{self, call, of_kind};
use crate::harness::{Database, Deployment, Gateway, Organization, Response, WEBHOOK, eventually};
use serde_json::json;

use crate::support::{World, on_both_databases, refused, results};

on_both_databases![
    strangers_have_a_hundred_tries_a_minute,
    strangers_are_turned_away_and_organizations_are_served,
    a_neighbours_stale_secret_costs_no_one_else_anything,
    each_class_of_messages_has_its_allowance,
    an_organization_may_have_its_own_allowance,
];

fn waits(response: &Response) -> bool {
    response
        .header("retry-after")
        .and_then(|seconds| seconds.parse::<u32>().ok())
        .is_some_and(|seconds| seconds > 0)
}

fn stranger(gateway: &Gateway, nth: usize) -> Response {
    let body = message::call_started("call-1", &format!("asst_of_nobody_{nth}")).to_string();
    gateway.post(WEBHOOK, Vec::new(), body)
}

fn strangers_have_a_hundred_tries_a_minute(database: Database) {
    let World { gateway, .. } = &World::new(database);
    // The budget refills while it is used, so that the first refusal comes some time after the hundredth.
    let first_refusal = (0..2000).find(|nth| stranger(gateway, *nth).status != 400);
    assert!(first_refusal.is_some_and(|nth| nth >= 100), "{first_refusal:?}");
}

/// Uses up the budget of this address.
fn exhaust(gateway: &Gateway) {
    let turned_away = (0..1000).map(|nth| stranger(gateway, nth)).find(|it| it.status == 429);
    let turned_away = turned_away.unwrap_or_else(|| panic!("strangers are turned away"));
    assert_eq!(turned_away.refusal(), "rate_limited");
    assert!(waits(&turned_away), "{turned_away:?}");
}

fn strangers_are_turned_away_and_organizations_are_served(database: Database) {
    let deployment = Deployment::new(database).set("GATEWAY__LIMITS__UNVERIFIED_PER_ADDRESS", "5");
    let (northgate, fontaneria) = (Organization::northgate(), Organization::fontaneria());
    deployment.apply(&[&northgate, &fontaneria]);
    let gateway = deployment.start();
    exhaust(&gateway);
    // From the same address, and of organizations of which nothing was ever looked up.
    for organization in [&northgate, &fontaneria] {
        let event = message::status_update("call-0", &organization.assistant, "ringing");
        assert_eq!(gateway.send(organization, &event).status, 200);
        // A wrong signature is still told, and still not let in.
        assert_eq!(refused(&gateway.send_with("a guess", &event)), (401, "unauthorized".to_owned()));
    }
    // An assistant that is added now is found within a second.
    let added = Organization::fontaneria().with("assistants", json!([{"id": "asst_new"}]));
    deployment.apply(&[&northgate, &added]);
    let event = message::status_update("call-1", "asst_new", "ringing");
    eventually("the new assistant is found", Duration::from_secs(10), || {
        (gateway.send(&fontaneria, &event).status == 200).then_some(())
    });
}

fn a_neighbours_stale_secret_costs_no_one_else_anything(database: Database) {
    let deployment = Deployment::new(database).set("GATEWAY__LIMITS__UNVERIFIED_TOTAL", "50");
    let (northgate, fontaneria) = (Organization::northgate(), Organization::fontaneria());
    deployment.apply(&[&northgate, &fontaneria]);
    let gateway = deployment.start();
    for nth in 0..110 {
        let event = message::status_update(&format!("call-{nth}"), &northgate.assistant, "ringing");
        assert_eq!(gateway.send_with("the secret of last year", &event).status, 401);
    }
    let event = message::status_update("call-0", &fontaneria.assistant, "ringing");
    assert_eq!(gateway.send(&fontaneria, &event).status, 200);
    let number = json!({"phoneNumber": {"id": fontaneria.phone_number_id}});
    let request = of_kind("assistant-request", call("call-1", "unmapped"), number);
    assert!(gateway.answer(&fontaneria, &request)["assistantId"].is_string());
    assert_eq!(gateway.send(&northgate, &message::call_started("call-1", &northgate.assistant)).status, 200);
}

fn each_class_of_messages_has_its_allowance(database: Database) {
    let world = World::on(
        Deployment::new(database)
            .set("GATEWAY__LIMITS__CALL_EVENTS", "3")
            .set("GATEWAY__LIMITS__WAITING", "2")
            .set("GATEWAY__LIMITS__STREAMS", "1"),
    );
    let World { gateway, deployment, northgate, fontaneria } = &world;
    let event = |organization: &Organization, nth: usize| {
        gateway.send(
            organization,
            &message::status_update(&format!("call-{nth}"), &organization.assistant, "ringing"),
        )
    };
    let statuses: Vec<u16> = (0..3).map(|nth| event(northgate, nth).status).collect();
    assert_eq!(statuses, [200, 200, 200]);
    let over = event(northgate, 3);
    assert_eq!(refused(&over), (429, "rate_limited".to_owned()));
    assert!(waits(&over), "{over:?}");
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM call_logs WHERE vapi_call_id = 'call-3'"), 0);
    }
    // Streams and what the provider waits for have their own, and so has the other organization.
    let transcript = |nth: usize| {
        let own = json!({"role": "user", "transcriptType": "final", "transcript": format!("word {nth}")});
        gateway.send(northgate, &of_kind("transcript", call("call-0", &northgate.assistant), own)).status
    };
    assert_eq!([transcript(0), transcript(1)], [200, 429]);
    let ask = |nth: usize| {
        let check =
            message::tool_call("call_1", "checkAvailability", &json!({"appointmentDate": "2031-01-01"}));
        let body = message::tool_calls(call(&format!("call-t{nth}"), &northgate.assistant), &[check]);
        results(&gateway.answer(northgate, &body)).remove(0)
    };
    let asked: Vec<bool> = (0..3).map(|nth| ask(nth)["result"].is_string()).collect();
    assert_eq!(asked, [true, true, false], "the third is answered in the provider's shape, with an error");
    assert_eq!(event(fontaneria, 0).status, 200);
    // A proven message does not use up the budget of strangers, whatever becomes of it.
    assert_eq!(
        gateway.send_with("a guess", &message::call_started("call-9", &northgate.assistant)).status,
        401
    );
}

fn an_organization_may_have_its_own_allowance(database: Database) {
    let deployment = Deployment::new(database).set("GATEWAY__LIMITS__CALL_EVENTS", "2");
    let generous = Organization::northgate().with("limits", json!({"call_events": 50}));
    let usual = Organization::fontaneria();
    deployment.apply(&[&generous, &usual]);
    let gateway = deployment.start();
    let statuses = |organization: &Organization| -> Vec<u16> {
        (0..4)
            .map(|nth| {
                let call_id = format!("call-{nth}");
                gateway
                    .send(organization, &message::status_update(&call_id, &organization.assistant, "ringing"))
                    .status
            })
            .collect()
    };
    assert_eq!(statuses(&generous), [200, 200, 200, 200]);
    assert_eq!(statuses(&usual), [200, 200, 429, 429]);
}
