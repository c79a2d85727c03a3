//! A tool call runs once, ever: delivered again, at the same time, or after a restart.

use std::thread;

use crate::harness::message::{self, call, tool_call, tool_calls};
use crate::harness::{Database, Deployment, days_ahead};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, only_result, results};

on_both_databases![
    a_redelivery_gets_the_same_answer,
    a_redelivery_after_a_restart_gets_the_same_answer,
    deliveries_at_the_same_time_run_once,
    an_effect_is_not_repeated_under_a_new_id,
    hooks_share_an_id_and_not_their_calls,
];

fn appointments(deployment: &Deployment) -> Option<i64> {
    deployment.postgres().map(|postgres| postgres.count("SELECT count(*) FROM appointments"))
}

fn a_redelivery_gets_the_same_answer(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let mut message = message::book("call-1", &northgate.assistant, "call_1", days_ahead(4), "10:00");
    let first = gateway.send(northgate, &message);
    assert!(gateway.effects(&first).contains(&"booked".to_owned()));
    // The provider signs recording URLs anew with each delivery.
    for delivery in 0..3 {
        message["message"]["timestamp"] = json!(1_700_000_000_000_i64 + delivery);
        message["message"]["artifact"] =
            json!({"presignedUrl": format!("https://example.com/?sig={delivery}")});
        let again = gateway.send(northgate, &message);
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert!(!gateway.effects(&again).contains(&"booked".to_owned()));
    }
    // Also with other arguments under the same id: the id is the call.
    let other_arguments = message::book("call-1", &northgate.assistant, "call_1", days_ahead(5), "11:00");
    assert_eq!(gateway.send(northgate, &other_arguments).body, first.body);
    assert_eq!(appointments(deployment), deployment.postgres().map(|_| 1));
    // The same ids in another organization are another call.
    let message = message::book("call-1", &fontaneria.assistant, "call_1", days_ahead(4), "10:00");
    let other = gateway.send(fontaneria, &message);
    assert!(gateway.effects(&other).contains(&"booked".to_owned()));
    assert_eq!(appointments(deployment), deployment.postgres().map(|_| 2));
}

fn a_redelivery_after_a_restart_gets_the_same_answer(database: Database) {
    let World { gateway, deployment, northgate, .. } = World::new(database);
    let message = message::book("call-1", &northgate.assistant, "call_1", days_ahead(4), "10:00");
    let refused = message::book("call-2", &northgate.assistant, "call_1", days_ahead(4), "10:15");
    let answers = |gateway: &crate::harness::Gateway| {
        [&message, &refused].map(|it| gateway.send(&northgate, it).text())
    };
    let first = answers(&gateway);
    assert!(first[0].contains("is booked for") && first[1].contains("taken"), "{first:?}");

    let stopped = gateway.stop();
    assert!(stopped.status.success(), "{}", stopped.status);
    let gateway = deployment.start();
    assert_eq!(answers(&gateway), first);
    // No answer is lost after a kill either.
    gateway.kill();
    let gateway = deployment.start();
    assert_eq!(answers(&gateway), first);
    assert_eq!(appointments(&deployment), deployment.postgres().map(|_| 1));
}

fn deliveries_at_the_same_time_run_once(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let message = &message::book("call-1", &northgate.assistant, "call_1", days_ahead(4), "10:00");
    let answers: Vec<Value> = thread::scope(|threads| {
        let deliveries: Vec<_> =
            (0..10).map(|_| threads.spawn(|| gateway.answer(northgate, message))).collect();
        deliveries.into_iter().map(|delivery| delivery.join().unwrap()).collect()
    });
    assert!(only_result(&answers[0]).contains("is booked for"), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(appointments(deployment), deployment.postgres().map(|_| 1));
}

fn an_effect_is_not_repeated_under_a_new_id(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let book =
        |call_id: &str, id: &str| message::book(call_id, &northgate.assistant, id, days_ahead(4), "10:00");
    let first = only_result(&gateway.answer(northgate, &book("call-1", "call_1")));
    // A model that lost patience asks again.
    assert_eq!(only_result(&gateway.answer(northgate, &book("call-1", "call_2"))), first);
    // In one message, too.
    let arguments = message::booking(days_ahead(6), "10:00");
    let twice = tool_calls(
        call("call-3", &northgate.assistant),
        &[
            tool_call("call_1", "bookAppointment", &arguments),
            tool_call("call_2", "bookAppointment", &arguments),
        ],
    );
    let both = results(&gateway.answer(northgate, &twice));
    assert_eq!(both[0]["result"], both[1]["result"]);
    assert!(both[0]["result"].as_str().unwrap().contains("is booked for"), "{both:?}");
    assert_eq!(appointments(deployment), deployment.postgres().map(|_| 2));
    // Another caller is another matter.
    assert!(only_result(&gateway.answer(northgate, &book("call-2", "call_2"))).contains("taken"));
}

fn hooks_share_an_id_and_not_their_calls(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let hook = |time: &str| {
        // Hooks send their arguments in the shape of the schema.
        let booking = message::booking(days_ahead(4), time);
        let properties: Value = booking
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), json!({"type": "string", "value": value})))
            .collect();
        let arguments = json!({"type": "object", "properties": properties});
        tool_calls(
            call("call-1", &northgate.assistant),
            &[tool_call("hook-function-call", "bookAppointment", &arguments)],
        )
    };
    let first = gateway.answer(northgate, &hook("10:00"));
    assert!(only_result(&first).contains("is booked for"), "{first}");
    let second = gateway.answer(northgate, &hook("11:00"));
    assert!(only_result(&second).contains("is booked for"), "{second}");
    assert_ne!(first, second);
    assert_eq!(gateway.answer(northgate, &hook("10:00")), first);
    assert_eq!(appointments(deployment), deployment.postgres().map(|_| 2));
}
