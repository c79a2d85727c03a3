//! The operator's declarations.

use std::slice::from_ref;

use async_trait::async_trait;
use diesel::prelude::*;
use scheduling::Calendar;
use tenant::phone::Region;
use tenant::{Assistant, Document, PhoneNumber, Profile, Transfer};

use super::load;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::Declared;
use crate::rows::AgentRow;
use crate::schema::agents;
use crate::stored;
use crate::text::clean;

#[async_trait]
impl Declared for Scope {
    async fn profile(&mut self) -> Result<Profile, StorageError> {
        let rows = load::profiles(&mut self.tx, Some(from_ref(&self.org))).await?;
        let gone = || StorageError::inconsistent("organizations", "id", &self.org.0);
        stored::profile(rows.first().ok_or_else(gone)?)
    }

    async fn calendar(&mut self) -> Result<Calendar, StorageError> {
        let mut calendar = self.profile().await?.calendar();
        let Self { org, tx, .. } = self;
        let own = Some(from_ref(&*org));
        let hours = load::hours(tx, own).await?;
        calendar.opening_hours = stored::opening_hours(&hours, org.0)?.unwrap_or_default();
        let rows = load::closures(tx, own).await?;
        calendar.closures = rows.iter().map(stored::closure).collect::<Result<_, _>>()?;
        let rows = load::services(tx, own).await?;
        calendar.services = rows.iter().map(stored::service).collect::<Result<_, _>>()?;
        let rows = load::resources(tx, own).await?;
        calendar.resources = rows.iter().map(stored::resource).collect::<Result<_, _>>()?;
        Ok(calendar)
    }

    async fn assistant(&mut self, id: &str) -> Result<Option<Assistant>, StorageError> {
        // Ids are normalised by trimming only, here as in the trigger that maps them.
        let active = agents::table
            .filter(agents::organization_id.eq(self.org))
            .filter(agents::vapi_assistant_id.eq(clean(id.trim())))
            .filter(agents::is_active.eq(true))
            .limit(1)
            .select(AgentRow::as_select());
        Ok(self.tx.find(active).await?.map(stored::assistant))
    }

    async fn assistants(&mut self) -> Result<Vec<Assistant>, StorageError> {
        let active = agents::table
            .filter(agents::organization_id.eq(self.org))
            .filter(agents::is_active.eq(true))
            .order((agents::name, agents::vapi_assistant_id))
            .select(AgentRow::as_select());
        Ok(self.tx.load(active).await?.into_iter().map(stored::assistant).collect())
    }

    async fn phone_numbers(&mut self, region: Region) -> Result<Vec<PhoneNumber>, StorageError> {
        let rows = load::numbers(&mut self.tx, Some(from_ref(&self.org))).await?;
        rows.iter().filter(|row| row.is_active).map(|row| stored::number(row, region)).collect()
    }

    async fn transfers(&mut self) -> Result<Vec<Transfer>, StorageError> {
        let rows = load::transfers(&mut self.tx, Some(from_ref(&self.org))).await?;
        rows.iter().map(stored::transfer).collect()
    }

    async fn documents(&mut self) -> Result<Vec<Document>, StorageError> {
        let rows = load::knowledge(&mut self.tx, Some(from_ref(&self.org))).await?;
        Ok(rows.iter().map(stored::document).collect())
    }
}
