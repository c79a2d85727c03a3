//! The database goes away under load: what is not committed is not acknowledged, and nobody has to restart anything.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::message::{self, call};
use crate::harness::{Database, Deployment, Gateway, Organization, Postgres, days_ahead, eventually};
use serde_json::json;
use test_support::with_login;
use uuid::Uuid;

use crate::support::{World, on_postgres, results};

on_postgres![
    lost_connections_cost_no_message_and_no_restart,
    a_database_that_lets_nobody_in_is_answered_with_503,
    the_gateway_starts_before_its_database,
    a_database_that_takes_no_writes_is_not_ready,
    a_server_that_takes_writes_again_is_written_without_a_restart,
    a_start_says_that_it_waits_for_another_migration,
    a_login_of_four_connections_serves_every_booking,
];

/// Recovery is waited for, never timed.
const PATIENCE: Duration = Duration::from_secs(60);
const THREADS: usize = 4;
const MESSAGES: usize = 50;

fn terminate(postgres: &Postgres) {
    postgres.run_outside(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()",
        postgres.name()
    ));
}

fn event(call_id: &str, organization: &Organization) -> serde_json::Value {
    message::status_update(call_id, &organization.assistant, "ringing")
}

/// Fills the caches. The gateway forgets them once, when it begins to hear of changes, so that comes first.
fn warm(gateway: &Gateway, postgres: &Postgres, organization: &Organization) {
    let message = message::call_started("call-heard", "asst_heard");
    assert_eq!(gateway.send(organization, &message).status, 400);
    postgres.run(&format!(
        "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{}', 'asst_heard')",
        organization.id
    ));
    crate::harness::within_a_second("changes are heard", || {
        gateway.send(organization, &message).status == 200
    });
    assert_eq!(gateway.send(organization, &event("call-warm", organization)).status, 200);
}

fn recovers(gateway: &Gateway, organization: &Organization) {
    eventually("events are taken again", PATIENCE, || {
        (gateway.send(organization, &event("call-recovered", organization)).status == 200).then_some(())
    });
    eventually("the gateway is ready again", PATIENCE, || {
        (gateway.get("/health/ready").status == 200).then_some(())
    });
}

