//! Two organizations in a database of their own, on either kind of database.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use org_resolver::{OrgId, VerifiedOrg};
use storage::repo::{EventId, EventVerdict, KeyHash, NewBooking, NewContact, NewToolResult, ToolAnswer};
use storage::{
    CallUpdate, DatabaseUrl, MasterKey, NewEvent, OrgScope, Record, Sealer, Storage, StorageConfig,
};
use tempfile::TempDir;
use test_support::TestDb;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// The base64 of 32 zero bytes.
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub(crate) const A: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const B: &str = "22222222-2222-4222-8222-222222222222";

/// Runs each case on both kinds of database, on a PostgreSQL whose messages are German, and on one whose big tables have
/// parts. On the default runtime, which
/// has one thread: nothing in the store may need more.
macro_rules! on_both {
    ($($case:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $case() {
                super::$case(crate::support::Fixture::sqlite().await).await;
            })*
        }
        $crate::support::on_postgres!(postgres: $($case),*);
        $crate::support::on_postgres!(german: $($case),*);
        $crate::support::on_postgres!(partitioned: $($case),*);
    };
}
pub(crate) use on_both;

/// Runs each case on a PostgreSQL as it is, on one whose messages are German, and on one whose big tables have parts.
macro_rules! on_postgres {
    ($($case:ident),* $(,)?) => {
        mod servers {
            use super::{$($case),*};

            $crate::support::on_postgres!(postgres: $($case),*);
            $crate::support::on_postgres!(german: $($case),*);
            $crate::support::on_postgres!(partitioned: $($case),*);
        }
    };
    ($server:ident: $($case:ident),*) => {
        mod $server {
            $(#[tokio::test]
            async fn $case() {
                if let Some(fixture) = $crate::support::Fixture::$server().await {
                    super::$case(fixture).await;
                }
            })*
        }
    };
}
pub(crate) use on_postgres;

/// An instant of the tests' day: a Saturday.
pub(crate) fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    format!("2026-11-21T{hour:02}:{minute:02}:00Z").parse().unwrap()
}

/// The instant at which most tests happen, with microseconds: both databases keep them.
pub(crate) fn now() -> DateTime<Utc> {
    at(12, 0) + TimeDelta::microseconds(123_456)
}

/// A message of a call.
pub(crate) fn event<'a>(dedupe_key: &'a str, call: &'a str) -> NewEvent<'a> {
    NewEvent {
        kind: "status-update",
        vapi_call_id: Some(call),
        dedupe_key,
        verdict: EventVerdict::Accepted,
        trace: r#"{"steps":[]}"#,
        body: br#"{"message":{"type":"status-update"}}"#,
        request_id: "request-1",
        received_at: now(),
    }
}

/// A message that erases a call.
pub(crate) fn erasure(call: &str) -> Record {
    let update = CallUpdate { erases: true, ..CallUpdate::default() };
    let key = format!("erase {call}");
    Record::new(&NewEvent { kind: "call.deleted", ..event(&key, call) }).with_call_update(update)
}

/// Erases a call, and leaves the inbox as it is.
pub(crate) async fn erase(scope: &mut OrgScope, call: &str) {
    scope.events().record(Arc::new(erasure(call).without_delivery())).await.unwrap();
}

enum Database {
    Sqlite { _directory: TempDir, path: PathBuf },
    Postgres(TestDb),
}

/// Makes the row of a call where there is none, and holds it until the scope ends.
pub(crate) async fn hold_call(scope: &mut OrgScope, call: &str) {
    let key = format!("hold {call}");
    let record = Record::new(&event(&key, call)).with_call_update(CallUpdate::default());
    scope.events().record(Arc::new(record)).await.unwrap();
}

/// A migrated database with two organizations, and the store on it.
pub(crate) struct Fixture {
    pub(crate) storage: Storage,
    pub(crate) a: VerifiedOrg,
    pub(crate) b: VerifiedOrg,
    // Last, so that the store's connections are gone before the database is.
    database: Database,
}

