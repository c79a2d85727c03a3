//! One organization does as much as it can at once: what that may cost others is nothing.

use std::thread;
use std::time::Duration;

use crate::harness::message::{self, call, tool_call, tool_calls};
use crate::harness::{
    Database, Deployment, Organization, Postgres, Request, WEBHOOK, days_ahead, eventually,
};
use serde_json::{Value, json};

use crate::support::{World, on_both_databases, on_postgres, only_result, results};

on_both_databases![
    of_one_message_32_calls_run,
    each_call_costs_a_unit_of_the_allowance,
    a_message_of_very_many_calls_is_answered_for_the_first,
];

on_postgres![a_neighbours_stuck_bookings_hold_up_no_one_elses_work, the_work_of_a_client_that_left_stops,];

const PATIENCE: Duration = Duration::from_secs(60);

/// A message of a call with these tool calls.
fn of_calls(organization: &Organization, call_id: &str, calls: &[Value]) -> Value {
    tool_calls(call(call_id, &organization.assistant), calls)
}

/// A booking at nine, so many days ahead.
fn booking(nth: usize, days: usize) -> Value {
    let date = days_ahead(u64::try_from(days).unwrap());
    tool_call(&format!("call_{nth}"), "bookAppointment", &message::booking(date, "09:00"))
}

fn check(nth: usize) -> Value {
    tool_call(&format!("call_{nth}"), "checkAvailability", &json!({"appointmentDate": "2031-01-01"}))
}

fn of_one_message_32_calls_run(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let calls: Vec<Value> = (0..40).map(|nth| booking(nth, nth + 3)).collect();
    let response = gateway.send(northgate, &of_calls(northgate, "call-1", &calls));
    let answers = results(&response.json());
    let ids: Vec<_> = answers.iter().filter_map(|answer| answer["toolCallId"].as_str()).collect();
    assert_eq!(ids, (0..40).map(|nth| format!("call_{nth}")).collect::<Vec<_>>());
    assert!(answers[..32].iter().all(|answer| answer["result"].is_string()), "{answers:?}");
    for answer in &answers[32..] {
        assert!(answer["error"].as_str().is_some_and(|text| text.contains("at once")), "{answer}");
    }
    let effects = gateway.effects(&response);
    assert_eq!(effects.iter().filter(|effect| *effect == "booked").count(), 32, "{effects:?}");
    assert_eq!(effects.iter().filter(|effect| *effect == "too_many_calls").count(), 1, "{effects:?}");
    if let Some(postgres) = deployment.postgres() {
        assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 32);
    }
    // They are free to be asked for in another message.
    assert!(
        only_result(&gateway.answer(northgate, &of_calls(northgate, "call-1", &calls[39..])))
            .contains("booked")
    );
    // The sentence is in the language of who hears it.
    let answers = results(&gateway.answer(fontaneria, &of_calls(fontaneria, "call-1", &calls[..33])));
    assert!(answers[32]["error"].as_str().is_some_and(|text| text.contains("a la vez")), "{answers:?}");
}

fn each_call_costs_a_unit_of_the_allowance(database: Database) {
    let world = World::on(Deployment::new(database).set("GATEWAY__LIMITS__WAITING", "4"));
    let World { gateway, northgate, fontaneria, .. } = &world;
    let ran = |organization: &Organization, call_id: &str| -> Vec<bool> {
        let calls: Vec<Value> = (0..3).map(check).collect();
        let answers = results(&gateway.answer(organization, &of_calls(organization, call_id, &calls)));
        answers.iter().map(|answer| answer["result"].is_string()).collect()
    };
    assert_eq!(ran(northgate, "call-1"), [true, true, true]);
    // The last unit is the message's own, and runs the first of its calls.
    assert_eq!(ran(northgate, "call-2"), [true, false, false]);
    assert_eq!(ran(northgate, "call-3"), [false, false, false]);
    assert_eq!(ran(fontaneria, "call-1"), [true, true, true]);
}

