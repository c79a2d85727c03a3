//! Reads of the directory: identifiers, pins, keys.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::result::QueryResult;
use org_resolver::{LookupKey, OrgId};
use uuid::Uuid;

use super::super::dialect::Conn;
use super::run::load;
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::schema::{__diesel_schema_migrations, call_pins, credentials, identifiers, organizations};
use crate::sql_types::DbUuid;

/// Every row of every key. Kinds and values are matched apart, so that the statement is the same for any number of
/// keys; the caller takes the pairs that it asked for.
pub(crate) async fn owners(conn: &mut Conn, keys: &[LookupKey]) -> QueryResult<Vec<OwnerRow>> {
    let kinds: BTreeSet<&str> = keys.iter().map(|key| key.kind.as_str()).collect();
    let values: BTreeSet<&str> = keys.iter().map(|key| &*key.value).collect();
    let owners = identifiers::table
        .filter(identifiers::kind.eq_any(kinds))
        .filter(identifiers::value.eq_any(values))
        .order((identifiers::valid_from.asc(), identifiers::id.asc()))
        .select(OwnerRow::as_select());
    load(conn, owners).await
}

/// The organizations that pinned a call.
pub(crate) async fn pins(conn: &mut Conn, call_id: &str) -> QueryResult<Vec<OrgId>> {
    let pins = call_pins::table
        .filter(call_pins::vapi_call_id.eq(call_id))
        .order(call_pins::organization_id.asc())
        // Two already make a miss.
        .limit(8)
        .select(call_pins::organization_id);
    let orgs: Vec<Uuid> = load(conn, pins).await?;
    Ok(orgs.into_iter().map(OrgId::new).collect())
}

/// An organization with its credentials, in one statement: state and keys are of one moment.
pub(crate) async fn access(conn: &mut Conn, org: OrgId) -> QueryResult<Option<(AccessRow, Vec<SecretRow>)>> {
    let own = organizations::table
        .left_join(credentials::table.on(credentials::organization_id.eq(organizations::id)))
        .filter(organizations::id.eq(DbUuid(org.as_uuid())))
        .order((credentials::created_at.asc(), credentials::id.asc()))
        .select((AccessRow::as_select(), Option::<SecretRow>::as_select()));
    let mut rows = load(conn, own).await?.into_iter();
    let Some((access, first)) = rows.next() else { return Ok(None) };
    Ok(Some((access, first.into_iter().chain(rows.filter_map(|(_, credential)| credential)).collect())))
}

/// The versions of the migrations that have run.
pub(crate) async fn migrations(conn: &mut Conn) -> QueryResult<Vec<String>> {
    load(conn, __diesel_schema_migrations::table.select(__diesel_schema_migrations::version)).await
}
