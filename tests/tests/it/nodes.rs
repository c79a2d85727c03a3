//! Two gateways on one database: what holds for one process holds for all of them.

use std::thread;

use crate::harness::{Database, Gateway, days_ahead, message, within_a_second};
use serde_json::Value;

use crate::support::{World, on_postgres, only_result};

on_postgres![
    a_slot_is_given_once_on_all_nodes,
    a_tool_call_runs_once_on_all_nodes,
    a_change_counts_on_every_node,
];

/// Sends to both gateways at the same time, from ten threads each.
fn on_both(gateways: [&Gateway; 2], send: impl Fn(&Gateway, usize) -> Value + Sync) -> Vec<Value> {
    let send = &send;
    thread::scope(|threads| {
        let senders: Vec<_> = (0..20)
            .map(|nth| {
                let gateway = gateways[nth % 2];
                threads.spawn(move || send(gateway, nth))
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    })
}

fn a_slot_is_given_once_on_all_nodes(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let second = deployment.start();
    let answers = on_both([gateway, &second], |gateway, nth| {
        let call_id = format!("call-{nth}");
        gateway.answer(
            northgate,
            &message::book(&call_id, &northgate.assistant, "call_1", days_ahead(4), "10:00"),
        )
    });
    let sentences: Vec<String> = answers.iter().map(only_result).collect();
    let booked = sentences.iter().filter(|sentence| sentence.contains("is booked for")).count();
    let taken = sentences.iter().filter(|sentence| sentence.contains("taken")).count();
    assert_eq!((booked, taken), (1, 19), "{sentences:?}");
    assert_eq!(deployment.postgres().unwrap().count("SELECT count(*) FROM appointments"), 1);
}

fn a_tool_call_runs_once_on_all_nodes(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let second = deployment.start();
    let message = message::book("call-1", &northgate.assistant, "call_1", days_ahead(4), "10:00");
    let answers = on_both([gateway, &second], |gateway, _| gateway.answer(northgate, &message));
    assert!(only_result(&answers[0]).contains("is booked for"), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let postgres = deployment.postgres().unwrap();
    assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 1);
    assert_eq!(postgres.count("SELECT deliveries FROM webhook_events"), 20);
}

fn a_change_counts_on_every_node(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let second = deployment.start();
    let postgres = deployment.postgres().unwrap();
    let everywhere = |what: &str, message: &Value, status: u16| {
        within_a_second(what, || {
            [gateway, &second].iter().all(|gateway| gateway.send(northgate, message).status == status)
        });
    };
    let new = message::call_started("call-new", "asst_new");
    everywhere("the assistant is unknown", &new, 400);
    postgres.run(&format!(
        "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{}', 'asst_new')",
        northgate.id
    ));
    everywhere("the assistant is known", &new, 200);
    postgres.run(&format!("UPDATE organizations SET is_active = false WHERE id = '{}'", northgate.id));
    everywhere("the organization is switched off", &new, 403);
    postgres.run(&format!("UPDATE organizations SET is_active = true WHERE id = '{}'", northgate.id));
    everywhere("the organization is switched on", &new, 200);
    postgres.run(&format!("DELETE FROM credentials WHERE organization_id = '{}'", northgate.id));
    everywhere("the revoked key is refused", &new, 401);
}
