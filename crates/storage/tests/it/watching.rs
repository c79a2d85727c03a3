//! Changes of the directory are heard of, whoever makes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use org_resolver::{IdentifierKind, LookupKey, OrgId};
use storage::{ChangeSink, TenantData};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::support::{A, B, Fixture, on_both, on_postgres, org};

on_both!(
    hand_written_changes_are_heard,
    declarations_follow_hand_written_changes,
    the_last_use_of_a_credential_is_no_change,
);

on_postgres!(many_changes_of_one_statement_are_one_notice, listening_survives_the_end_of_its_connection,);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Identifier(LookupKey),
    Organization(OrgId),
    Tenant(OrgId),
    Everything,
}

#[derive(Default)]
struct Ear {
    heard: Mutex<Vec<Heard>>,
    changed: Notify,
}

impl Ear {
    fn hear(&self, heard: Heard) {
        self.heard.lock().unwrap().push(heard);
        self.changed.notify_one();
    }

    /// Takes what was heard, up to and with the first that fits. Fails when it is not heard at all.
    async fn wait_for(&self, fits: impl Fn(&Heard) -> bool) -> Vec<Heard> {
        let found = async {
            loop {
                {
                    let mut heard = self.heard.lock().unwrap();
                    if let Some(position) = heard.iter().position(&fits) {
                        return heard.drain(..=position).collect();
                    }
                }
                self.changed.notified().await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(30), found).await {
            Ok(heard) => heard,
            Err(_) => panic!("not heard; only {:?}", self.heard.lock().unwrap()),
        }
    }
}

#[async_trait]
impl ChangeSink for Ear {
    async fn identifier(&self, key: LookupKey) {
        self.hear(Heard::Identifier(key));
    }

    async fn organization(&self, org: OrgId) {
        self.hear(Heard::Organization(org));
    }

    async fn tenant(&self, org: OrgId) {
        self.hear(Heard::Tenant(org));
    }

    async fn everything(&self) {
        self.hear(Heard::Everything);
    }
}

/// Starts to watch, and waits until nothing is missed any more.
async fn listening(fixture: &Fixture) -> (Arc<Ear>, JoinHandle<()>) {
    let ear = Arc::new(Ear::default());
    let (storage, sink) = (fixture.storage.clone(), Arc::clone(&ear));
    let task = tokio::spawn(async move { storage.watch(&*sink).await });
    ear.wait_for(|heard| *heard == Heard::Everything).await;
    (ear, task)
}

fn assistant(id: &str) -> Heard {
    Heard::Identifier(LookupKey::new(IdentifierKind::AssistantId, id).unwrap())
}

/// The announcement of a change: by name on PostgreSQL, as anything on SQLite.
fn expected(fixture: &Fixture, change: Heard) -> Heard {
    if fixture.is_postgres() { change } else { Heard::Everything }
}

async fn hand_written_changes_are_heard(fixture: Fixture) {
    let (ear, task) = listening(&fixture).await;
    let steps = [
        (
            format!(
                "INSERT INTO customer_configurations (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_a')"
            ),
            assistant("asst_a"),
        ),
        ("UPDATE customer_configurations SET is_active = false".to_owned(), assistant("asst_a")),
        ("DELETE FROM customer_configurations".to_owned(), assistant("asst_a")),
        (format!("UPDATE organizations SET is_active = false WHERE id = '{B}'"), Heard::Organization(org(B))),
        (
            format!(
                "INSERT INTO credentials (organization_id, label, recipe, sealed_secret, sealing_key_id)
                 VALUES ('{A}', 'x', '{{}}', '', 'x')"
            ),
            Heard::Organization(org(A)),
        ),
    ];
    for (sql, change) in steps {
        // SQLite takes text for a blob only by its own notation.
        let sql = if fixture.is_postgres() { sql } else { sql.replace("'', 'x')", "x'', 'x')") };
        fixture.execute(&sql).await;
        let change = expected(&fixture, change);
        ear.wait_for(|heard| *heard == change).await;
    }
    task.abort();
}

/// A listener does not hear a million names when a million organizations come.
async fn many_changes_of_one_statement_are_one_notice(fixture: Fixture) {
    let (ear, task) = listening(&fixture).await;
    let agents = |numbers: &str| {
        format!(
            "INSERT INTO agents (organization_id, vapi_assistant_id) SELECT '{A}', 'asst_' || n FROM generate_series({numbers}) n"
        )
    };
    fixture.execute(&agents("1, 1000")).await;
    // All that one transaction tells arrives together, in its order.
    let heard = ear.wait_for(|heard| *heard == Heard::Tenant(org(A))).await;
    let mut names: Vec<_> = heard.iter().filter(|heard| matches!(heard, Heard::Identifier(_))).collect();
    names.dedup();
    assert_eq!((names.len(), heard.contains(&Heard::Everything)), (1000, false));

    fixture.execute(&agents("2001, 3001")).await;
    let heard = ear.wait_for(|heard| *heard == Heard::Tenant(org(A))).await;
    assert_eq!(heard, [Heard::Everything, Heard::Tenant(org(A))]);

    fixture.execute("UPDATE organizations SET limits = '{}', name = name || '!'").await;
    ear.wait_for(|heard| *heard == Heard::Organization(org(B))).await;
    task.abort();
}

/// Both organizations' declarations as they are in memory.
async fn remembered(fixture: &Fixture) -> HashMap<&'static str, Arc<TenantData>> {
    let [a, b] = [&fixture.a, &fixture.b].map(|org| fixture.storage.tenant(org));
    HashMap::from([(A, a.await.unwrap()), (B, b.await.unwrap())])
}

