//! The queries for operators' declarations: those of some organizations, or of all.

use diesel::prelude::*;

use super::run::Rows;
use crate::rows::{
    AgentRow, ClosureRow, ConfigurationRow, HoursRow, KnowledgeRow, MappingRow, NumberRow, OrgRow,
    ResourceRow, SecretRow, ServiceRow, TransferRow,
};
use crate::schema::{
    agents, closures, credentials, customer_configurations, knowledge_documents, opening_hours,
    organizations, phone_number_mapping, phone_numbers, resources, services, transfer_destinations,
};
use crate::sql_types::DbUuid;

/// Declares the queries of tables: for the rows of the organizations that are named, or of every one.
macro_rules! tables {
    ($($name:ident = $row:ident of $table:ident by $owner:ident, $order:expr;)*) => {$(
        pub(crate) fn $name(only: Option<&[DbUuid]>) -> impl Rows<$row> {
            let rows = $table::table.order($order).select($row::as_select()).into_boxed();
            match only {
                // Unlike a list, which SQLite writes out, one value leaves the text as it is, so that it stays prepared.
                Some([org]) => rows.filter($table::$owner.eq(*org)),
                Some(orgs) => rows.filter($table::$owner.eq_any(orgs)),
                None => rows,
            }
        }
    )*};
}

// By what they are known; where two rows may say the same, the one that was there first counts.
tables! {
    profiles = OrgRow of organizations by id, organizations::id;
    agents = AgentRow of agents by organization_id, (agents::vapi_assistant_id, agents::id);
    configurations = ConfigurationRow of customer_configurations by organization_id,
        (customer_configurations::created_at, customer_configurations::id);
    numbers = NumberRow of phone_numbers by organization_id, (phone_numbers::created_at, phone_numbers::id);
    mappings = MappingRow of phone_number_mapping by organization_id,
        (phone_number_mapping::created_at, phone_number_mapping::id);
    credentials = SecretRow of credentials by organization_id, (credentials::label, credentials::id);
    services = ServiceRow of services by organization_id, (services::name, services::id);
    resources = ResourceRow of resources by organization_id, (resources::name, resources::id);
    hours = HoursRow of opening_hours by organization_id, (opening_hours::weekday, opening_hours::opens);
    closures = ClosureRow of closures by organization_id,
        (closures::from_date, closures::to_date, closures::id);
    transfers = TransferRow of transfer_destinations by organization_id,
        (transfer_destinations::department, transfer_destinations::id);
    knowledge = KnowledgeRow of knowledge_documents by organization_id,
        (knowledge_documents::path, knowledge_documents::id);
}
