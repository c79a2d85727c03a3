//! How a body may come: any content type, no encoding, whole or in chunks, and in time.

use crate::harness::{Database, Deployment, Organization, Request, WEBHOOK, message};
use serde_json::json;

use crate::bad_input::{patient_world, still_serves};
use crate::support::{World, on_both_databases, refused};

on_both_databases![
    encoded_bodies_are_refused,
    the_content_type_does_not_matter,
    bodies_may_come_in_chunks,
    a_stalled_body_ends,
    a_slow_body_ends_long_before_the_time_that_one_may_take,
    unfinished_bodies_of_one_address_leave_the_messages_of_others_answered,
];

fn encoded_bodies_are_refused(database: Database) {
    let World { gateway, northgate, .. } = &patient_world(database);
    let body = message::call_started("call-1", &northgate.assistant).to_string();
    let request = Request::post(WEBHOOK, body.as_str()).headers(northgate.sign(body.as_bytes()));
    for encoding in ["gzip", "deflate", "br", "GZIP", "identity, gzip", "x-unknown"] {
        let answer = gateway.request(&request.clone().header("content-encoding", encoding));
        assert_eq!(refused(&answer), (415, "unsupported_encoding".to_owned()), "{encoding}");
    }
    let answer = gateway.request(&request.header("content-encoding", "identity"));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn the_content_type_does_not_matter(database: Database) {
    let World { gateway, northgate, .. } = &patient_world(database);
    let body = message::call_started("call-1", &northgate.assistant).to_string();
    let request = Request::post(WEBHOOK, body.as_str()).headers(northgate.sign(body.as_bytes()));
    assert_eq!(gateway.request(&request).status, 200);
    for kind in
        ["application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "nonsense", ""]
    {
        let answer = gateway.request(&request.clone().header("content-type", kind));
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{kind}");
    }
}

fn bodies_may_come_in_chunks(database: Database) {
    let mut world = patient_world(database);
    let World { gateway, northgate, .. } = &world;
    // Large enough for many reads, and with characters that chunks cut in two.
    let mut body = message::status_update("call-1", &northgate.assistant, "in-progress");
    body["message"]["transcript"] = json!("niño 🎉 ".repeat(50_000));
    let body = body.to_string();
    let request = Request::post(WEBHOOK, body.as_str()).headers(northgate.sign(body.as_bytes()));
    for chunk_bytes in [997, 65_536, body.len()] {
        let answer = request.send_in_chunks(gateway.address(), chunk_bytes);
        assert_eq!((answer.status, answer.json()), (200, json!({})), "{chunk_bytes}");
    }
    // A length that is not told beforehand is limited all the same.
    let large = vec![b' '; 20_000_000];
    let answer = Request::post(WEBHOOK, large).send_in_chunks(gateway.address(), 1_000_000);
    assert_eq!(refused(&answer), (413, "payload_too_large".to_owned()));
    still_serves(&mut world.gateway, &world.northgate);
}

fn a_stalled_body_ends(database: Database) {
    let mut world = World::on(Deployment::new(database).set("GATEWAY__SERVER__BODY_TIMEOUT_MS", "200"));
    let body = message::call_started("call-1", &world.northgate.assistant).to_string();
    let request = Request::post(WEBHOOK, body.as_str()).headers(world.northgate.sign(body.as_bytes()));
    let answer = request.send_stalled(world.gateway.address());
    assert_eq!(refused(&answer), (408, "request_timeout".to_owned()));
    still_serves(&mut world.gateway, &world.northgate);
}

fn a_slow_body_ends_long_before_the_time_that_one_may_take(database: Database) {
    // Longer than a test waits for an answer.
    let mut world = World::on(Deployment::new(database).set("GATEWAY__SERVER__BODY_TIMEOUT_MS", "600000"));
    let body = message::call_started("call-1", &world.northgate.assistant).to_string();
    let request = Request::post(WEBHOOK, body.as_str()).headers(world.northgate.sign(body.as_bytes()));
    let answer = request.send_stalled(world.gateway.address());
    assert_eq!(refused(&answer), (408, "request_timeout".to_owned()));
    still_serves(&mut world.gateway, &world.northgate);
}

/// How often the scenario below is tried: slow bodies end by themselves, and an attempt in which they did proves nothing.
const ATTEMPTS: usize = 10;

fn unfinished_bodies_of_one_address_leave_the_messages_of_others_answered(database: Database) {
    let world = World::on(
        Deployment::new(database)
            .set("GATEWAY__SERVER__TRUSTED_PROXIES", "127.0.0.1")
            .set("GATEWAY__SERVER__MAX_BODY_BYTES", "262144")
            .set("GATEWAY__SERVER__MAX_IN_FLIGHT_BYTES", "2097152")
            .set("GATEWAY__LIMITS__UNVERIFIED_PER_ADDRESS", "100000"),
    );
    let World { gateway, northgate, fontaneria, .. } = &world;
    // Reports, so large that a few of them fill the budget.
    let from = |address: &str, organization: &Organization, call: &str| {
        let mut report = message::status_update(call, &organization.assistant, "in-progress");
        report["message"]["transcript"] = json!("x".repeat(200_000));
        let body = report.to_string();
        let signature = organization.sign(body.as_bytes());
        Request::post(WEBHOOK, body).headers(signature).header("x-forwarded-for", address)
    };
    let is_shown = (0..ATTEMPTS).any(|_| {
        let stalled: Vec<_> = (0..16)
            .map(|_| {
                let body = vec![b' '; 262_143];
                let request = Request::post(WEBHOOK, body).header("x-forwarded-for", "203.0.113.1");
                request.begin_stalled(gateway.address())
            })
            .collect();
        let is_full =
            (0..20).any(|_| gateway.request(&from("203.0.113.1", northgate, "call-1")).status == 503);
        for (address, organization) in [("203.0.113.2", northgate), ("2001:db8::1", fontaneria)] {
            let answer = gateway.request(&from(address, organization, "call-2"));
            assert_eq!(answer.status, 200, "{address}: {}", answer.text());
        }
        drop(stalled);
        is_full
    });
    assert!(is_shown, "one address may not take all");
}
