//! The gateway's sessions on PostgreSQL: those that cannot write any more, and those that a server does not let in.

use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use org_resolver::{IdentifierKind, Lookup, LookupKey};
use serde_json::json;
use storage::repo::{NewBooking, NewContact};
use storage::{ErrorKind, QuarantinedMessage, Record, Storage, StorageError};
use test_support::with_login;
use uuid::Uuid;

use crate::support::{self, A, B, Fixture, at, event, now, on_postgres, sealer, verified};

on_postgres!(
    sessions_that_cannot_write_are_replaced,
    a_role_of_few_connections_serves_everybody,
    warming_up_leaves_connections_to_others,
);

fn booking(nth: i64) -> NewBooking<'static> {
    support::booking(u8::try_from(nth).unwrap(), 1, at(0, 0) + TimeDelta::days(nth + 1))
}

fn unclaimed(request_id: &str) -> QuarantinedMessage<'_> {
    QuarantinedMessage {
        kind: "status-update",
        vapi_call_id: None,
        dedupe_key: "key",
        identifiers: json!([]),
        body: b"{}",
        request_id,
        received_at: now(),
    }
}

/// Sets or resets what sessions of the database begin with; the person's own session may be of the kind that cannot write.
async fn change(fixture: &Fixture, setting: &str) {
    fixture
        .execute(&format!(
            "SET transaction_read_only = off;
             DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {setting}', current_database()); END $$"
        ))
        .await;
}

async fn scope_writes(storage: &Storage) -> Result<(), StorageError> {
    let mut scope = storage.scope(&verified(A)).await?;
    scope.contacts().upsert(&NewContact::default(), now()).await?;
    scope.commit().await
}

/// Every kind of work that writes; what each answers.
async fn write_everywhere(storage: &Storage, nth: i64) -> Vec<Result<(), ErrorKind>> {
    let a = verified(A);
    let key = format!("event-{nth}");
    let operator = async {
        let door = storage.operator("ann", "a trial").await?;
        door.commit().await
    };
    vec![
        storage.record(&a, Record::new(&event(&key, "call-1"))).await.map(|_| ()),
        storage.book(&a, &booking(nth)).await.map(|_| ()),
        scope_writes(storage).await,
        operator.await,
        storage.quarantine(&unclaimed(&key)).await.map(|_| ()),
    ]
    .into_iter()
    .map(|outcome| outcome.map_err(|error| error.kind()))
    .collect()
}

async fn sessions_that_cannot_write_are_replaced(fixture: Fixture) {
    // As a node that connects to a copy which becomes the server later.
    change(&fixture, "SET default_transaction_read_only = on").await;
    let storage = fixture.reopened(|_| {}).await;
    assert!(storage.health().await.is_err());
    for outcome in write_everywhere(&storage, 0).await {
        assert_eq!(outcome, Err(ErrorKind::Transient));
    }
    // It still reads.
    let mut scope = storage.scope(&fixture.a).await.unwrap();
    assert_eq!(scope.security_log().count().await.unwrap(), 0);
    scope.rollback().await.unwrap();
    change(&fixture, "RESET default_transaction_read_only").await;
    for outcome in write_everywhere(&storage, 1).await {
        assert_eq!(outcome, Ok(()));
    }
    storage.health().await.unwrap();
}

/// A login with all of the gateway's roles that the server lets in so often.
async fn limited(fixture: &Fixture, limit: usize) -> (String, String) {
    let role = format!("t_{}", Uuid::now_v7().simple());
    fixture
        .execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'hush' CONNECTION LIMIT {limit};
             GRANT gateway_app, gateway_directory, gateway_operator TO {role};"
        ))
        .await;
    let url = with_login(&fixture.url(), &role, "hush");
    (role, url)
}

async fn connected(fixture: &Fixture, url: &str) -> Storage {
    let mut config = fixture.config();
    config.url = url.parse().unwrap();
    Storage::connect(config, sealer()).await.unwrap()
}

async fn a_role_of_few_connections_serves_everybody(fixture: Fixture) {
    let (role, url) = limited(&fixture, 4).await;
    let storage = &connected(&fixture, &url).await;
    let mut work: Vec<BoxFuture<'_, Result<(), StorageError>>> = Vec::new();
    for nth in 0..24 {
        for (organization, org) in [(A, &fixture.a), (B, &fixture.b)] {
            work.push(async move { storage.book(org, &booking(nth)).await.map(|_| ()) }.boxed());
            let (key, call) = (format!("event-{nth}"), format!("call-{organization}-{nth}"));
            work.push(
                async move { storage.record(org, Record::new(&event(&key, &call))).await.map(|_| ()) }
                    .boxed(),
            );
        }
        let asked = LookupKey::new(IdentifierKind::AssistantId, &format!("asst_{nth}")).unwrap();
        work.push(
            async move {
                storage.directory().owners(&[asked]).await.map(|_| ()).map_err(|error| panic!("{error:?}"))
            }
            .boxed(),
        );
    }
    work.push(storage.health().boxed());
    work.push(scope_writes(storage).boxed());
    work.push(async { storage.quarantine(&unclaimed("request-1")).await.map(|_| ()) }.boxed());
    work.push(async { storage.operator("ann", "a trial").await?.commit().await }.boxed());
    let warmed = async {
        storage.warm_up().await;
        Ok(())
    };
    work.push(warmed.boxed());
    for outcome in join_all(work).await {
        outcome.unwrap();
    }
    for organization in [A, B] {
        let own = format!("organization_id = '{organization}'");
        assert_eq!(fixture.count("appointments", &own).await, 24);
        assert_eq!(fixture.count("webhook_events", &own).await, 24);
    }
    fixture.execute(&format!("DROP ROLE {role}")).await;
}

async fn warming_up_leaves_connections_to_others(fixture: Fixture) {
    let (role, url) = limited(&fixture, 6).await;
    let storage = connected(&fixture, &url).await;
    storage.warm_up().await;
    let open = format!("SELECT CAST(count(*) AS text) AS v FROM pg_stat_activity WHERE usename = '{role}'");
    let open: i64 = fixture.value(&open).await.unwrap().parse().unwrap();
    assert!(open < 6, "{open}");
    fixture.execute(&format!("DROP ROLE {role}")).await;
}