fn a_message_of_very_many_calls_is_answered_for_the_first(database: Database) {
    let World { gateway, northgate, fontaneria, .. } = &World::new(database);
    let calls: Vec<Value> =
        (0..40_000).map(|nth| json!({"id": format!("call_{nth}"), "name": "none"})).collect();
    let message =
        message::of_kind("tool-calls", call("call-1", &northgate.assistant), json!({"toolCallList": calls}));
    let answers = results(&gateway.answer(northgate, &message));
    assert_eq!(answers.len(), 1024);
    assert!(answers.iter().all(|answer| answer["error"].is_string()));
    assert_eq!(answers[1023]["toolCallId"], "call_1023");
    assert!(
        only_result(&gateway.answer(fontaneria, &of_calls(fontaneria, "call-1", &[check(1)]))).len() > 10
    );
}

/// How many statements of the gateway wait for a lock.
fn waiting(postgres: &Postgres) -> i64 {
    postgres.count(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
}

fn a_neighbours_stuck_bookings_hold_up_no_one_elses_work(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    for organization in [northgate, fontaneria] {
        let first = of_calls(organization, "call-first", &[booking(0, 3)]);
        assert!(only_result(&gateway.answer(organization, &first)).contains("Jane Doe"));
    }
    // All bookings of the one are for this person, so that each waits for its row.
    let held =
        postgres.hold(&format!("SELECT FROM contacts WHERE organization_id = '{}' FOR UPDATE", northgate.id));
    thread::scope(|threads| {
        let flood: Vec<_> = (1..=24)
            .map(|nth| {
                let message = of_calls(northgate, &format!("call-{nth}"), &[booking(1, nth + 4), check(2)]);
                threads.spawn(move || results(&gateway.answer(northgate, &message)).len())
            })
            .collect();
        eventually("the flood waits", PATIENCE, || (waiting(postgres) >= 4).then_some(()));
        for nth in 1..=5 {
            let call_id = format!("call-{nth}");
            let answer =
                gateway.answer(fontaneria, &of_calls(fontaneria, &call_id, &[booking(1, nth + 4), check(2)]));
            assert!(results(&answer).iter().all(|answer| answer["result"].is_string()), "{answer}");
            let number = json!({"phoneNumber": {"id": fontaneria.phone_number_id}});
            let request =
                message::of_kind("assistant-request", call(&call_id, &fontaneria.assistant), number);
            assert!(gateway.answer(fontaneria, &request)["assistantId"].is_string());
            let event = message::status_update(&call_id, &fontaneria.assistant, "ringing");
            assert_eq!(gateway.send(fontaneria, &event).status, 200);
            assert!(waiting(postgres) <= 4, "one organization has more than its share");
        }
        drop(held);
        // Each is answered, whatever became of it.
        assert!(flood.into_iter().all(|sender| sender.join().unwrap() == 2));
    });
}

fn the_work_of_a_client_that_left_stops(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let first = of_calls(northgate, "call-first", &[booking(0, 3)]);
    assert!(only_result(&gateway.answer(northgate, &first)).contains("Jane Doe"));
    let held = postgres.hold("SELECT FROM contacts FOR UPDATE");
    let calls: Vec<Value> = (1..=12).map(|nth| booking(nth, nth + 4)).collect();
    let message = of_calls(northgate, "call-1", &calls);
    let body = message.to_string();
    let request = Request::post(WEBHOOK, body.as_bytes()).headers(northgate.sign(body.as_bytes()));
    let client = request.begin(gateway.address());
    eventually("its tools are at work", PATIENCE, || (waiting(postgres) > 0).then_some(()));
    drop(client);
    gateway.log().wait("the gateway notices", |line| {
        line["message"].as_str().is_some_and(|text| text.contains("its client has left"))
    });
    eventually("nothing waits any more", PATIENCE, || (waiting(postgres) == 0).then_some(()));
    drop(held);
    // The message stays; of its calls none has run, and none will until it is sent again.
    assert_eq!(postgres.count("SELECT count(*) FROM webhook_events WHERE vapi_call_id = 'call-1'"), 1);
    assert!(gateway.answer(northgate, &of_calls(northgate, "call-2", &[check(1)]))["results"].is_array());
    assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 1);
    let answers = results(&gateway.answer(northgate, &message));
    assert!(answers.iter().all(|answer| answer["result"].is_string()), "{answers:?}");
    assert_eq!(postgres.count("SELECT count(*) FROM appointments"), 13);
}
