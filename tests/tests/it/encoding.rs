//! How a body may come: any content type, no encoding, whole or in chunks, and in time.

use crate::harness::{Database, Deployment, Request, WEBHOOK, message};
use serde_json::json;

use crate::bad_input::{patient_world, still_serves};
use crate::support::{World, on_both_databases, refused};

on_both_databases![
    encoded_bodies_are_refused,
    the_content_type_does_not_matter,
    bodies_may_come_in_chunks,
    a_stalled_body_ends,
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
