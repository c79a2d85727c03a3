//! What the operator declared.

use async_trait::async_trait;
use chrono::Weekday;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use scheduling::{Calendar, Closure, OpenRange, OpeningHours, Resource, Service};
use serde_json::Value;

use super::scope::Scope;
use crate::error::StorageError;
use crate::repo::{Agent, KnowledgeDocument, OrgProfile, PhoneNumber, Profile, Route, TransferDestination};
use crate::schema::{
    agents, closures, knowledge_documents, opening_hours, organizations, phone_numbers, resources, services,
    transfer_destinations,
};
use crate::sql_types::{DbJson, DbTextList, DbUuid, civil_date};
use crate::text::clean;

#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations)]
struct OrgRow {
    name: String,
    timezone: String,
    region: String,
    primary_language: String,
    secondary_languages: DbTextList,
    settings: DbJson,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = phone_numbers)]
struct PhoneNumberRow {
    id: DbUuid,
    provider_phone_id: Option<String>,
    number: Option<String>,
    sip_uri: Option<String>,
    route: Option<DbJson>,
    fallback_assistant_id: Option<String>,
}

#[async_trait]
impl Profile for Scope {
    async fn profile(&mut self) -> Result<OrgProfile, StorageError> {
        let row = self.organization().await?;
        Ok(OrgProfile {
            timezone: self.timezone(&row)?,
            region: row.region.parse().map_err(|_cause| self.inconsistent("region"))?,
            name: row.name,
            primary_language: row.primary_language,
            secondary_languages: row.secondary_languages.0,
            settings: row.settings.0,
        })
    }

    async fn calendar(&mut self) -> Result<Calendar, StorageError> {
        let row = self.organization().await?;
        let mut calendar = Calendar::new(self.timezone(&row)?);
        calendar.opening_hours = self.opening_hours().await?;
        calendar.closures = self.closures().await?;
        calendar.services = self.services().await?;
        calendar.resources = self.resources().await?;
        let days_ahead = row.settings.0.get("booking_days_ahead").and_then(Value::as_u64);
        if let Some(days) = days_ahead {
            calendar.booking_days_ahead =
                u16::try_from(days).map_err(|_cause| self.inconsistent("settings"))?;
        }
        Ok(calendar)
    }

    async fn agent(&mut self, vapi_assistant_id: &str) -> Result<Option<Agent>, StorageError> {
        // Ids are normalised by trimming only, here as in the trigger that maps them.
        let found = agents::table
            .filter(agents::organization_id.eq(self.org))
            .filter(agents::vapi_assistant_id.eq(clean(vapi_assistant_id.trim())))
            .filter(agents::is_active.eq(true))
            .select((agents::vapi_assistant_id, agents::name, agents::role))
            .first::<(String, String, String)>(self.tx.conn()?)
            .await
            .optional();
        Ok(self.tx.check(found)?.map(read_agent))
    }

    async fn agents(&mut self) -> Result<Vec<Agent>, StorageError> {
        let found = agents::table
            .filter(agents::organization_id.eq(self.org))
            .filter(agents::is_active.eq(true))
            .order((agents::name.asc(), agents::vapi_assistant_id.asc()))
            .select((agents::vapi_assistant_id, agents::name, agents::role))
            .load::<(String, String, String)>(self.tx.conn()?)
            .await;
        Ok(self.tx.check(found)?.into_iter().map(read_agent).collect())
    }

    async fn phone_numbers(&mut self) -> Result<Vec<PhoneNumber>, StorageError> {
        let found = phone_numbers::table
            .filter(phone_numbers::organization_id.eq(self.org))
            .filter(phone_numbers::is_active.eq(true))
            .order((phone_numbers::created_at.asc(), phone_numbers::id.asc()))
            .select(PhoneNumberRow::as_select())
            .load(self.tx.conn()?)
            .await;
        self.tx.check(found)?.into_iter().map(PhoneNumber::try_from).collect()
    }

