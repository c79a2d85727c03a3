//! What the operator declared.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use scheduling::Calendar;
use tenant::phone::Region;
use tenant::{Assistant, Document, PhoneNumber, Profile, Transfer};

use super::scope::Scope;
use crate::error::StorageError;
use crate::operator::rows::{
    ClosureRow, HoursRow, KnowledgeRow, NumberRow, OrgRow, ResourceRow, ServiceRow, TransferRow,
};
use crate::operator::stored;
use crate::repo::Declared;
use crate::schema::{
    agents, closures, knowledge_documents, opening_hours, organizations, phone_numbers, resources, services,
    transfer_destinations,
};
use crate::text::clean;

/// Loads the organization's own rows of a table, in an order.
macro_rules! own {
    ($scope:expr, $row:ident of $table:ident, $order:expr $(, $condition:expr)?) => {{
        let own = $table::table.filter($table::organization_id.eq($scope.org))$(.filter($condition))?;
        let found = own.order($order).select($row::as_select()).load::<$row>($scope.tx.conn()?).await;
        $scope.tx.check(found)?
    }};
}

#[async_trait]
impl Declared for Scope {
    async fn profile(&mut self) -> Result<Profile, StorageError> {
        let found = organizations::table
            .filter(organizations::id.eq(self.org))
            .select(OrgRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        let row = self.tx.check(found)?;
        let gone = || stored::inconsistent("organizations", "id", self.org.0);
        stored::profile(&row.ok_or_else(gone)?)
    }

    async fn calendar(&mut self) -> Result<Calendar, StorageError> {
        let mut calendar = self.profile().await?.calendar();
        let hours = own!(self, HoursRow of opening_hours, (opening_hours::weekday, opening_hours::opens));
        calendar.opening_hours = stored::opening_hours(&hours, self.org.0)?.unwrap_or_default();
        let rows = own!(self, ClosureRow of closures, (closures::from_date, closures::id));
        calendar.closures = rows.iter().map(stored::closure).collect::<Result<_, _>>()?;
        let rows = own!(self, ServiceRow of services, services::name);
        calendar.services = rows.iter().map(stored::service).collect::<Result<_, _>>()?;
        let rows = own!(self, ResourceRow of resources, resources::name);
        calendar.resources = rows.iter().map(stored::resource).collect::<Result<_, _>>()?;
        Ok(calendar)
    }

    async fn assistant(&mut self, id: &str) -> Result<Option<Assistant>, StorageError> {
        // Ids are normalised by trimming only, here as in the trigger that maps them.
        let found = agents::table
            .filter(agents::organization_id.eq(self.org))
            .filter(agents::vapi_assistant_id.eq(clean(id.trim())))
            .filter(agents::is_active.eq(true))
            .select((agents::vapi_assistant_id, agents::name, agents::role))
            .first::<(String, String, String)>(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(assistant))
    }

    async fn assistants(&mut self) -> Result<Vec<Assistant>, StorageError> {
        let found = agents::table
            .filter(agents::organization_id.eq(self.org))
            .filter(agents::is_active.eq(true))
            .order((agents::name, agents::vapi_assistant_id))
            .select((agents::vapi_assistant_id, agents::name, agents::role))
            .load::<(String, String, String)>(self.tx.conn()?)
            .await;
        Ok(self.tx.check(found)?.into_iter().map(assistant).collect())
    }

    async fn phone_numbers(&mut self, region: Region) -> Result<Vec<PhoneNumber>, StorageError> {
        let order = (phone_numbers::created_at, phone_numbers::id);
        let rows = own!(self, NumberRow of phone_numbers, order, phone_numbers::is_active.eq(true));
        rows.iter().map(|row| stored::number(row, region)).collect()
    }

    async fn transfers(&mut self) -> Result<Vec<Transfer>, StorageError> {
        let rows = own!(self, TransferRow of transfer_destinations, transfer_destinations::department);
        rows.iter().map(stored::transfer).collect()
    }

    async fn documents(&mut self) -> Result<Vec<Document>, StorageError> {
        let rows = own!(self, KnowledgeRow of knowledge_documents, knowledge_documents::path);
        Ok(rows.iter().map(stored::document).collect())
    }
}

fn assistant((id, name, role): (String, String, String)) -> Assistant {
    Assistant { id, name, role }
}