impl Fixture {
    pub(crate) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data").join("gateway.db");
        let config = StorageConfig::new(DatabaseUrl::Sqlite(path.clone()));
        Storage::migrate(&config).await.unwrap();
        Self::seeded(Database::Sqlite { _directory: directory, path }, config).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::on(TestDb::create().await?).await)
    }

    pub(crate) async fn german() -> Option<Self> {
        Some(Self::on(TestDb::create_german().await?).await)
    }

    pub(crate) async fn partitioned() -> Option<Self> {
        Some(Self::on(TestDb::create_partitioned().await?).await)
    }

    async fn on(database: TestDb) -> Self {
        let mut config = StorageConfig::new(database.url().parse().unwrap());
        // Every test has pools of its own; the server's connections are shared by all.
        config.max_connections = 4;
        Self::seeded(Database::Postgres(database), config).await
    }

    async fn seeded(database: Database, config: StorageConfig) -> Self {
        let storage = Storage::connect(config, sealer()).await.unwrap();
        let fixture = Self { storage, a: verified(A), b: verified(B), database };
        fixture
            .execute(&format!(
                "INSERT INTO organizations (id, slug, name, timezone, region) VALUES
                 ('{A}', 'northgate', 'Northgate Dental', 'America/New_York', 'US'),
                 ('{B}', 'harbour', 'Harbour Law', 'Europe/London', 'GB')"
            ))
            .await;
        fixture
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.database, Database::Postgres(_))
    }

    /// The URL of the PostgreSQL database.
    pub(crate) fn url(&self) -> String {
        let Database::Postgres(database) = &self.database else { panic!("SQLite has no URL") };
        database.url()
    }

    pub(crate) fn config(&self) -> StorageConfig {
        StorageConfig::new(match &self.database {
            Database::Sqlite { path, .. } => DatabaseUrl::Sqlite(path.clone()),
            Database::Postgres(database) => database.url().parse().unwrap(),
        })
    }

    /// Opens the same database once more, with other settings.
    pub(crate) async fn reopened(&self, change: impl FnOnce(&mut StorageConfig)) -> Storage {
        let mut config = self.config();
        config.max_connections = 4;
        change(&mut config);
        Storage::connect(config, sealer()).await.unwrap()
    }

    /// Runs hand-written SQL, past every role and policy.
    pub(crate) async fn execute(&self, sql: &str) {
        match &self.database {
            Database::Sqlite { path, .. } => by_hand(path).batch_execute(sql).unwrap(),
            Database::Postgres(database) => database.execute(sql).await,
        }
    }

    /// Has every commit with a new row of a PostgreSQL table fail, after the statement has given what it gives.
    pub(crate) async fn refuse_at_commit(&self, table: &str) {
        self.execute(&format!(
            "CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'too late'; END $$;
             CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON {table}
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_late();"
        ))
        .await;
    }

    /// The one value, named `v` and of type text, that hand-written SQL gives.
    pub(crate) async fn value(&self, sql: &str) -> Option<String> {
        match &self.database {
            Database::Sqlite { path, .. } => {
                diesel::sql_query(sql).get_result::<Value>(&mut by_hand(path)).unwrap().v
            }
            Database::Postgres(database) => database.rows(sql).await.remove(0).remove(0),
        }
    }

    /// The id of a stored message.
    pub(crate) async fn event_id(&self, organization: &str, dedupe_key: &str) -> EventId {
        let sql = format!(
            "SELECT CAST(id AS text) AS v FROM webhook_events
             WHERE organization_id = '{organization}' AND dedupe_key = '{dedupe_key}'"
        );
        EventId(Uuid::parse_str(&self.value(&sql).await.unwrap()).unwrap())
    }

    /// A connection of somebody's own to the PostgreSQL database, past every role and policy, as a person opens one.
    pub(crate) async fn person(&self) -> Client {
        let Database::Postgres(database) = &self.database else { panic!("PostgreSQL has rows to lock") };
        let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Waits until a statement on the PostgreSQL database waits for a lock.
    pub(crate) async fn until_somebody_waits(&self) {
        let waiting = "SELECT CAST(count(*) AS text) AS v FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while self.value(waiting).await.as_deref() == Some("0") {
            tokio::task::yield_now().await;
        }
    }

    /// How many rows of a table fit a condition, past every role and policy.
    pub(crate) async fn count(&self, table: &str, condition: &str) -> i64 {
        let sql = format!("SELECT CAST(count(*) AS text) AS v FROM {table} WHERE {condition}");
        self.value(&sql).await.unwrap().parse().unwrap()
    }
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Nullable<Text>)]
    v: Option<String>,
}

fn by_hand(path: &std::path::Path) -> SqliteConnection {
    let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;").unwrap();
    conn
}

/// A booking of half an hour for the same person, by a tool call of its own.
pub(crate) fn booking(key: u8, seat: i16, starts_at: DateTime<Utc>) -> NewBooking<'static> {
    let ends_at = starts_at + TimeDelta::minutes(30);
    NewBooking {
        call: NewToolResult {
            key: KeyHash([key; 32]),
            vapi_call_id: "call-1",
            tool_call_id: "tool-1",
            tool: "bookAppointment",
        },
        effect: None,
        contact: NewContact { phone: Some("+15552010100"), name: Some("Ada"), ..NewContact::default() },
        service: None,
        places: vec![(Uuid::from_u128(5), seat)],
        starts_at,
        ends_at,
        blocked_until: ends_at,
        answer: ToolAnswer::Result("Booked.".into()),
        now: now(),
    }
}

pub(crate) fn sealer() -> Sealer {
    Sealer::new(MasterKey::from_base64(KEY).unwrap())
}

pub(crate) fn org(id: &str) -> OrgId {
    OrgId::new(Uuid::parse_str(id).unwrap())
}

pub(crate) fn verified(id: &str) -> VerifiedOrg {
    VerifiedOrg::for_tests(org(id))
}
