//! A transaction and its statements.

use diesel::query_builder::QueryFragment;
use diesel::result::QueryResult;
use diesel_async::SimpleAsyncConnection;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::super::dialect::Conn;
use super::super::lease::Lease;
use super::run::{self, Db, Rows};
use crate::error::StorageError;

/// A transaction. Dropped without [`commit`](Self::commit), it is rolled back with its lease.
pub(crate) struct Tx {
    lease: Lease,
    has_failed: bool,
}

impl Tx {
    /// The transaction that was begun on a connection.
    pub(crate) fn new(lease: Lease) -> Self {
        Self { lease, has_failed: false }
    }

    /// The connection, for a statement whose outcome is given to [`check`](Self::check).
    pub(crate) fn conn(&mut self) -> Result<&mut Conn, StorageError> {
        self.lease.conn()
    }

    /// Notes a statement's failure. PostgreSQL ignores what follows, and would answer COMMIT by rolling back; SQLite would
    /// go on. A scope behaves the same on both.
    pub(crate) fn check<T>(&mut self, outcome: QueryResult<T>) -> Result<T, StorageError> {
        self.has_failed |= outcome.is_err();
        outcome.map_err(StorageError::from)
    }

    /// Notes a failure beside the statements: nothing of the scope is to be kept.
    pub(crate) fn fail<T>(&mut self, error: StorageError) -> Result<T, StorageError> {
        self.has_failed = true;
        Err(error)
    }

    /// Runs a statement; gives how many rows it changed.
    pub(crate) fn execute<'a>(
        &'a mut self,
        statement: impl QueryFragment<Db> + 'a,
    ) -> BoxFuture<'a, Result<usize, StorageError>> {
        let Self { lease, has_failed } = self;
        watched(has_failed, lease.conn().map(|conn| run::execute(conn, statement)))
    }

    /// Runs a query; gives its rows.
    pub(crate) fn load<'a, R: Send + 'a>(
        &'a mut self,
        query: impl Rows<R> + 'a,
    ) -> BoxFuture<'a, Result<Vec<R>, StorageError>> {
        let Self { lease, has_failed } = self;
        watched(has_failed, lease.conn().map(|conn| run::load(conn, query)))
    }

    /// Runs a query for one row at most, such as one by its key.
    pub(crate) fn find<'a, R: Send + 'a>(
        &'a mut self,
        query: impl Rows<R> + 'a,
    ) -> BoxFuture<'a, Result<Option<R>, StorageError>> {
        let rows = self.load(query);
        async move { Ok(rows.await?.into_iter().next()) }.boxed()
    }

    /// Runs a query that has a row whatever there is, such as a count.
    pub(crate) fn value<'a, R: Send + 'a>(
        &'a mut self,
        query: impl Rows<R> + 'a,
    ) -> BoxFuture<'a, Result<R, StorageError>> {
        let row = self.find(query);
        async move { row.await?.ok_or_else(|| StorageError::rejected("a query without a row")) }.boxed()
    }

    pub(crate) async fn commit(mut self) -> Result<(), StorageError> {
        if self.has_failed {
            return Err(StorageError::rejected("a statement of the scope failed, so nothing is kept"));
        }
        self.conn()?.batch_execute("COMMIT").await?;
        self.lease.release();
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> Result<(), StorageError> {
        self.conn()?.batch_execute("ROLLBACK").await?;
        self.lease.release();
        Ok(())
    }
}

/// Waits for what was sent and notes its failure.
fn watched<'a, T: Send + 'a>(
    has_failed: &'a mut bool,
    sent: Result<BoxFuture<'a, QueryResult<T>>, StorageError>,
) -> BoxFuture<'a, Result<T, StorageError>> {
    async move {
        let outcome = sent?.await;
        *has_failed |= outcome.is_err();
        outcome.map_err(StorageError::from)
    }
    .boxed()
}
