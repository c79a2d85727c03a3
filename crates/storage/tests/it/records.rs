//! The writer's records: each message once, whole, and in its own organization only.

mod callers;
mod contested;
mod erasure;
mod ledger;
mod trouble;

use futures::future::join_all;
use org_resolver::VerifiedOrg;
use storage::{CallerUpdate, NewEvent, Record, Recorded, Storage};

use self::ledger::step;
use crate::support::{A, B, Fixture, erasure, event, now, on_both, verified};

on_both!(
    messages_of_many_organizations_land_in_their_own,
    deliveries_that_come_together_are_one_message,
    deliveries_that_come_apart_are_one_message,
    a_fuller_delivery_replaces_the_body,
    an_erased_body_stays_erased,
    nul_never_reaches_the_database,
    two_stores_record_each_message_once,
);

/// Gives all records to the writer before it can take the first of them.
async fn record_all(
    storage: &Storage,
    records: impl IntoIterator<Item = (&VerifiedOrg, Record)>,
) -> Vec<Recorded> {
    let records = records.into_iter().map(|(organization, record)| storage.record(organization, record));
    join_all(records).await.into_iter().map(Result::unwrap).collect()
}

async fn messages_of_many_organizations_land_in_their_own(fixture: Fixture) {
    let ids: Vec<String> = (1..=100).map(|n| format!("aaaaaaaa-0000-4000-8000-{n:012}")).collect();
    let rows: Vec<String> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| format!("('{id}', 'o{n}', 'o{n}', '{}')", ["US", "GB"][n % 2]))
        .collect();
    fixture
        .execute(&format!("INSERT INTO organizations (id, slug, name, region) VALUES {}", rows.join(", ")))
        .await;
    // Connections that have prepared no statement yet: where each is sent for the first time, the order matters most.
    let storage = fixture.reopened(|_| ()).await;
    let organizations: Vec<_> = ids.iter().map(|id| verified(id)).collect();
    // In rounds, so that no organization's messages are neighbours.
    let messages =
        (0..3).flat_map(|round| organizations.iter().enumerate().map(move |(n, org)| (round, n, org)));
    let records = messages.map(|(round, n, organization)| {
        let (slug, call, body) = (format!("o{n}"), format!("call-o{n}"), format!("body of o{n}"));
        let event = NewEvent {
            kind: &slug,
            body: body.as_bytes(),
            request_id: &slug,
            ..event(["k0", "k1", "k2"][round], &call)
        };
        let caller = CallerUpdate {
            number: ["(202) 555-0143", "020 7946 0018"][n % 2].to_owned(),
            name: Some(slug.clone()),
            email: None,
            last_call_at: Some(now()),
        };
        (organization, Record::new(&event).with_call_update(step(1, &slug)).with_caller(caller))
    });
    let recorded = record_all(&storage, records).await;
    assert!(recorded.iter().all(|one| one.is_new && one.has_contact && !one.is_contested));

    let own = |table: &str, condition: &str| {
        format!("FROM {table} t JOIN organizations o ON o.id = t.organization_id WHERE {condition}")
    };
    for (table, condition, wanted) in [
        (
            "webhook_events",
            "t.kind = o.slug AND t.request_id = o.slug AND t.vapi_call_id = 'call-' || o.slug",
            300,
        ),
        ("call_pins", "t.vapi_call_id = 'call-' || o.slug", 100),
        (
            "call_logs",
            "t.vapi_call_id = 'call-' || o.slug AND t.contact_id =
             (SELECT c.id FROM contacts c WHERE c.organization_id = o.id)",
            100,
        ),
        ("call_reports", "t.vapi_call_id = 'call-' || o.slug AND t.summary = o.slug", 100),
        (
            "contacts",
            "t.name = o.slug AND t.phone = CASE o.region WHEN 'US' THEN '+12025550143' ELSE '+442079460018' END",
            100,
        ),
    ] {
        let sql = format!("SELECT CAST(count(*) AS text) AS v {}", own(table, condition));
        assert_eq!(fixture.value(&sql).await, Some(wanted.to_string()), "{table}");
        assert_eq!(fixture.count(table, "true").await, wanted, "{table}");
    }
    for (n, organization) in organizations.iter().enumerate() {
        let id = fixture.event_id(&ids[n], "k2").await;
        let mut scope = storage.scope(organization).await.unwrap();
        assert_eq!(scope.events().body(id).await.unwrap().unwrap(), format!("body of o{n}").into_bytes());
        scope.commit().await.unwrap();
    }
    if fixture.is_postgres() {
        // 256 and the 44 that are left. A statement that met another organization's setting would have been refused,
        // and the batch taken apart.
        let sql = "SELECT CAST(count(DISTINCT CAST(xmin AS text)) AS text) AS v FROM webhook_events";
        assert_eq!(fixture.value(sql).await.as_deref(), Some("2"));
    }
}

