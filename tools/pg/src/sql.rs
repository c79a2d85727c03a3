//! Statements on a test server, one connection each.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::runtime;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Runs statements and returns the first column of every row.
///
/// # Errors
/// If the URL is malformed, the server does not answer, or a statement fails.
pub(super) fn column(url: &str, statements: &str) -> Result<Vec<String>> {
    let mut config: Config = url.parse().context("not a PostgreSQL URL")?;
    config.connect_timeout(CONNECT).application_name("tools");
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await.context("cannot connect to PostgreSQL")?;
        let serve = tokio::spawn(connection);
        let messages = client.simple_query(statements).await;
        // Waits for the goodbye: a connection that is still open would keep its database from being cloned.
        drop(client);
        serve.await.context("the connection broke")?.ok();
        let messages = messages.with_context(|| format!("PostgreSQL refused {statements:?}"))?;
        let values = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        });
        Ok(values.collect())
    })
}
