//! A database of its own for every test.

use std::collections::BTreeMap;
use std::error::Error;

use test_support::{TestDb, with_database};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use uuid::Uuid;

/// How many rows each table has.
pub(crate) type RowCounts = BTreeMap<String, i64>;

/// The kinds of database that the gateway runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// A clone of the migrated template.
    Postgres,
    /// A new file.
    Sqlite,
}

/// A database for one test.
#[derive(Debug)]
pub(crate) enum Database {
    /// On a PostgreSQL server.
    Postgres(Postgres),
    /// In a file, which the deployment makes in its directory.
    Sqlite,
}

impl Database {
    /// Makes a database. `None`, with a printed line, when it is to be PostgreSQL and none is configured.
    #[must_use]
    pub(crate) fn create(backend: Backend) -> Option<Self> {
        match backend {
            Backend::Postgres => Postgres::create().map(Self::Postgres),
            Backend::Sqlite => Some(Self::Sqlite),
        }
    }

    /// The database's rows, where a test can read them: only through SQL on a server.
    #[must_use]
    pub(crate) fn postgres(&self) -> Option<&Postgres> {
        match self {
            Self::Postgres(postgres) => Some(postgres),
            Self::Sqlite => None,
        }
    }
}

/// A PostgreSQL database, with the superuser's eyes and hands.
#[derive(Debug)]
pub(crate) struct Postgres {
    database: TestDb,
    runtime: Runtime,
}

impl Postgres {
    /// Clones the template. `None`, with a printed line, when no server is configured.
    #[must_use]
    pub(crate) fn create() -> Option<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let database = runtime.block_on(TestDb::create())?;
        Some(Self { database, runtime })
    }

    /// The superuser's URL.
    #[must_use]
    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// The database's name.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        self.database.name()
    }

    /// Runs statements by hand, as superuser unless they say otherwise, and returns the last one's rows.
    ///
    /// # Panics
    /// If a statement fails.
    pub(crate) fn run(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.attempt(sql).unwrap_or_else(|reason| panic!("{reason}\n{sql}"))
    }

    /// Like [`Postgres::run`]; a failure is PostgreSQL's sentence.
    ///
    /// # Errors
    /// The server's message.
    pub(crate) fn attempt(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        self.query(&self.url(), sql)
    }

    /// Runs statements in a transaction of a person's own, which holds what they locked until it is dropped.
    ///
    /// # Panics
    /// If a statement fails.
    #[must_use]
    pub(crate) fn hold(&self, sql: &str) -> Held<'_> {
        let client = self.runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(&format!("BEGIN; {sql}")).await.unwrap();
            client
        });
        Held { postgres: self, client }
    }

    /// Runs statements beside the database, for those that nobody can run from inside it.
    ///
    /// # Panics
    /// If a statement fails.
    pub(crate) fn run_outside(&self, sql: &str) {
        self.query(&with_database(&self.url(), "postgres"), sql)
            .unwrap_or_else(|reason| panic!("{reason}\n{sql}"));
    }

    /// Runs a statement that gives one value.
    ///
    /// # Panics
    /// If it fails or gives anything but one row of one column.
    pub(crate) fn value(&self, sql: &str) -> Option<String> {
        let mut rows = self.run(sql);
        assert_eq!(rows.len(), 1, "one row is expected of {sql}");
        let mut row = rows.remove(0);
        assert_eq!(row.len(), 1, "one column is expected of {sql}");
        row.remove(0)
    }

    /// Runs a statement that gives one number.
    ///
    /// # Panics
    /// If it gives anything else.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.value(sql).unwrap_or_default().parse().unwrap()
    }

    /// Every table with an `organization_id` that says whose a row is; in that of refusals it is what a stranger claims.
    ///
    /// # Panics
    /// If there is none: then a loop over them would prove nothing.
    pub(crate) fn tenant_tables(&self) -> Vec<String> {
        let tables = self.names(
            "SELECT c.table_name FROM information_schema.columns c
             JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = 'public' AND c.column_name = 'organization_id' AND t.table_type = 'BASE TABLE'
                 AND c.table_name <> 'refusals'
             ORDER BY 1",
        );
        assert!(!tables.is_empty(), "no table has an organization_id");
        tables
    }

    /// The rows of every table but the one that counts what was refused: of a refused message nothing else is kept.
    pub(crate) fn row_counts(&self) -> RowCounts {
        let tables = self.names(
            "SELECT table_name FROM information_schema.tables
             WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name <> 'refusals' ORDER BY 1",
        );
        self.counts(&tables, "true")
    }

    /// The rows of one organization in every tenant table.
    pub(crate) fn row_counts_of(&self, organization: Uuid) -> RowCounts {
        self.counts(&self.tenant_tables(), &format!("organization_id = '{organization}'"))
    }

    fn counts(&self, tables: &[String], condition: &str) -> RowCounts {
        let selects: Vec<String> = tables
            .iter()
            .map(|table| format!("SELECT '{table}', count(*) FROM \"{table}\" WHERE {condition}"))
            .collect();
        let rows = self.run(&selects.join(" UNION ALL "));
        rows.into_iter()
            .map(|row| match row.as_slice() {
                [Some(table), Some(count)] => (table.clone(), count.parse().unwrap()),
                other => panic!("a table and its count are expected, not {other:?}"),
            })
            .collect()
    }

    fn names(&self, sql: &str) -> Vec<String> {
        self.run(sql).into_iter().flatten().flatten().collect()
    }

    fn query(&self, url: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, String> {
        self.runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(url, NoTls).await.map_err(|error| chain(&error))?;
            tokio::spawn(connection);
            let messages = client.simple_query(sql).await.map_err(|error| chain(&error))?;
            let mut rows = Vec::new();
            for message in messages {
                match message {
                    SimpleQueryMessage::RowDescription(_) => rows.clear(),
                    SimpleQueryMessage::Row(row) => {
                        rows.push((0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect());
                    }
                    _ => {}
                }
            }
            Ok(rows)
        })
    }
}

/// A transaction that is open.
pub(crate) struct Held<'a> {
    postgres: &'a Postgres,
    client: Client,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // A failure means that it is over.
        let _ = self.postgres.runtime.block_on(self.client.batch_execute("ROLLBACK"));
    }
}

/// The driver keeps the server's words in the source.
fn chain(error: &tokio_postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