async fn deliveries_that_come_together_are_one_message(fixture: Fixture) {
    let deliveries = ["k1", "k2", "k1"].map(|key| (&fixture.a, Record::new(&event(key, "call-1"))));
    let recorded = record_all(&fixture.storage, deliveries).await;
    assert_eq!(recorded.iter().map(|one| one.is_new).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'k1' AND deliveries = 2").await, 1);
    assert_eq!(fixture.count("webhook_events", "dedupe_key = 'k2' AND deliveries = 1").await, 1);
    assert_eq!(fixture.count("webhook_events", "true").await, 2);
}

async fn deliveries_that_come_apart_are_one_message(fixture: Fixture) {
    let record = async |organization, request_id| {
        let event = NewEvent { request_id, ..event("k1", "call-1") };
        fixture.storage.record(organization, Record::new(&event)).await.unwrap().is_new
    };
    assert!(record(&fixture.a, "first").await);
    assert!(!record(&fixture.a, "second").await);
    assert!(record(&fixture.b, "first").await, "the same key is another message there");
    let condition = format!("organization_id = '{A}' AND deliveries = 2 AND request_id = 'first'");
    assert_eq!(fixture.count("webhook_events", &condition).await, 1);
    let condition = format!("organization_id = '{B}' AND deliveries = 1");
    assert_eq!(fixture.count("webhook_events", &condition).await, 1);
}

async fn a_fuller_delivery_replaces_the_body(fixture: Fixture) {
    let stored = async || {
        let id = fixture.event_id(A, "k1").await;
        let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
        let body = scope.events().body(id).await.unwrap().unwrap();
        scope.commit().await.unwrap();
        (
            String::from_utf8(body).unwrap(),
            fixture.value("SELECT CAST(body_bytes AS text) AS v FROM webhook_events").await,
        )
    };
    let send = async |bodies: &[&str]| {
        let deliveries = bodies.iter().map(|body| {
            (&fixture.a, Record::new(&NewEvent { body: body.as_bytes(), ..event("k1", "call-1") }))
        });
        record_all(&fixture.storage, deliveries).await;
    };
    let is = |body: &str, bytes: &str| (body.to_owned(), Some(bytes.to_owned()));
    send(&["{}", "{full}", "{half}", "{}"]).await;
    assert_eq!(stored().await, is("{full}", "6"), "the fullest of one batch");
    send(&["{less}", "{}"]).await;
    assert_eq!(stored().await, is("{full}", "6"), "one as long says nothing new");
    send(&["{}", "{fuller}"]).await;
    assert_eq!(stored().await, is("{fuller}", "8"));
    assert_eq!(fixture.count("webhook_events", "deliveries = 8").await, 1);
}

async fn an_erased_body_stays_erased(fixture: Fixture) {
    let record = || Record::new(&NewEvent { body: b"what was said", ..event("k1", "call-1") });
    fixture.storage.record(&fixture.a, record()).await.unwrap();
    fixture.storage.record(&fixture.a, erasure("call-1")).await.unwrap();
    let again = record_all(&fixture.storage, [(&fixture.a, record()), (&fixture.a, record())]).await;
    assert!(again.iter().all(|one| !one.is_new));
    assert_eq!(fixture.count("webhook_events", "deliveries = 3 AND body_bytes = 0").await, 1);
    let id = fixture.event_id(A, "k1").await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.events().body(id).await.unwrap().unwrap(), b"");
}

