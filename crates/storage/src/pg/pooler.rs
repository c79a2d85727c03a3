//! The check at the start that the sessions are the gateway's own.
//!
//! Roles, limits and the organization of a transaction are settings of a session, and so are prepared statements and the lock
//! of migrations. A pooler that gives each transaction another session loses them, or hands them to somebody else.

use futures::TryStreamExt;
use tokio::time::timeout;
use tokio_postgres::{Client, SimpleQueryMessage};

use super::connect::{CONNECT_TIMEOUT, Login};
use super::pool::is_too_many;
use crate::classify::chain;
use crate::error::StorageError;

/// Names the session: the number of a process comes again, and not at the same instant.
const SESSION: &str =
    "SELECT pid, backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_backend_pid()";

/// Refuses a pooler that keeps no session between transactions.
///
/// Two transactions of one connection are of one session, also when another connection's transaction runs beside: that takes
/// the session that was used last, or pushes the first one on to the next. A pooler of whole sessions that has none left for
/// the second connection is let pass.
pub(super) async fn refuse_transaction_pooler(login: &Login) -> Result<(), StorageError> {
    let alone = async {
        let first = connect(login).await?;
        let own = session(&first).await?;
        let is_kept = session(&first).await? == own;
        Ok::<_, StorageError>((first, own, is_kept))
    };
    let (first, own, mut is_kept) =
        timeout(CONNECT_TIMEOUT, alone).await.map_err(StorageError::unavailable)??;
    if is_kept {
        let beside = async {
            let other = connect(login).await?;
            other.batch_execute("BEGIN").await.map_err(StorageError::unavailable)?;
            let others = session(&other).await?;
            Ok::<_, StorageError>(others != own && session(&first).await? == own)
        };
        is_kept = match timeout(CONNECT_TIMEOUT, beside).await {
            Ok(Err(error)) if is_too_many(&error) => true,
            Ok(answer) => answer?,
            Err(_elapsed) => true,
        };
    }
    if is_kept {
        return Ok(());
    }
    Err(StorageError::Configuration(
        "the database URL leads to a pooler that gives each transaction another session: name the server itself, or the \
         pooler's port for whole sessions (pgbouncer: pool_mode = session; hosted databases: often 5432 in the place of 6543)"
            .to_owned(),
    ))
}

async fn connect(login: &Login) -> Result<Client, StorageError> {
    let (client, messages) = login.client().await?;
    tokio::spawn(async move {
        if let Err(error) = messages.try_for_each(|_| async { Ok(()) }).await {
            tracing::debug!(error = chain(&error), "a database connection ended");
        }
    });
    Ok(client)
}

/// The session that serves one transaction. By the simple protocol: nothing is prepared that a pooler could lose.
async fn session(client: &Client) -> Result<Vec<String>, StorageError> {
    let answer = client.simple_query(SESSION).await.map_err(StorageError::unavailable)?;
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows.flat_map(|row| (0..row.len()).filter_map(|column| row.get(column))).map(str::to_owned).collect())
}
