//! The database merges rows by the ledger's rule, and does with a batch what the model of SQLite's fold does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use org_resolver::OrgId;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;
use test_support::TestDb;
use tokio::runtime::{self, Runtime};
use uuid::Uuid;

use crate::StorageConfig;
use crate::backend::Backend;
use crate::batch::tests::{Message, Tables, entries, messages};
use crate::ledger::CallUpdate;
use crate::ledger::decided::{Decided, text};
use crate::ledger::tests::{MESSAGE, contact, update};
use crate::pg::PgBackend;
use crate::record::{CallerUpdate, Entry, NewEvent, Record, Recorded};
use crate::repo::{Call, CallReport};
use crate::scope::OrgScope;
use crate::seal::{MasterKey, Sealer};

const PATIENCE: Duration = Duration::from_secs(60);

/// A database of its own for one property.
struct Server {
    runtime: Runtime,
    database: TestDb,
    backend: PgBackend,
    made: AtomicU64,
}

impl Server {
    fn start() -> Option<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let database = runtime.block_on(TestDb::create())?;
        let url = database.url();
        let config = StorageConfig::new(url.parse().unwrap());
        let sealer = Sealer::new(MasterKey::generate().unwrap());
        let backend = runtime.block_on(PgBackend::connect(&config, &url, sealer)).unwrap();
        Some(Self { runtime, database, backend, made: AtomicU64::new(0) })
    }

    /// Tries a property with many values.
    fn check<S: Strategy>(
        &self,
        cases: u32,
        values: S,
        property: impl AsyncFn(S::Value) -> Result<(), TestCaseError>,
    ) {
        let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
        let outcome = TestRunner::new(config).run(&values, |value| self.runtime.block_on(property(value)));
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }

    /// An organization that has nothing yet.
    async fn new_org(&self) -> OrgId {
        let org = Uuid::from_u128(1000 + u128::from(self.made.fetch_add(1, Ordering::SeqCst)));
        let insert = format!("INSERT INTO organizations (id, slug, name) VALUES ('{org}', 'o-{org}', 'O')");
        self.database.execute(&insert).await;
        OrgId::new(org)
    }

    async fn write(&self, entries: &[Entry]) -> Vec<Recorded> {
        self.backend.write(entries, PATIENCE).await.unwrap()
    }

    async fn scope(&self, org: OrgId) -> OrgScope {
        OrgScope::new(org, self.backend.open(org).await.unwrap())
    }
}

/// The number of a caller, another one for each text of the strategy.
fn phone(number: &str) -> String {
    let digits = number.bytes().fold(0, |digits, byte| digits * 3 + u32::from(byte - b'a') + 1);
    format!("+1202555{digits:04}")
}

/// What the rule alone makes of a call's messages.
struct Rule {
    call: Call,
    report: Option<CallReport>,
}

impl Rule {
    /// Merges a message; tells whether it changed anything.
    fn merge(&mut self, update: &CallUpdate) -> bool {
        let before = (self.call.clone(), self.report.clone());
        let number = update.customer_number.as_deref().filter(|_| update.report.is_some());
        self.call.merge(update, number.map(contact));
        if let Some(told) = &update.report {
            let nothing = CallReport::new(self.call.vapi_call_id.clone());
            let mut report = self.report.take().unwrap_or_else(|| nothing.clone());
            report.merge(update.at, told);
            // One that says nothing is not kept.
            self.report = Some(report).filter(|report| *report != nothing);
        }
        if self.call.is_erased() {
            self.report = None;
        }
        before != (self.call.clone(), self.report.clone())
    }
}

fn record(place: usize, update: &CallUpdate) -> Record {
    let key = format!("k{place}");
    let record = Record::new(&NewEvent { dedupe_key: &key, ..MESSAGE }).with_call_update(update.clone());
    match update.customer_number.as_deref().filter(|_| update.report.is_some()) {
        Some(number) => record.with_caller(CallerUpdate {
            number: phone(number),
            name: None,
            email: None,
            last_call_at: update.at,
        }),
        None => record,
    }
}

