//! Statements that are prepared once a connection.
//!
//! diesel prepares every UPDATE and every ON CONFLICT DO UPDATE anew, because the text of some depends on their values. That
//! costs more than running them.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl, SqliteConnection};

/// A statement under the name `N`; every statement of that name has the same text.
pub(super) struct Kept<N, S>(S, PhantomData<N>);

impl<N, S> Kept<N, S> {
    pub(super) fn new(statement: S) -> Self {
        Self(statement, PhantomData)
    }
}

/// Keeps the statement that stands here, whose text is the same for all values.
macro_rules! kept {
    ($statement:expr) => {{
        struct Here;
        $crate::sqlite::kept::Kept::<Here, _>::new($statement)
    }};
}
pub(super) use kept;

impl<N: 'static, S> QueryId for Kept<N, S> {
    type QueryId = N;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<N, S: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Kept<N, S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Sqlite) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<N, S: Query> Query for Kept<N, S> {
    type SqlType = S::SqlType;
}

impl<N, S> RunQueryDsl<SqliteConnection> for Kept<N, S> {}