async fn nul_never_reaches_the_database(fixture: Fixture) {
    // Another organization has the call, so that the alarm is written too.
    fixture.storage.record(&fixture.b, Record::new(&event("k1", "call-1"))).await.unwrap();
    let event = NewEvent {
        kind: "status\0-update",
        vapi_call_id: Some("call\0-1"),
        dedupe_key: "k\u{0}1",
        trace: r#"{"st\u0000eps":["a\u0000b","\\u0000"]}"#,
        body: b"a\0b",
        request_id: "request\0-1",
        ..event("", "")
    };
    let caller = CallerUpdate {
        number: "+12025550143".to_owned(),
        name: Some("A\0da".to_owned()),
        email: Some("ada\0@example.org".to_owned()),
        last_call_at: None,
    };
    let record = || {
        Record::new(&event)
            .with_call_update(step(1, "sa\0id"))
            .with_caller(caller.clone())
            .with_alarm(serde_json::json!({"st\0ep": "as\0sistant"}))
    };
    let recorded = fixture.storage.record(&fixture.a, record()).await.unwrap();
    assert_eq!(
        recorded,
        Recorded {
            is_new: true,
            is_contested: true,
            ledger_changed: true,
            has_contact: true,
            is_erased: false
        }
    );
    let own = format!("organization_id = '{A}'");
    let event = "kind = 'status-update' AND vapi_call_id = 'call-1' AND dedupe_key = 'k1' AND
                 request_id = 'request-1' AND body_bytes = 3";
    assert_eq!(fixture.count("webhook_events", &format!("{own} AND {event}")).await, 1);
    let id = fixture.event_id(A, "k1").await;
    let mut scope = fixture.storage.scope(&fixture.a).await.unwrap();
    // Body and trace are bytes, and stay what they were.
    assert_eq!(scope.events().body(id).await.unwrap().unwrap(), b"a\0b");
    let trace = scope.events().trace(id).await.unwrap().unwrap();
    assert_eq!(trace, serde_json::json!({"st\0eps": ["a\0b", "\\u0000"]}));
    scope.commit().await.unwrap();
    assert_eq!(
        fixture
            .count("call_reports", &format!("{own} AND vapi_call_id = 'call-1' AND summary = 'said'"))
            .await,
        1
    );
    assert_eq!(
        fixture.count("contacts", &format!("{own} AND name = 'Ada' AND email = 'ada@example.org'")).await,
        1
    );
    let detail = format!("SELECT CAST(detail AS text) AS v FROM security_log WHERE {own}");
    let detail: serde_json::Value = serde_json::from_str(&fixture.value(&detail).await.unwrap()).unwrap();
    assert_eq!(detail, serde_json::json!({"step": "assistant"}));
    // The same message once more is the same message.
    assert!(!fixture.storage.record(&fixture.a, record()).await.unwrap().is_new);
}

/// 500 numbers in an order that looks like none: a multiplicative generator of full period modulo 500.
fn shuffled(start: usize) -> Vec<usize> {
    std::iter::successors(Some(start), |n| Some((n * 61 + 17) % 500)).take(500).collect()
}

async fn two_stores_record_each_message_once(fixture: Fixture) {
    let other = fixture.reopened(|_| ()).await;
    let organizations = [&fixture.a, &fixture.b];
    let records = |start| {
        shuffled(start).into_iter().map(move |n| {
            let (key, call) = (format!("k{n}"), format!("call-{}-{}", n % 2, n % 20));
            let caller = CallerUpdate {
                number: format!("+1202555{:04}", 100 + n % 30),
                name: None,
                email: None,
                last_call_at: Some(now() + chrono::TimeDelta::seconds(i64::try_from(n).unwrap())),
            };
            let rank = i16::try_from(n).unwrap();
            let update = step(rank, "");
            (
                organizations[n % 2],
                Record::new(&event(&key, &call)).with_call_update(update).with_caller(caller),
            )
        })
    };
    let (one, two) =
        futures::join!(record_all(&fixture.storage, records(3)), record_all(&other, records(250)));
    assert_eq!(one.iter().chain(&two).filter(|one| one.is_new).count(), 500);
    assert_eq!(fixture.count("webhook_events", "deliveries = 2").await, 500);
    assert_eq!(fixture.count("webhook_events", "true").await, 500);
    // Each of 20 calls has the 25 messages with its remainder, and keeps the highest rank of them.
    assert_eq!(fixture.count("call_logs", "status_rank BETWEEN 480 AND 499").await, 20);
    assert_eq!(fixture.count("call_logs", "true").await, 20);
    for (organization, parity) in [(A, "0"), (B, "1")] {
        let own = format!("organization_id = '{organization}'");
        assert_eq!(
            fixture.count("call_logs", &format!("{own} AND vapi_call_id LIKE 'call-{parity}-%'")).await,
            10
        );
        assert_eq!(fixture.count("webhook_events", &own).await, 250);
        // Of 30 numbers, those whose remainder is even or odd; the latest call of each was within the last 30 seconds.
        assert_eq!(fixture.count("contacts", &own).await, 15);
    }
}
