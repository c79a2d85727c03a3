//! The operator's declarations.

use std::slice::from_ref;

use async_trait::async_trait;
use diesel::result::QueryResult;
use org_resolver::OrgId;
use tenant::{Document, Profile};

use super::super::dialect::Conn;
use super::load;
use super::run;
use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::Declared;
use crate::rows::OrgRow;
use crate::sql_types::DbUuid;
use crate::stored;
use crate::tenants::TenantRows;

#[async_trait]
impl Declared for Scope {
    async fn profile(&mut self) -> Result<Profile, StorageError> {
        let own = self.tx.find(load::profiles(Some(from_ref(&self.org)))).await?;
        stored::profile(&own.ok_or_else(|| StorageError::inconsistent("organizations", "id", &self.org.0))?)
    }

    async fn documents(&mut self) -> Result<Vec<Document>, StorageError> {
        let rows = self.tx.load(load::knowledge(Some(from_ref(&self.org)))).await?;
        Ok(rows.iter().map(stored::document).collect())
    }
}

/// The rows of which an organization's data in memory is made.
pub(crate) async fn tenant(conn: &mut Conn, org: OrgId) -> QueryResult<Option<(OrgRow, TenantRows)>> {
    let org = [DbUuid(org.as_uuid())];
    let own = Some(org.as_slice());
    let Some(profile) = run::load(conn, load::profiles(own)).await?.pop() else { return Ok(None) };
    let rows = TenantRows {
        agents: run::load(conn, load::agents(own)).await?,
        numbers: run::load(conn, load::numbers(own)).await?,
        hours: run::load(conn, load::hours(own)).await?,
        closures: run::load(conn, load::closures(own)).await?,
        services: run::load(conn, load::services(own)).await?,
        resources: run::load(conn, load::resources(own)).await?,
        transfers: run::load(conn, load::transfers(own)).await?,
    };
    Ok(Some((profile, rows)))
}
