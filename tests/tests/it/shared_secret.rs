//! One secret for the whole deployment: whom it serves, and from when on no more.

use std::time::Duration;

use crate::harness::{
    Database, Deployment, Organization, days_ahead, eventually, message, unix_seconds, within_a_second,
};
use serde_json::json;
use test_support::{sign_vapi_hmac, sign_x_vapi, x_vapi_secret};

use crate::support::{on_both_databases, on_postgres, only_result, refused};

on_both_databases![it_serves_until_the_first_own_credential, without_any_secret_nothing_is_let_in];
on_postgres![
    what_nobody_owns_is_kept_in_quarantine,
    the_quarantine_has_a_rate_of_its_own,
    the_quarantine_is_trimmed_in_the_background,
];

const SHARED: &str = "the deployment's shared secret";

fn it_serves_until_the_first_own_credential(database: Database) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    let (northgate, fontaneria) = (Organization::northgate(), Organization::fontaneria());
    let (bare_northgate, bare_fontaneria) =
        (northgate.clone().without("credentials"), fontaneria.clone().without("credentials"));
    deployment.apply(&[&bare_northgate, &bare_fontaneria]);
    let gateway = deployment.start();
    let status = |secret: &str, organization: &Organization| {
        gateway.send_with(secret, &message::call_started("call-1", &organization.assistant)).status
    };

    for organization in [&northgate, &fontaneria] {
        let body = message::call_started("call-2", &organization.assistant).to_string();
        let bytes = body.as_bytes();
        for headers in [sign_x_vapi(SHARED, unix_seconds(0), bytes), x_vapi_secret(SHARED)] {
            let answer = gateway.post(crate::harness::WEBHOOK, headers, bytes);
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        // A recipe that the deployment does not offer.
        let other =
            gateway.post(crate::harness::WEBHOOK, sign_vapi_hmac(SHARED, unix_seconds(0), bytes), bytes);
        assert_eq!(refused(&other), (401, "unauthorized".to_owned()));
        let booked = gateway.send_with(
            SHARED,
            &message::book("call-3", &organization.assistant, "call_1", days_ahead(4), "10:00"),
        );
        only_result(&booked.json());
    }

    // The first credential of its own, while the gateway runs.
    deployment.apply(&[&northgate]);
    within_a_second("the own secret is taken", || status(&northgate.secret, &northgate) == 200);
    assert_eq!(status(SHARED, &northgate), 401);
    assert_eq!(status(SHARED, &fontaneria), 200);

    // For good: also when the own credential has expired,
    let expired = json!([{"label": "own", "preset": "x-vapi-signature", "secret": northgate.secret,
                          "not_after": "2020-01-01T00:00:00Z"}]);
    deployment.apply(&[&northgate.clone().with("credentials", expired)]);
    within_a_second("the expired secret is refused", || status(&northgate.secret, &northgate) == 401);
    assert_eq!(status(SHARED, &northgate), 401);

    // and when it is gone.
    deployment.apply_and_prune(&[&bare_northgate, &bare_fontaneria]);
    assert_eq!(status(&northgate.secret, &northgate), 401);
    assert_eq!(status(SHARED, &northgate), 401);
    let _ = gateway.stop();
    let gateway = deployment.start();
    let answer = gateway.send_with(SHARED, &message::call_started("call-1", &northgate.assistant));
    assert_eq!(answer.status, 401, "a restart does not make the gateway forget");
}

fn without_any_secret_nothing_is_let_in(database: Database) {
    let deployment = Deployment::new(database);
    let northgate = Organization::northgate().without("credentials");
    deployment.apply(&[&northgate]);
    let gateway = deployment.start();
    let body = message::call_started("call-1", &northgate.assistant).to_string();
    for headers in [Vec::new(), x_vapi_secret(""), sign_x_vapi("", unix_seconds(0), body.as_bytes())] {
        let answer = gateway.post(crate::harness::WEBHOOK, headers, body.as_str());
        assert_eq!(refused(&answer), (401, "unauthorized".to_owned()));
    }
}

fn what_nobody_owns_is_kept_in_quarantine(database: Database) {
    let deployment = Deployment::new(database).shared_secret(SHARED);
    let gateway = deployment.start();
    let postgres = deployment.postgres().unwrap();
    let unowned = message::status_update("call-q", "asst_of_nobody", "ringing");
    assert_eq!(refused(&gateway.send_with("a guess", &unowned)), (400, "unresolved_organization".to_owned()));
    assert_eq!(postgres.count("SELECT count(*) FROM quarantine"), 0);
    assert_eq!(refused(&gateway.send_with(SHARED, &unowned)), (400, "unresolved_organization".to_owned()));
    let kept =
        postgres.run("SELECT kind, vapi_call_id, identifiers::text LIKE '%asst_of_nobody%' FROM quarantine");
    assert_eq!(kept, [["status-update", "call-q", "t"].map(|text| Some(text.to_owned())).to_vec()]);
}

fn the_quarantine_has_a_rate_of_its_own(database: Database) {
    let deployment =
        Deployment::new(database).shared_secret(SHARED).set("GATEWAY__QUARANTINE__PER_MINUTE", "3");
    let northgate = Organization::northgate();
    deployment.apply(&[&northgate]);
    let gateway = deployment.start();
    let unowned =
        |number: usize| message::status_update(&format!("call-{number}"), "asst_of_nobody", "ringing");
    for number in 0..3 {
        assert_eq!(refused(&gateway.send_with(SHARED, &unowned(number))).0, 400);
    }
    for number in 3..20 {
        let answer = gateway.send_with(SHARED, &unowned(number));
        assert_eq!(refused(&answer), (429, "rate_limited".to_owned()));
    }
    assert_eq!(deployment.postgres().unwrap().count("SELECT count(*) FROM quarantine"), 3);
    // Nobody else is slowed down by it.
    let owned = message::status_update("call-1", &northgate.assistant, "ringing");
    assert_eq!(gateway.send(&northgate, &owned).status, 200);
}

fn the_quarantine_is_trimmed_in_the_background(database: Database) {
    let deployment =
        Deployment::new(database).shared_secret(SHARED).set("GATEWAY__QUARANTINE__MAX_MESSAGES", "2");
    let gateway = deployment.start();
    for number in 0..5 {
        let unowned = message::status_update(&format!("call-{number}"), "asst_of_nobody", "ringing");
        assert_eq!(refused(&gateway.send_with(SHARED, &unowned)).0, 400);
    }
    let postgres = deployment.postgres().unwrap();
    eventually("the quarantine is trimmed", Duration::from_secs(30), || {
        (postgres.count("SELECT count(*) FROM quarantine") == 2).then_some(())
    });
    let latest = "SELECT count(*) FROM quarantine WHERE vapi_call_id IN ('call-3', 'call-4')";
    assert_eq!(postgres.count(latest), 2);
}
