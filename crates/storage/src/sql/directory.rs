//! Reads of the directory: identifiers, pins, keys.

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel_async::RunQueryDsl;
use org_resolver::{LookupKey, OrgId};

use super::Conn;
use crate::backend::{AccessRow, CredentialRow, OwnerRow};
use crate::schema::{__diesel_schema_migrations, call_pins, credentials, identifiers, organizations};
use crate::sql_types::{DbJson, DbTime, DbUuid};

type OwnerColumns = (String, String, DbUuid, bool, DbTime, Option<DbTime>);
type OrgColumns = (bool, Option<String>, bool, DbJson, String);
type CredentialColumns = (DbUuid, String, DbJson, Vec<u8>, String, Option<DbTime>, Option<DbTime>);

/// Every row of every key. Kinds and values are matched apart, so that the statement is the same for any number of
/// keys; the caller takes the pairs that it asked for.
pub(super) async fn owners(conn: &mut Conn, keys: &[LookupKey]) -> QueryResult<Vec<OwnerRow>> {
    let mut kinds: Vec<&str> = keys.iter().map(|key| key.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut values: Vec<&str> = keys.iter().map(|key| &*key.value).collect();
    values.sort_unstable();
    values.dedup();
    let rows = identifiers::table
        .filter(identifiers::kind.eq_any(kinds))
        .filter(identifiers::value.eq_any(values))
        .order((identifiers::valid_from.asc(), identifiers::id.asc()))
        .select((
            identifiers::kind,
            identifiers::value,
            identifiers::organization_id,
            identifiers::is_active,
            identifiers::valid_from,
            identifiers::valid_to,
        ))
        .load::<OwnerColumns>(conn)
        .await?;
    let read = |(kind, value, org, is_active, valid_from, valid_to): OwnerColumns| OwnerRow {
        kind,
        value,
        org: org.0,
        is_active,
        valid_from: valid_from.0,
        valid_to: valid_to.map(|at| at.0),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// The organizations that pinned a call.
pub(super) async fn pins(conn: &mut Conn, call_id: &str) -> QueryResult<Vec<OrgId>> {
    let rows = call_pins::table
        .filter(call_pins::vapi_call_id.eq(call_id))
        .order(call_pins::organization_id.asc())
        // Two already make a miss.
        .limit(8)
        .select(call_pins::organization_id)
        .load::<DbUuid>(conn)
        .await?;
    Ok(rows.into_iter().map(|org| OrgId::new(org.0)).collect())
}

/// An organization with its credentials, in one statement: state and keys are of one moment.
pub(super) async fn access(conn: &mut Conn, org: OrgId) -> QueryResult<Option<AccessRow>> {
    let rows = organizations::table
        .left_join(credentials::table.on(credentials::organization_id.eq(organizations::id)))
        .filter(organizations::id.eq(DbUuid(org.as_uuid())))
        .order((credentials::created_at.asc(), credentials::id.asc()))
        .select((
            (
                organizations::is_active,
                organizations::vapi_org_id,
                organizations::has_own_credentials,
                organizations::limits,
                organizations::primary_language,
            ),
            (
                credentials::id,
                credentials::label,
                credentials::recipe,
                credentials::sealed_secret,
                credentials::sealing_key_id,
                credentials::not_before,
                credentials::not_after,
            )
                .nullable(),
        ))
        .load::<(OrgColumns, Option<CredentialColumns>)>(conn)
        .await?;
    let mut access = None;
    for ((is_active, vapi_org_id, has_own_credentials, limits, language), credential) in rows {
        let access = access.get_or_insert_with(|| AccessRow {
            is_active,
            vapi_org_id,
            has_own_credentials,
            limits: limits.0,
            language,
            credentials: Vec::new(),
        });
        if let Some((id, label, recipe, sealed_secret, sealing_key_id, not_before, not_after)) = credential {
            access.credentials.push(CredentialRow {
                id: id.0,
                label,
                recipe: recipe.0,
                sealed_secret,
                sealing_key_id,
                not_before: not_before.map(|at| at.0),
                not_after: not_after.map(|at| at.0),
            });
        }
    }
    Ok(access)
}

/// The versions of the migrations that have run.
pub(super) async fn migrations(conn: &mut Conn) -> QueryResult<Vec<String>> {
    __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(conn).await
}