fn lost_connections_cost_no_message_and_no_restart(database: Database) {
    let world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    warm(gateway, postgres, northgate);
    let sent = AtomicUsize::new(0);
    let answers: Vec<(String, u16)> = thread::scope(|threads| {
        let senders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let sent = &sent;
                threads.spawn(move || {
                    (0..MESSAGES)
                        .map(|nth| {
                            let call_id = format!("call-{thread}-{nth}");
                            let status = gateway.send(northgate, &event(&call_id, northgate)).status;
                            sent.fetch_add(1, Ordering::Relaxed);
                            (call_id, status)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        // In the midst of it, several times.
        for share in 1..=4 {
            eventually("the load goes on", PATIENCE, || {
                (sent.load(Ordering::Relaxed) >= THREADS * MESSAGES * share / 6).then_some(())
            });
            terminate(postgres);
        }
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    assert_eq!(answers.len(), THREADS * MESSAGES);
    for (call_id, status) in &answers {
        assert!([200, 503].contains(status), "{call_id}: {status}");
        // An acknowledged message is there; another may be.
        let stored =
            postgres.count(&format!("SELECT count(*) FROM webhook_events WHERE vapi_call_id = '{call_id}'"));
        assert!(
            stored == 1 || (*status == 503 && stored == 0),
            "{call_id}: answered {status}, stored {stored} times"
        );
    }
    assert!(answers.iter().any(|(_, status)| *status == 200));
    recovers(gateway, northgate);
    // A change that happens now is noticed: the ear for changes has been mended too.
    let renamed = "asst_after_the_outage";
    postgres.run(&format!(
        "INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{}', '{renamed}')",
        northgate.id
    ));
    crate::harness::within_a_second("a new mapping counts", || {
        gateway.send(northgate, &message::call_started("call-new", renamed)).status == 200
    });
}

fn a_database_that_lets_nobody_in_is_answered_with_503(database: Database) {
    let mut world = World::new(database);
    let World { gateway, deployment, northgate, .. } = &world;
    let postgres = deployment.postgres().unwrap();
    let book = |call_id: &str| message::book(call_id, &northgate.assistant, "call_1", days_ahead(4), "10:00");
    warm(gateway, postgres, northgate);

    postgres.run_outside(&format!("ALTER DATABASE \"{}\" ALLOW_CONNECTIONS false", postgres.name()));
    terminate(postgres);
    for nth in 0..5 {
        let answer = gateway.send(northgate, &event(&format!("call-lost-{nth}"), northgate));
        assert_eq!((answer.status, answer.refusal()), (503, "unavailable".to_owned()));
    }
    // The provider waits for these, and hears a sentence.
    let answer = gateway.answer(northgate, &book("call-lost"));
    assert!(results(&answer)[0]["error"].is_string(), "{answer}");
    let request = message::of_kind("assistant-request", call("call-ar", &northgate.assistant), json!({}));
    let answer = gateway.answer(northgate, &request);
    assert!(answer["error"].is_string() || answer["assistantId"].is_string(), "{answer}");
    // A forged message learns nothing of the trouble.
    assert_eq!(gateway.send_with("a guess", &event("call-forged", northgate)).status, 401);
    // The answer is a second old at most.
    eventually("the gateway is not ready", PATIENCE, || {
        (gateway.get("/health/ready").status == 503).then_some(())
    });
    for _ in 0..50 {
        assert_eq!(gateway.get("/health").status, 503);
    }
    assert_eq!(gateway.get("/health/live").status, 200);

    postgres.run_outside(&format!("ALTER DATABASE \"{}\" ALLOW_CONNECTIONS true", postgres.name()));
    recovers(gateway, northgate);
    // One line for each change, however many asked.
    gateway.log().wait("the change is told", |line| line["message"] == "the store is well again");
    let told = gateway.log().lines().into_iter().filter(|line| line["message"] == "the store is not well");
    assert_eq!(told.count(), 1);
    let lost = "SELECT count(*) FROM webhook_events WHERE vapi_call_id LIKE 'call-lost%'";
    assert_eq!(postgres.count(lost), 0);
    // The caller's second try is no repetition of a run that never was.
    let answer = gateway.answer(northgate, &book("call-lost"));
    assert!(
        results(&answer)[0]["result"].as_str().is_some_and(|text| text.contains("is booked for")),
        "{answer}"
    );
    assert!(world.gateway.is_alive());
}

fn the_gateway_starts_before_its_database(database: Database) {
    let deployment = Deployment::new(database);
    let northgate = Organization::northgate();
    deployment.apply(&[&northgate]);
    let postgres = deployment.postgres().unwrap();
    postgres.run_outside(&format!("ALTER DATABASE \"{}\" ALLOW_CONNECTIONS false", postgres.name()));
    let mut gateway = deployment.launch();
    gateway.log().wait("the gateway says what it waits for", |line| {
        line["level"] == "WARN" && line["message"].as_str().is_some_and(|text| text.contains("database"))
    });
    postgres.run_outside(&format!("ALTER DATABASE \"{}\" ALLOW_CONNECTIONS true", postgres.name()));
    gateway.wait_until_ready();
    assert_eq!(gateway.send(&northgate, &event("call-1", &northgate)).status, 200);
}

fn a_database_that_takes_no_writes_is_not_ready(database: Database) {
    let World { gateway, deployment, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    let set = |setting: &str| {
        postgres.run_outside(&format!("ALTER DATABASE \"{}\" {setting}", postgres.name()));
        terminate(postgres);
    };
    let answers = |path: &str, status: u16| {
        eventually("the gateway tells of it", PATIENCE, || {
            (gateway.get(path).status == status).then_some(())
        });
    };
    // As after a failover to a server that is still a copy.
    set("SET default_transaction_read_only = on");
    answers("/health/ready", 503);
    answers("/health", 503);
    postgres
        .run_outside(&format!("ALTER DATABASE \"{}\" RESET default_transaction_read_only", postgres.name()));
    answers("/health/ready", 200);
    answers("/health", 200);
}

fn a_server_that_takes_writes_again_is_written_without_a_restart(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    warm(gateway, postgres, northgate);
    let book = |call_id: &str| message::book(call_id, &northgate.assistant, "call_1", days_ahead(4), "10:00");
    let database = postgres.name();
    postgres.run_outside(&format!("ALTER DATABASE \"{database}\" SET default_transaction_read_only = on"));
    terminate(postgres);
    // Until every kind of session is one of those that cannot write.
    for nth in 0..8 {
        let answer = gateway.send(northgate, &event(&format!("call-lost-{nth}"), northgate));
        assert_eq!((answer.status, answer.refusal()), (503, "unavailable".to_owned()));
        assert!(results(&gateway.answer(northgate, &book("call-lost")))[0]["error"].is_string());
    }
    postgres.run_outside(&format!("ALTER DATABASE \"{database}\" RESET default_transaction_read_only"));
    assert_eq!(gateway.send(northgate, &event("call-after", northgate)).status, 200);
    let answer = gateway.answer(northgate, &book("call-after"));
    assert!(
        results(&answer)[0]["result"].as_str().is_some_and(|text| text.contains("is booked for")),
        "{answer}"
    );
}

fn a_start_says_that_it_waits_for_another_migration(database: Database) {
    let deployment = Deployment::new(database);
    let postgres = deployment.postgres().unwrap();
    let other = postgres.hold("SELECT pg_advisory_xact_lock(hashtextextended('vapi-gateway migrate', 0))");
    let mut gateway = deployment.launch();
    gateway.log().wait("the gateway says what it waits for", |line| {
        line["message"].as_str().is_some_and(|text| text.contains("another migration"))
    });
    drop(other);
    gateway.wait_until_ready();
}

fn a_login_of_four_connections_serves_every_booking(database: Database) {
    let mut deployment = Deployment::new(database);
    let (northgate, fontaneria) = (Organization::northgate(), Organization::fontaneria());
    deployment.apply(&[&northgate, &fontaneria]);
    let postgres = deployment.postgres().unwrap();
    let role = format!("t_few_{}", Uuid::now_v7().simple());
    postgres.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'hush' CONNECTION LIMIT 4;
         GRANT gateway_owner, gateway_app, gateway_directory, gateway_operator TO {role};"
    ));
    let few = with_login(&postgres.url(), &role, "hush");
    deployment.change("DATABASE_URL", &few);
    let gateway = &deployment.start();
    thread::scope(|threads| {
        let senders: Vec<_> = (0..24)
            .flat_map(|nth| [(nth, &northgate), (nth, &fontaneria)])
            .map(|(nth, organization)| {
                threads.spawn(move || {
                    let call_id = format!("call-{nth}");
                    let day = days_ahead(nth + 4);
                    let booking = message::book(&call_id, &organization.assistant, "call_1", day, "10:00");
                    let answer = gateway.answer(organization, &booking);
                    // Booked, or closed on that day; not a failure.
                    assert!(results(&answer)[0]["result"].is_string(), "{answer}");
                    assert_eq!(gateway.send(organization, &event(&call_id, organization)).status, 200);
                })
            })
            .collect();
        senders.into_iter().for_each(|sender| sender.join().unwrap());
    });
    eventually("the gateway is ready", PATIENCE, || {
        (gateway.get("/health/ready").status == 200).then_some(())
    });
    deployment.postgres().unwrap().run(&format!("DROP ROLE {role}"));
}
