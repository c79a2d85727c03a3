//! What an organization declared of itself, read by one job.

use diesel::prelude::*;
use diesel::result::QueryResult;
use org_resolver::OrgId;

use super::dialect::Conn;
use crate::rows::{AgentRow, ClosureRow, HoursRow, NumberRow, OrgRow, ResourceRow, ServiceRow, TransferRow};
use crate::schema::{
    agents, closures, opening_hours, organizations, phone_numbers, resources, services, transfer_destinations,
};
use crate::sql_types::DbUuid;
use crate::tenants::TenantRows;

/// The rows, each list in the order of PostgreSQL's `read_tenant`; `None` when there is no such organization.
pub(super) async fn read(conn: &mut Conn, org: OrgId) -> QueryResult<Option<TenantRows>> {
    let org = DbUuid(org.as_uuid());
    let job = move |conn: &mut SqliteConnection| {
        macro_rules! rows {
            ($row:ident of $table:ident by $($order:ident),*) => {{
                let own = $table::table.filter($table::organization_id.eq(org)).select($row::as_select());
                own.order(($($table::$order,)*)).load(conn)?
            }};
        }
        let own = organizations::table.filter(organizations::id.eq(org)).select(OrgRow::as_select());
        let Some(organization) = own.first(conn).optional()? else { return Ok(None) };
        Ok(Some(TenantRows {
            organization,
            agents: rows!(AgentRow of agents by vapi_assistant_id, id),
            numbers: rows!(NumberRow of phone_numbers by created_at, id),
            hours: rows!(HoursRow of opening_hours by weekday, opens),
            closures: rows!(ClosureRow of closures by from_date, to_date, id),
            services: rows!(ServiceRow of services by name, id),
            resources: rows!(ResourceRow of resources by name, id),
            transfers: rows!(TransferRow of transfer_destinations by department, id),
        }))
    };
    conn.spawn_blocking(job).await
}
