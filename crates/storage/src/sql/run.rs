//! Statements on their way: how they are sent is compiled once, whatever they say.
//!
//! A statement's type holds all of its text, and the futures of diesel-async hold the statement's type: proving of each
//! of them anew that it may be awaited took most of this crate's checking. Here a statement sheds its type first.

use diesel::deserialize::{self, FromSqlRow};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::CompatibleType;
use diesel::result::{Error, QueryResult};
use diesel_async::AsyncConnectionCore;
use futures::future::BoxFuture;
use futures::{FutureExt, TryStreamExt};

use super::super::dialect::Conn;

/// The database that the statements are for.
pub(crate) type Db = <Conn as AsyncConnectionCore>::Backend;

type Row = <Conn as AsyncConnectionCore>::Row<'static, 'static>;

/// A query whose rows are read as `R`.
pub(crate) trait Rows<R>: QueryFragment<Db> {
    /// Reads a row.
    const READ: fn(&Row) -> deserialize::Result<R>;
}

impl<Q, R, Columns> Rows<R> for Q
where
    Q: Query + QueryFragment<Db>,
    Q::SqlType: CompatibleType<R, Db, SqlType = Columns>,
    R: FromSqlRow<Columns, Db>,
{
    const READ: fn(&Row) -> deserialize::Result<R> = |row| R::build_from_row(row);
}

/// A statement without its type. It is prepared once a connection all the same, by its text.
struct Statement<'a>(Box<dyn QueryFragment<Db> + 'a>);

impl QueryFragment<Db> for Statement<'_> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Db>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = ();
}

/// Runs a statement; gives how many rows it changed.
pub(crate) fn execute<'a>(
    conn: &'a mut Conn,
    statement: impl QueryFragment<Db> + 'a,
) -> BoxFuture<'a, QueryResult<usize>> {
    conn.execute_returning_count(Statement(Box::new(statement)))
}

/// Runs a query; gives its rows.
pub(crate) fn load<'a, R: Send + 'a, Q: Rows<R> + 'a>(
    conn: &'a mut Conn,
    query: Q,
) -> BoxFuture<'a, QueryResult<Vec<R>>> {
    read(rows(conn, Statement(Box::new(query))), Q::READ)
}

fn rows<'a>(conn: &'a mut Conn, statement: Statement<'a>) -> BoxFuture<'a, QueryResult<Vec<Row>>> {
    let sent = conn.load(statement);
    async move { sent.await?.try_collect().await }.boxed()
}

fn read<'a, R: Send + 'a>(
    rows: BoxFuture<'a, QueryResult<Vec<Row>>>,
    read: fn(&Row) -> deserialize::Result<R>,
) -> BoxFuture<'a, QueryResult<Vec<R>>> {
    async move { rows.await?.iter().map(|row| read(row).map_err(Error::DeserializationError)).collect() }
        .boxed()
}