    async fn transfer_destinations(&mut self) -> Result<Vec<TransferDestination>, StorageError> {
        let found = transfer_destinations::table
            .filter(transfer_destinations::organization_id.eq(self.org))
            .order(transfer_destinations::department.asc())
            .select((
                transfer_destinations::department,
                transfer_destinations::number,
                transfer_destinations::sip_uri,
                transfer_destinations::opening_hours,
            ))
            .load::<(String, Option<String>, Option<String>, Option<DbJson>)>(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?.into_iter();
        let read = |(department, number, sip_uri, hours): (_, _, _, Option<DbJson>)| TransferDestination {
            department,
            number,
            sip_uri,
            opening_hours: hours.map(|hours| hours.0),
        };
        Ok(rows.map(read).collect())
    }

    async fn knowledge(&mut self) -> Result<Vec<KnowledgeDocument>, StorageError> {
        let found = knowledge_documents::table
            .filter(knowledge_documents::organization_id.eq(self.org))
            .order(knowledge_documents::path.asc())
            .select((knowledge_documents::path, knowledge_documents::title, knowledge_documents::content))
            .load::<(String, String, String)>(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?.into_iter();
        Ok(rows.map(|(path, title, content)| KnowledgeDocument { path, title, content }).collect())
    }
}

impl Scope {
    async fn organization(&mut self) -> Result<OrgRow, StorageError> {
        let found = organizations::table
            .filter(organizations::id.eq(self.org))
            .select(OrgRow::as_select())
            .first(self.tx.conn()?)
            .await
            .optional();
        self.tx.check(found)?.ok_or_else(|| self.inconsistent("id"))
    }

    fn timezone(&self, row: &OrgRow) -> Result<chrono_tz::Tz, StorageError> {
        row.timezone.parse().map_err(|_cause| self.inconsistent("timezone"))
    }

    async fn opening_hours(&mut self) -> Result<OpeningHours, StorageError> {
        let found = opening_hours::table
            .filter(opening_hours::organization_id.eq(self.org))
            .select((opening_hours::weekday, opening_hours::opens, opening_hours::closes))
            .load::<(i16, String, String)>(self.tx.conn()?)
            .await;
        let mut rows = Vec::new();
        for (weekday, opens, closes) in self.tx.check(found)? {
            let range: Result<OpenRange, _> = format!("{opens}-{closes}").parse();
            // The column counts from 1, chrono from 0.
            let day = u8::try_from(weekday - 1).ok().and_then(|day| Weekday::try_from(day).ok());
            match day.zip(range.ok()) {
                Some(row) => rows.push(row),
                None => return Err(self.corrupt("opening_hours", "opens")),
            }
        }
        OpeningHours::from_rows(rows).map_err(|_cause| self.corrupt("opening_hours", "opens"))
    }

    async fn closures(&mut self) -> Result<Vec<Closure>, StorageError> {
        let found = closures::table
            .filter(closures::organization_id.eq(self.org))
            .order((closures::from_date.asc(), closures::id.asc()))
            .select((closures::from_date, closures::to_date, closures::reason))
            .load::<(String, String, Option<String>)>(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?;
        rows.into_iter()
            .map(|(from, to, reason)| {
                let dates = civil_date(&from).zip(civil_date(&to));
                let (from, to) = dates.ok_or_else(|| self.corrupt("closures", "from_date"))?;
                Ok(Closure { from, to, reason })
            })
            .collect()
    }

    async fn services(&mut self) -> Result<Vec<Service>, StorageError> {
        let found = services::table
            .filter(services::organization_id.eq(self.org))
            .order(services::name.asc())
            .select((services::name, services::minutes, services::buffer_minutes))
            .load::<(String, i32, i32)>(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?;
        rows.into_iter()
            .map(|(name, minutes, buffer)| {
                let lengths = u16::try_from(minutes).ok().zip(u16::try_from(buffer).ok());
                let (minutes, buffer_minutes) = lengths.ok_or_else(|| self.corrupt("services", "minutes"))?;
                Ok(Service { name, minutes, buffer_minutes, resources: Vec::new() })
            })
            .collect()
    }

    async fn resources(&mut self) -> Result<Vec<Resource>, StorageError> {
        let found = resources::table
            .filter(resources::organization_id.eq(self.org))
            .order(resources::name.asc())
            .select((resources::id, resources::name, resources::capacity))
            .load::<(DbUuid, String, i32)>(self.tx.conn()?)
            .await;
        let rows = self.tx.check(found)?;
        rows.into_iter()
            .map(|(id, name, capacity)| {
                let capacity =
                    u16::try_from(capacity).map_err(|_cause| self.corrupt("resources", "capacity"))?;
                Ok(Resource { id: id.0, name, capacity })
            })
            .collect()
    }

    fn inconsistent(&self, column: &'static str) -> StorageError {
        self.corrupt("organizations", column)
    }

    /// A row of this organization that makes no sense; tables without a telling key name the organization.
    fn corrupt(&self, table: &'static str, column: &'static str) -> StorageError {
        StorageError::Inconsistent { table, column, row: self.org.0.to_string() }
    }
}

impl TryFrom<PhoneNumberRow> for PhoneNumber {
    type Error = StorageError;

    fn try_from(row: PhoneNumberRow) -> Result<Self, StorageError> {
        let route = match row.route {
            None => None,
            Some(DbJson(Value::Null)) => None,
            Some(DbJson(route)) => Some(read_route(&route).ok_or(StorageError::Inconsistent {
                table: "phone_numbers",
                column: "route",
                row: row.id.0.to_string(),
            })?),
        };
        Ok(Self {
            provider_phone_id: row.provider_phone_id,
            number: row.number,
            sip_uri: row.sip_uri,
            route,
            fallback_assistant_id: row.fallback_assistant_id,
        })
    }
}

fn read_agent((vapi_assistant_id, name, role): (String, String, String)) -> Agent {
    Agent { vapi_assistant_id, name, role }
}

/// `{"assistant": id}`, `{"squad": id}` or `{"destination": number}`, and nothing else in it.
fn read_route(route: &Value) -> Option<Route> {
    let members = route.as_object().filter(|members| members.len() == 1)?;
    let (key, target) = members.iter().next()?;
    let target = target.as_str()?.to_owned();
    match key.as_str() {
        "assistant" => Some(Route::Assistant(target)),
        "squad" => Some(Route::Squad(target)),
        "destination" => Some(Route::Destination(target)),
        _ => None,
    }
}
