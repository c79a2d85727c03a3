//! One PostgreSQL database per test, cloned from the migrated template and dropped with the value.

use std::thread;

use tokio::runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use uuid::Uuid;

use crate::pg_url::with_database;

/// The superuser's URL of the server on which the clones are made.
const SERVER_URL: &str = "GATEWAY_TEST_DATABASE_URL";

/// The name of the migrated template database on that server.
const TEMPLATE: &str = "GATEWAY_TEST_TEMPLATE";

/// The name of the migrated template whose big tables have parts.
const PARTITIONED: &str = "GATEWAY_TEST_PARTITIONED_TEMPLATE";

/// The server's locale for German messages, where it has one.
const GERMAN: &str = "GATEWAY_TEST_GERMAN";

/// A database of its own for one test, dropped with the value.
#[derive(Debug)]
pub struct TestDb {
    server_url: String,
    name: String,
}

impl TestDb {
    /// Clones the migrated template: tables, policies and grants included.
    ///
    /// `None`, with a printed line, when no server is configured: such a test is to return at once.
    ///
    /// # Panics
    /// If a server is configured and the clone cannot be made: a run that was meant to test PostgreSQL must not
    /// pass by skipping it.
    pub async fn create() -> Option<Self> {
        Self::clone_named(TEMPLATE).await
    }

    /// Like [`create`](Self::create), and the tables that grow with every call have parts.
    ///
    /// `None`, with a printed line, when no server is configured.
    ///
    /// # Panics
    /// As [`create`](Self::create).
    pub async fn create_partitioned() -> Option<Self> {
        Self::clone_named(PARTITIONED).await
    }

    /// Like [`create`](Self::create), and the server writes its messages to sessions of this database in German.
    ///
    /// `None`, with a printed line, when no server is configured, or none that knows German.
    ///
    /// # Panics
    /// As [`create`](Self::create).
    pub async fn create_german() -> Option<Self> {
        if variable(GERMAN).is_none() {
            report_skip("German messages", GERMAN);
            return None;
        }
        let database = Self::create().await?;
        let german = variable(GERMAN).unwrap_or_default();
        let set = format!("ALTER DATABASE {} SET lc_messages = '{german}'", quoted(&database.name));
        database.execute(&set).await;
        Some(database)
    }

    /// Makes an empty database, for tests of the migrations themselves.
    ///
    /// `None`, with a printed line, when no server is configured.
    ///
    /// # Panics
    /// If a server is configured and the database cannot be made.
    pub async fn create_empty() -> Option<Self> {
        // `template1` may hold what somebody put there; `template0` is as `initdb` made it.
        Some(Self::clone_of(server_url()?, "template0").await)
    }

    async fn clone_named(name: &str) -> Option<Self> {
        let server_url = server_url()?;
        let Some(template) = variable(name) else {
            panic!("{SERVER_URL} is set but {name} is not: run the tests by `cargo xtask test`");
        };
        Some(Self::clone_of(server_url, &template).await)
    }

    async fn clone_of(server_url: String, template: &str) -> Self {
        // The name's leading digits are the time of creation, so that a later run can tell what is left over.
        let name = format!("t_{}", Uuid::now_v7().simple());
        let client = connect(&server_url).await;
        let create = format!("CREATE DATABASE {} TEMPLATE {}", quoted(&name), quoted(template));
        if let Err(error) = client.batch_execute(&create).await {
            panic!("cannot clone the database {template}: {}", chain(&error));
        }
        Self { server_url, name }
    }

    /// Returns the database's URL, with the superuser's login.
    #[must_use]
    pub fn url(&self) -> String {
        with_database(&self.server_url, &self.name)
    }

    /// Returns the database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs SQL statements by hand, as superuser, on a connection of their own.
    ///
    /// # Panics
    /// If the connection or a statement fails.
    pub async fn execute(&self, sql: &str) {
        self.rows(sql).await;
    }

    /// Runs SQL statements as superuser and returns the rows as PostgreSQL prints them; a null is `None`.
    ///
    /// # Panics
    /// If the connection or a statement fails.
    pub async fn rows(&self, sql: &str) -> Vec<Vec<Option<String>>> {
        let client = connect(&self.url()).await;
        let messages = match client.simple_query(sql).await {
            Ok(messages) => messages,
            Err(error) => panic!("the statement failed: {}\n{sql}", chain(&error)),
        };
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        rows.map(|row| (0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()).collect()
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        // Dropping happens inside the test's own runtime, which cannot wait for a second one on the same thread.
        let server_url = std::mem::take(&mut self.server_url);
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&self.name));
        let outcome = thread::spawn(move || {
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => panic!("cannot start a runtime to drop a test database: {error}"),
            };
            runtime.block_on(async {
                let client = connect(&server_url).await;
                if let Err(error) = client.batch_execute(&statement).await {
                    panic!("cannot drop a test database: {}", chain(&error));
                }
            });
        })
        .join();
        // The thread has printed why. A second panic while the test unwinds would hide the test's own failure.
        assert!(outcome.is_ok() || thread::panicking(), "the database {} is left over", self.name);
    }
}

async fn connect(url: &str) -> Client {
    match tokio_postgres::connect(url, NoTls).await {
        Ok((client, connection)) => {
            // The task ends when the client is dropped; a failure reaches the client's pending query as well.
            tokio::spawn(connection);
            client
        }
        Err(error) => panic!("cannot connect to the test server: {}", chain(&error)),
    }
}

fn server_url() -> Option<String> {
    let url = variable(SERVER_URL);
    if url.is_none() {
        report_skip("PostgreSQL", SERVER_URL);
    }
    url
}

#[expect(
    clippy::print_stderr,
    reason = "the only channel of a test that skips; the runner shows it on request"
)]
fn report_skip(what: &str, variable: &str) {
    eprintln!("test-support: {variable} is not set, so this test of {what} was not run");
}

#[expect(clippy::disallowed_methods, reason = "the test runner says by environment which server to use")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Quotes an identifier for SQL.
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Prints an error with its causes: `tokio_postgres` keeps the server's words in the source.
fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
