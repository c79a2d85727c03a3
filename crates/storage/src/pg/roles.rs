//! The check at the start: a working role that could see past the policies is refused.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::dialect::Conn;
use crate::error::StorageError;

/// One row for each way around the policies, worst first.
const PROBLEMS: &str = "
WITH tenant AS (
    SELECT c.oid, c.relname, c.relowner, c.relrowsecurity AND c.relforcerowsecurity AS is_forced
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND (c.relname = 'organizations' OR EXISTS (
          SELECT FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped))
)
SELECT problem FROM (
    SELECT 1 AS rank, format('the working role %I is a superuser', rolname) AS problem
    FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL
    SELECT 2, format('the working role %I has BYPASSRLS', rolname)
    FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolbypassrls
    UNION ALL
    SELECT 3, format('the working role %I can act as %I, which could bypass row-level security', current_user, rolname)
    FROM pg_catalog.pg_roles
    WHERE rolname <> current_user AND (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER')
    UNION ALL
    SELECT 4, format('the working role %I can act as the owner of table %I', current_user, relname)
    FROM tenant WHERE pg_has_role(current_user, relowner, 'MEMBER')
    UNION ALL
    SELECT 5, format('table %I does not force row-level security', relname) FROM tenant WHERE NOT is_forced
    UNION ALL
    SELECT 6, 'the database has no tables yet: run `vapi-gateway migrate`' WHERE NOT EXISTS (SELECT FROM tenant)
) found ORDER BY rank, problem LIMIT 1";

#[derive(QueryableByName)]
struct Problem {
    #[diesel(sql_type = Text)]
    problem: String,
}

/// Refuses a role that could bypass the policies.
pub(super) async fn refuse_unsafe(conn: &mut Conn) -> Result<(), StorageError> {
    let problems = diesel::sql_query(PROBLEMS).load::<Problem>(conn).await?;
    match problems.into_iter().next() {
        None => Ok(()),
        Some(Problem { problem }) => Err(StorageError::Configuration(problem)),
    }
}