/// True when nothing was read anew.
fn same(
    before: &HashMap<&str, Arc<TenantData>>,
    after: &HashMap<&str, Arc<TenantData>>,
    owner: &str,
) -> bool {
    Arc::ptr_eq(&before[owner], &after[owner])
}

/// Every kind of statement on every table that an organization's declarations stand in.
async fn declarations_follow_hand_written_changes(fixture: Fixture) {
    let (ear, task) = listening(&fixture).await;
    let rows = [
        ("agents", "vapi_assistant_id", "'asst_1'", "name = 'Sarah'"),
        ("phone_numbers", "provider_phone_id", "'pn_1'", "fallback_assistant_id = 'asst_1'"),
        ("services", "name", "'cleaning'", "minutes = 45"),
        ("resources", "name", "'chair'", "capacity = 2"),
        ("opening_hours", "weekday, opens, closes", "1, '09:00', '17:00'", "closes = '18:00'"),
        ("closures", "from_date, to_date", "'2026-12-24', '2026-12-26'", "reason = 'holidays'"),
        ("transfer_destinations", "department", "'billing'", "number = '+15552010199'"),
    ];
    for (table, columns, values, change) in rows {
        let steps = [
            (format!("INSERT INTO {table} (organization_id, {columns}) VALUES ('{A}', {values})"), vec![A]),
            (format!("UPDATE {table} SET {change}"), vec![A]),
            (format!("UPDATE {table} SET organization_id = '{B}'"), vec![A, B]),
            (format!("DELETE FROM {table}"), vec![B]),
        ];
        for (sql, owners) in steps {
            let before = remembered(&fixture).await;
            assert!(
                same(&before, &remembered(&fixture).await, A)
                    && same(&before, &remembered(&fixture).await, B)
            );
            fixture.execute(&sql).await;
            let mut awaited: Vec<Heard> =
                owners.iter().map(|owner| expected(&fixture, Heard::Tenant(org(owner)))).collect();
            while !awaited.is_empty() {
                let heard = ear.wait_for(|heard| awaited.contains(heard)).await;
                awaited.retain(|one| !heard.contains(one));
            }
            for owner in owners {
                assert!(!same(&before, &remembered(&fixture).await, owner), "{owner}: {sql}");
            }
        }
    }
    fixture
        .execute(&format!(
            "UPDATE organizations SET timezone = 'Asia/Tokyo', settings = '{{}}' WHERE id = '{A}'"
        ))
        .await;
    let own = expected(&fixture, Heard::Organization(org(A)));
    ear.wait_for(|heard| *heard == own).await;
    assert_eq!(fixture.storage.tenant(&fixture.a).await.unwrap().profile().timezone, chrono_tz::Asia::Tokyo);
    task.abort();
}

async fn the_last_use_of_a_credential_is_no_change(fixture: Fixture) {
    let blob = if fixture.is_postgres() { "''" } else { "x''" };
    fixture
        .execute(&format!(
            "INSERT INTO credentials (organization_id, label, recipe, sealed_secret, sealing_key_id)
             VALUES ('{A}', 'x', '{{}}', {blob}, 'x')"
        ))
        .await;
    if !fixture.is_postgres() {
        let version = "SELECT CAST(version AS text) AS v FROM directory_version";
        let before = fixture.value(version).await;
        fixture.execute("UPDATE credentials SET last_used_at = '2026-11-21T12:00:00.000000Z'").await;
        assert_eq!(fixture.value(version).await, before);
        return;
    }
    let (ear, task) = listening(&fixture).await;
    fixture.execute("UPDATE credentials SET last_used_at = now()").await;
    // Notices arrive in order, so whatever the first statement caused is heard before the second's.
    fixture
        .execute(&format!("INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{A}', 'asst_a')"))
        .await;
    assert_eq!(ear.wait_for(|heard| *heard == assistant("asst_a")).await, [assistant("asst_a")]);
    task.abort();
}

async fn listening_survives_the_end_of_its_connection(fixture: Fixture) {
    let (ear, task) = listening(&fixture).await;
    for round in 0..2 {
        fixture
            .execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE 'LISTEN%'",
            )
            .await;
        // Changes may have been missed, so everything is in doubt once the connection is back.
        ear.wait_for(|heard| *heard == Heard::Everything).await;
        let id = format!("asst_{round}");
        fixture
            .execute(&format!(
                "INSERT INTO agents (organization_id, vapi_assistant_id) VALUES ('{A}', '{id}')"
            ))
            .await;
        ear.wait_for(|heard| *heard == assistant(&id)).await;
    }
    task.abort();
}
