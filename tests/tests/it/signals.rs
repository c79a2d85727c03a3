//! Signals to a running gateway.

use std::time::Duration;

use crate::harness::message;
use crate::harness::{Database, Deployment, eventually};

use crate::support::{World, on_both_databases};

on_both_databases![a_hangup_reads_the_log_settings_again_and_loses_no_message];

const PATIENCE: Duration = Duration::from_secs(60);

fn a_hangup_reads_the_log_settings_again_and_loses_no_message(database: Database) {
    // Without the variable, which outranks the file and which nobody can change from outside.
    let deployment = Deployment::new(database).set("RUST_LOG", "");
    let told = |filter: &str| format!("[log]\nfilter = \"{filter}\"\n");
    deployment.write("gateway.toml", &told("error"));
    let mut world = World::on(deployment);
    let World { gateway, deployment, northgate, .. } = &world;
    let mut nth = 0;
    let mut send = || {
        nth += 1;
        let event = message::status_update(&format!("call-{nth}"), &northgate.assistant, "ringing");
        assert_eq!(gateway.send(northgate, &event).status, 200);
    };
    send();
    assert!(gateway.log().messages().is_empty());
    deployment.write("gateway.toml", &told("info"));
    gateway.hang_up();
    eventually("the new filter counts", PATIENCE, || {
        send();
        (!gateway.log().messages().is_empty()).then_some(())
    });
    // Settings that cannot be read leave the ones before.
    deployment.write("gateway.toml", "[log]\nfilter = \"vapi=loud\"\n");
    gateway.hang_up();
    gateway.log().wait("the mistake is told", |line| {
        line["message"] == "the log settings stay as they were" && line["level"] == "ERROR"
    });
    send();
    assert!(world.gateway.is_alive());
}
