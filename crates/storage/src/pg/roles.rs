//! The check at the start: a role that could see past the policies is refused, with the sentence that mends it.

use diesel::QueryableByName;
use diesel::sql_types::{Array, Bool, Text};
use diesel_async::RunQueryDsl;

use super::dialect::Conn;
use crate::error::StorageError;

/// One row for each way around the policies, worst first. `$1` says what the role is for, `$2` which roles it must not be,
/// `$3` whether it works inside organizations.
const PROBLEMS: &str = "
WITH tenant AS (
    SELECT c.oid, c.relname, c.relowner, c.relrowsecurity AND c.relforcerowsecurity AS is_forced,
           CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END AS owner
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND (c.relname = 'organizations' OR EXISTS (
          SELECT FROM pg_catalog.pg_attribute a
          WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped))
), reached AS (
    SELECT r.oid, r.rolname, r.rolname = current_user AS is_self, a.power, a.has_it
    FROM pg_catalog.pg_roles r, LATERAL (VALUES
        ('SUPERUSER', r.rolsuper), ('BYPASSRLS', r.rolbypassrls), ('CREATEROLE', r.rolcreaterole),
        ('REPLICATION', r.rolreplication)) AS a (power, has_it)
    WHERE pg_has_role(current_user, r.oid, 'MEMBER')
), applied AS (
    SELECT t.oid, t.relname, t.owner, p.polname, p.polpermissive AND p.polcmd = '*' AS is_whole, p.polpermissive,
           pg_get_expr(p.polqual, p.polrelid) AS seen, pg_get_expr(p.polwithcheck, p.polrelid) AS written,
           format('(%I = (NULLIF(current_setting(''app.organization_id''::text, true), ''''::text))::uuid)', t.owner) AS own
    FROM tenant t JOIN pg_catalog.pg_policy p ON p.polrelid = t.oid
    WHERE p.polroles && ARRAY(SELECT 0::oid UNION SELECT oid FROM reached)
), isolation AS (
    SELECT 'USING (%1$I = nullif(current_setting(''app.organization_id'', true), '''')::uuid)'
        || ' WITH CHECK (%1$I = nullif(current_setting(''app.organization_id'', true), '''')::uuid)' AS rule
)
SELECT problem FROM (
    SELECT CASE power WHEN 'SUPERUSER' THEN 1 ELSE 2 END AS rank, CASE
        WHEN is_self AND power = 'SUPERUSER' THEN format('the %s %I is a superuser: give it a login that is none', $1, rolname)
        WHEN is_self THEN format('the %s %I has %s: ALTER ROLE %I NO%s', $1, rolname, power, rolname, power)
        ELSE format('the %s %I can act as %I, which has %s: REVOKE %I FROM %I', $1, current_user, rolname, power, rolname, current_user)
    END AS problem
    FROM reached WHERE has_it
    UNION ALL
    SELECT 3, format('the %s %I can act as %I, which sees more than it may: REVOKE %I FROM %I, and give each role a login of its own', $1, current_user, rolname, rolname, current_user)
    FROM reached WHERE NOT is_self AND rolname = ANY ($2)
    UNION ALL
    SELECT 4, format('the %s %I can act as the owner of table %I: ALTER TABLE %I OWNER TO gateway_owner', $1, current_user, relname, relname)
    FROM tenant WHERE pg_has_role(current_user, relowner, 'MEMBER')
    UNION ALL
    SELECT 5, format('table %I does not force row-level security: ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
                     relname, relname)
    FROM tenant WHERE $3 AND NOT is_forced
    UNION ALL
    SELECT 6, CASE polname
        WHEN 'org_isolation' THEN format('policy org_isolation on table %I is not as it was made: ALTER POLICY org_isolation ON %I ', relname, relname)
            || format(rule, owner)
        ELSE format('policy %I on table %I shows %I more than its organization: DROP POLICY %I ON %I', polname, relname, current_user, polname, relname)
    END
    FROM applied, isolation
    WHERE $3 AND polpermissive AND NOT (is_whole AND seen IS NOT DISTINCT FROM own AND written IS NOT DISTINCT FROM own)
    UNION ALL
    SELECT 7, format('table %I has no policy for gateway_app: CREATE POLICY org_isolation ON %I FOR ALL TO gateway_app ', relname, relname)
            || format(rule, owner)
    FROM tenant t, isolation
    WHERE $3 AND EXISTS (SELECT FROM reached r WHERE r.rolname = 'gateway_app')
      AND NOT EXISTS (SELECT FROM applied a WHERE a.oid = t.oid AND a.is_whole)
    UNION ALL
    SELECT 8, 'the database has no tables yet: run `vapi-gateway migrate`' WHERE NOT EXISTS (SELECT FROM tenant)
) found ORDER BY rank, problem LIMIT 1";

/// Roles of the server itself that read or write past every policy.
const WIDE: [&str; 5] = [
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_execute_server_program",
];

#[derive(QueryableByName)]
struct Problem {
    #[diesel(sql_type = Text)]
    problem: String,
}

/// Refuses a working role that could bypass the policies, and policies that are not those of the migrations.
pub(super) async fn refuse_unsafe_app(conn: &mut Conn) -> Result<(), StorageError> {
    refuse(conn, "working role", &["gateway_owner", "gateway_operator", "gateway_directory"], true).await
}

/// Refuses a role for the directory that could see what stands in an organization.
pub(super) async fn refuse_unsafe_directory(conn: &mut Conn) -> Result<(), StorageError> {
    refuse(conn, "directory's role", &["gateway_owner", "gateway_operator", "gateway_app"], false).await
}

async fn refuse(conn: &mut Conn, purpose: &str, others: &[&str], is_app: bool) -> Result<(), StorageError> {
    let others: Vec<&str> = others.iter().chain(&WIDE).copied().collect();
    let problems = diesel::sql_query(PROBLEMS)
        .bind::<Text, _>(purpose)
        .bind::<Array<Text>, _>(others)
        .bind::<Bool, _>(is_app)
        .load::<Problem>(conn)
        .await?;
    match problems.into_iter().next() {
        None => Ok(()),
        Some(Problem { problem }) => Err(StorageError::Configuration(problem)),
    }
}