#[test]
fn the_database_merges_by_the_rule() {
    let Some(server) = Server::start() else { return };
    // Few messages in many deliveries; some end their batch, and behind some a replay lets the messages decide anew.
    let deliveries = prop::collection::vec(update(), 1..5).prop_flat_map(|told| {
        let delivery = (prop::sample::select(told), any::<bool>(), prop::bool::weighted(0.1));
        prop::collection::vec(delivery, 1..10)
    });
    server.check(200, deliveries, async |deliveries| {
        let org = server.new_org().await;
        let mut rule = Rule { call: Call::new("call-1".to_owned(), DateTime::UNIX_EPOCH), report: None };
        let mut batch = Vec::new();
        let mut is_changed = Vec::new();
        let last = deliveries.len() - 1;
        for (place, (update, ends, reopens)) in deliveries.iter().enumerate() {
            batch.push(Entry { org, record: Arc::new(record(place, update)) });
            is_changed.push(rule.merge(update));
            if *ends || *reopens || place == last {
                let recorded = server.write(&std::mem::take(&mut batch)).await;
                let told: Vec<_> = recorded.iter().map(|one| one.ledger_changed).collect();
                prop_assert_eq!(told, std::mem::take(&mut is_changed));
                prop_assert_eq!(recorded.last().unwrap().is_erased, rule.call.is_erased());
            }
            if *reopens {
                let mut scope = server.scope(org).await;
                scope.calls().undecide("call-1").await.unwrap();
                scope.commit().await.unwrap();
                rule.call.decided = rule.call.decided.reopened();
                rule.report.iter_mut().for_each(|report| report.decided = Decided::default());
            }
        }
        let mut scope = server.scope(org).await;
        let mut call = scope.calls().get("call-1").await.unwrap().unwrap();
        let report = scope.calls().report("call-1").await.unwrap();
        if let Some(id) = call.contact_id {
            let number = call.customer_number.as_deref().unwrap();
            let own = scope.contacts().find_by_phone(&phone(number)).await.unwrap().unwrap();
            prop_assert_eq!(own.id.0, id);
            call.contact_id = Some(contact(number));
        }
        scope.rollback().await.unwrap();
        prop_assert_eq!(call, rule.call);
        prop_assert_eq!(report, rule.report);
        Ok(())
    });
}

#[test]
fn documents_have_the_texts_that_the_database_gives_them() {
    let Some(server) = Server::start() else { return };
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|it| json!(it)),
        any::<i64>().prop_map(|it| json!(it)),
        any::<u64>().prop_map(|it| json!(it)),
        prop::num::f64::NORMAL.prop_map(|it| json!(it)),
        (-9_i32..9, -25_i32..25).prop_map(|(digit, power)| json!(f64::from(digit) * 10_f64.powi(power))),
        Just(json!(-0.0)),
        "[^\0]{0,4}".prop_map(|it| json!(it)),
    ];
    let document = leaf.prop_recursive(3, 12, 4, |inner| {
        let members = prop::collection::btree_map("[^\0]{0,3}", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| json!(items)),
            members.prop_map(|members| json!(members)),
        ]
    });
    server.check(32, prop::collection::vec(document, 16), async |documents| {
        let values: Vec<_> =
            documents.iter().map(|it| format!("'{}'", it.to_string().replace('\'', "''"))).collect();
        let sql = format!("SELECT d::jsonb::text FROM unnest(ARRAY[{}]) AS d", values.join(", "));
        let given: Vec<_> = server.database.rows(&sql).await.into_iter().flatten().flatten().collect();
        prop_assert_eq!(given, documents.iter().map(text).collect::<Vec<_>>());
        Ok(())
    });
}

