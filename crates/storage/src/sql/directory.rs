//! The directory: identifiers, pins, keys, and what is true of the deployment as a whole.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::result::QueryResult;
use org_resolver::{IdentifierKind, LookupKey, OrgId};
use serde_json::Value;
use uuid::Uuid;

use super::super::dialect::Conn;
use super::run::load;
use crate::rows::{AccessRow, OwnerRow, SecretRow};
use crate::schema::{
    __diesel_schema_migrations, call_pins, credentials, deployment, identifiers, organizations,
};
use crate::sql_types::DbUuid;

/// Organizations that are read at once.
const ORGANIZATIONS: i64 = 1000;
/// Identifiers that are read at once.
const PAGE: i64 = 10_000;

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

/// Values of a kind after one of them, in their order.
pub(crate) async fn identifiers(
    conn: &mut Conn,
    kind: IdentifierKind,
    after: &str,
) -> QueryResult<Vec<String>> {
    let page = identifiers::table
        .filter(identifiers::kind.eq(kind.as_str()))
        .filter(identifiers::value.gt(after))
        .order(identifiers::value.asc())
        .limit(PAGE)
        .select(identifiers::value);
    load(conn, page).await
}

/// Organizations after one of them, in the order of their ids, each with how long it keeps what.
pub(crate) async fn retentions(conn: &mut Conn, after: Uuid) -> QueryResult<Vec<(Uuid, Value)>> {
    let page = organizations::table
        .filter(organizations::id.gt(DbUuid(after)))
        .order(organizations::id.asc())
        .limit(ORGANIZATIONS)
        .select((organizations::id, organizations::retention));
    load(conn, page).await
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

/// What is stored of the deployment as a whole under a name.
pub(crate) async fn deployment(conn: &mut Conn, name: &str) -> QueryResult<Option<Vec<u8>>> {
    let found = deployment::table.filter(deployment::name.eq(name)).select(deployment::value);
    Ok(load(conn, found).await?.pop())
}

/// Stores it: where there is nothing, or in the place of what is there.
pub(crate) async fn put_deployment(
    conn: &mut Conn,
    name: &str,
    value: &[u8],
    replaces: bool,
) -> QueryResult<()> {
    let values = (deployment::name.eq(name), deployment::value.eq(value));
    let insert = diesel::insert_into(deployment::table).values(values).on_conflict(deployment::name);
    let put: QueryResult<Vec<String>> = if replaces {
        let update = insert.do_update().set(deployment::value.eq(value));
        load(conn, update.returning(deployment::name)).await
    } else {
        load(conn, insert.do_nothing().returning(deployment::name)).await
    };
    put.map(|_| ())
}
