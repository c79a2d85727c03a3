//! How much is let in: of strangers little, of each organization its share.

use blackbox::message::{self, call, of_kind};
use blackbox::{Database, Deployment, Gateway, Organization, Response, WEBHOOK, within_a_second};
use serde_json::json;

use crate::support::{World, on_both_databases, refused, results};

on_both_databases![
    strangers_have_a_hundred_tries_a_minute,
    strangers_are_turned_away_and_organizations_are_served,
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

fn strangers_are_turned_away_and_organizations_are_served(database: Database) {
    // A small budget refills slowly: one try in twenty seconds.
    let world = World::on(Deployment::new(database).set("GATEWAY__LIMITS__UNVERIFIED_PER_ADDRESS", "3"));
    let World { gateway, deployment, northgate, fontaneria } = &world;
    let event = |nth: usize| message::status_update(&format!("call-{nth}"), &northgate.assistant, "ringing");
    caches_are_in_step(deployment, gateway, northgate);
    for _ in 0..5 {
        assert_eq!(gateway.send(northgate, &event(0)).status, 200);
    }

    let statuses: Vec<u16> = (0..10).map(|nth| stranger(gateway, nth).status).collect();
    assert_eq!(statuses.split_at(3).0, [400, 400, 400], "{statuses:?}");
    assert!(statuses.iter().filter(|status| **status == 429).count() >= 5, "{statuses:?}");
    let turned_away = (10..20).map(|nth| stranger(gateway, nth)).find(|answer| answer.status == 429).unwrap();
    assert_eq!(turned_away.refusal(), "rate_limited");
    assert!(waits(&turned_away), "{turned_away:?}");

    // From the same address: what has never been looked up has to wait,
    let uncached = gateway.send(fontaneria, &message::call_started("call-1", &fontaneria.assistant));
    assert_eq!(refused(&uncached), (429, "rate_limited".to_owned()));
    // and what resolves from the cache is verified and served, all of it.
    for nth in 1..30 {
        assert_eq!(gateway.send(northgate, &event(nth)).status, 200);
    }
    // A wrong signature is still told, and still not let in.
    let forged = gateway.send_with("a guess", &event(99));
    assert!([401, 429].contains(&forged.status), "{}", forged.text());
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

/// Waits until the gateway hears of changes. It forgets everything once at that time, soon after its start, and what is
/// to be answered from the caches later must not be forgotten in between.
///
/// Every message here is verified, so that nothing of the strangers' budget is used.
fn caches_are_in_step(deployment: &Deployment, gateway: &Gateway, organization: &Organization) {
    let message = message::status_update("call-0", &organization.assistant, "ringing");
    // The first change may be seen without any notice; from the second on, the gateway has to listen.
    for (active, status) in [(false, 403), (true, 200), (false, 403), (true, 200)] {
        deployment.apply(&[&organization.clone().with("active", json!(active))]);
        within_a_second("the change is heard of", || gateway.send(organization, &message).status == status);
    }
}