/// Every row that the model knows too, as text.
async fn rows(server: &Server) -> Vec<String> {
    let sql = "
        SELECT concat_ws(' ', 'event', organization_id, dedupe_key, vapi_call_id, deliveries, body_bytes, request_id)
        FROM webhook_events UNION ALL
        SELECT concat_ws(' ', 'call', organization_id, vapi_call_id, status_rank, status, metadata, decided)
        FROM call_logs UNION ALL
        SELECT concat_ws(' ', 'report', organization_id, vapi_call_id, duration_ms, decided) FROM call_reports UNION ALL
        SELECT concat_ws(' ', 'contact', organization_id, phone, name, email, extract(epoch FROM last_call_at)::bigint)
        FROM contacts UNION ALL
        SELECT concat_ws(' ', 'pin', organization_id, vapi_call_id) FROM call_pins UNION ALL
        SELECT concat_ws(' ', 'alarm', s.organization_id, dedupe_key, s.vapi_call_id)
        FROM security_log s JOIN webhook_events e ON e.id = s.id";
    let mut rows: Vec<_> = server.database.rows(sql).await.into_iter().flatten().flatten().collect();
    rows.sort_unstable();
    rows
}

/// The same rows of the model.
fn modelled(tables: &Tables) -> Vec<String> {
    let words = |words: &[Option<String>]| words.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let mut rows = Vec::new();
    for ((org, key), event) in &tables.events {
        let last = format!("{} {} {}", event.deliveries, event.body_bytes, event.request);
        rows.push(words(&[Some(format!("event {org} {key}")), event.call.clone(), Some(last)]));
    }
    for ((org, id), call) in &tables.calls {
        let decided = text(&call.decided.clone().into_value());
        rows.push(format!(
            "call {org} {id} {} {} {} {decided}",
            call.status_rank,
            call.status,
            text(&call.metadata)
        ));
    }
    for ((org, id), report) in &tables.reports {
        let decided = Some(text(&report.decided.clone().into_value()));
        let duration = report.duration_ms.map(|ms| ms.to_string());
        rows.push(words(&[Some(format!("report {org} {id}")), duration, decided]));
    }
    for ((org, phone), contact) in &tables.contacts {
        let last = contact.last_call_at.map(|at| at.timestamp().to_string());
        let known = Some(format!("contact {org} {phone} {}", contact.name));
        rows.push(words(&[known, contact.email.clone(), last]));
    }
    rows.extend(tables.pins.iter().map(|(call, org)| format!("pin {org} {call}")));
    for (org, key, call) in &tables.alarms {
        rows.push(words(&[Some(format!("alarm {org} {key}")), call.clone()]));
    }
    rows.sort_unstable();
    rows
}

#[test]
fn the_database_does_what_the_model_does() {
    let Some(server) = Server::start() else { return };
    let cuts = prop::collection::vec(prop::bool::weighted(0.2), 40);
    server.check(60, (messages(), cuts), async |(messages, cuts): (Vec<Message>, Vec<bool>)| {
        let mut tables = Tables::contested();
        let mut owners: Vec<_> = messages.iter().map(|message| Uuid::from_u128(message.org)).collect();
        owners.extend(tables.pins.iter().map(|(_, owner)| *owner));
        owners.sort_unstable();
        owners.dedup();
        let mut seed = "DELETE FROM organizations;".to_owned();
        for org in owners {
            seed.push_str(&format!(
                "INSERT INTO organizations (id, slug, name) VALUES ('{org}', 'o-{org}', 'O');"
            ));
        }
        for (call, owner) in &tables.pins {
            seed.push_str(&format!(
                "INSERT INTO call_pins (organization_id, vapi_call_id) VALUES ('{owner}', '{call}');"
            ));
        }
        server.database.execute(&seed).await;
        let mut batch = Vec::new();
        let mut rest = entries(&messages).into_iter().zip(cuts).peekable();
        while let Some((entry, is_cut)) = rest.next() {
            batch.push(entry);
            if is_cut || rest.peek().is_none() {
                let expected = tables.record(&batch);
                let recorded = server.write(&std::mem::take(&mut batch)).await;
                prop_assert_eq!(recorded, expected);
                prop_assert_eq!(rows(&server).await, modelled(&tables));
            }
        }
        Ok(())
    });
}
