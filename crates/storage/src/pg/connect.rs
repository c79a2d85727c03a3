//! Logging in: the one place where a connection gets its name, its role and its limits.

use std::time::Duration;

use diesel_async::AsyncPgConnection;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::Wishes;
use crate::classify::chain;
use crate::config::StorageConfig;
use crate::error::StorageError;

/// How long a request waits for a connection of the pool before it is told to come back.
pub(super) const POOL_WAIT: Duration = Duration::from_secs(2);

/// How long a server may take to answer a login.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often the server looks whether the client of a running statement is still there.
const CLIENT_CHECK_MS: u32 = 500;

/// The gateway's roles that a connection works as.
#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// Inside one organization's scope.
    App,
    /// Reads the directory.
    Directory,
    /// Sees every organization.
    Operator,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::App => "gateway_app",
            Self::Directory => "gateway_directory",
            Self::Operator => "gateway_operator",
        }
    }
}

/// Where and how to log in.
#[derive(Clone)]
pub(super) struct Login {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    setup: String,
    /// The roles that need the right to choose the language of messages.
    speakers: String,
    /// Connections live on the runtime that opened the store, whichever worker asks for one.
    runtime: Handle,
}

impl Login {
    pub(super) fn new(config: &StorageConfig, url: &str, role: Option<Role>) -> Result<Self, StorageError> {
        let wishes = Wishes::read(url)?;
        let mut login: Config = wishes.url.parse().map_err(|_cause| {
            // The parser's error may quote the password.
            StorageError::Configuration("the PostgreSQL URL cannot be read".to_owned())
        })?;
        login
            .ssl_mode(if wishes.is_encrypted { SslMode::Require } else { SslMode::Disable })
            .application_name(&config.application_name)
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        let mut setup = String::new();
        if let Some(role) = role {
            if config.assume_roles {
                setup.push_str(&format!("SET ROLE {};", role.name()));
            }
            let limit_ms = config.statement_timeout.as_millis();
            // A scope is never held across a wait for the network, so an idle transaction is a lost one. Statements
            // find rows by key, whatever the values: planning them anew for each array costs more than running them, and
            // so does compiling them, which the server begins with by itself where it guesses many rows or parts.
            setup.push_str(&format!(
                "SET statement_timeout = {limit_ms};SET idle_in_transaction_session_timeout = {limit_ms};\
                 SET plan_cache_mode = force_generic_plan;SET jit = off;"
            ));
        }
        let speakers = match role {
            Some(_) if config.assume_roles => "gateway_app, gateway_directory, gateway_operator".to_owned(),
            // The login works under its own name, or it migrates and the roles may not be there yet.
            _ => format!("{:?}", login.get_user().unwrap_or_default()),
        };
        let runtime = Handle::try_current().map_err(|_cause| {
            StorageError::Configuration("the store is opened inside a tokio runtime only".to_owned())
        })?;
        Ok(Self { config: login, tls: wishes.connector()?, setup, speakers, runtime })
    }

    /// Logs in. The stream drives the connection, and yields what the server says unasked.
    pub(super) async fn client(&self) -> Result<(Client, Messages), StorageError> {
        match &self.tls {
            None => {
                self.config.connect(NoTls).await.map(|(client, connection)| (client, messages(connection)))
            }
            Some(tls) => {
                let connected = self.config.connect(tls.clone()).await;
                connected.map(|(client, connection)| (client, messages(connection)))
            }
        }
        .map_err(login_failure)
    }

    /// A connection for diesel, driven by a task of its own.
    pub(super) async fn open(&self) -> Result<PgConn, StorageError> {
        let login = self.clone();
        // On its own task, so that socket and driver belong to the same runtime, and so that a request that gives up
        // waiting does not tear the login apart.
        let opened = self.runtime.spawn(async move { login.open_here().await });
        opened.await.map_err(StorageError::unavailable)?
    }

    async fn open_here(&self) -> Result<PgConn, StorageError> {
        let (client, messages) = self.client().await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = messages.try_for_each(|_| async { Ok(()) }).await {
                tracing::debug!(error = chain(&error), "a database connection ended");
            }
        });
        client.batch_execute(&self.setup).await.map_err(login_failure)?;
        speak_english(&client, &self.speakers).await?;
        // Servers on systems that cannot tell refuse the setting; statements of lost clients then run to their limit.
        let check = format!("SET client_connection_check_interval = {CLIENT_CHECK_MS}");
        if let Err(error) = client.batch_execute(&check).await {
            tracing::debug!(error = chain(&error), "the server does not look after its clients");
        }
        let conn = AsyncPgConnection::try_from(client).await.map_err(StorageError::unavailable)?;
        Ok(PgConn { conn, driver, uses: 0 })
    }
}

/// Has the server write its messages in English, because failures are told apart by them where the driver hides their
/// codes. A role that may not set this is served where the messages are English anyway.
async fn speak_english(client: &Client, speakers: &str) -> Result<(), StorageError> {
    let Err(error) = client.batch_execute("SET lc_messages = 'C'").await else { return Ok(()) };
    match error.as_db_error() {
        // The refusal itself shows the language.
        Some(refusal) if *refusal.code() == SqlState::INSUFFICIENT_PRIVILEGE => {
            if refusal.message().starts_with("permission denied") {
                return Ok(());
            }
            Err(StorageError::Configuration(format!(
                "the server's messages are not English ({:?}), and the role may not change that: as a superuser, \
                 GRANT SET ON PARAMETER lc_messages TO {speakers}",
                refusal.message()
            )))
        }
        _ => Err(login_failure(error)),
    }
}

/// A connection's own messages, until it ends.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, Error>>;

fn messages<S: TlsStream + Unpin + Send + 'static>(mut connection: Connection<Socket, S>) -> Messages {
    stream::poll_fn(move |context| connection.poll_message(context)).boxed()
}

/// A connection with the task that drives it.
pub(super) struct PgConn {
    pub(super) conn: AsyncPgConnection,
    driver: JoinHandle<()>,
    /// How often it was taken from its pool.
    pub(super) uses: u64,
}

impl PgConn {
    /// Whether the server, or the way to it, is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.is_finished()
    }

    /// Closes the socket at once, whatever the connection is doing: the server rolls back.
    pub(super) fn kill(self) {
        self.driver.abort();
    }
}

/// Sorts a failed login: one that a person has to mend, or one that passes.
fn login_failure(error: Error) -> StorageError {
    let class = error.code().map(|code| code.code().chars().take(2).collect::<String>());
    match class.as_deref() {
        // Wrong password or login, no such database, missing rights, no such role.
        Some("28" | "3D" | "42" | "22") => {
            let text = error.as_db_error().map_or_else(|| error.to_string(), |db| db.message().to_owned());
            StorageError::Configuration(format!("the database refuses the login: {text}"))
        }
        _ => StorageError::unavailable(error),
    }
}
