//! The rows of one organization, in the form of the organizations file.

use std::collections::HashSet;
use std::error::Error;

use chrono::{NaiveDate, Weekday};
use org_resolver::OrgId;
use scheduling::{Closure, OpeningHours, Resource, Service};
use serde::Deserialize;
use serde_json::Value;
use signature::{Scheme, SecretKey};
use tenant::phone::{Region, normalise};
use tenant::{
    Assistant, CredentialSpec, Document, Limits, Organization, PhoneNumber, Profile, Retention, Route,
    Settings, Transfer, hours_from_value,
};
use uuid::Uuid;

use crate::error::StorageError;
use crate::recipe;
use crate::rows::{
    AgentRow, ClosureRow, HoursRow, KnowledgeRow, MappingRow, NumberRow, OrgRow, ResourceRow, Rows,
    SecretRow, ServiceRow, TransferRow,
};
use crate::seal::{Purpose, Sealer};

/// An organization with the rows that say what it is.
pub(crate) struct Stored {
    pub(crate) organization: Organization,
    /// For each of the organization's numbers its row in `phone_numbers`; `None` where only a mapping names it.
    pub(crate) number_rows: Vec<Option<Uuid>>,
    pub(crate) rows: Rows,
}

impl Stored {
    /// The organization's numbers with their rows.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (&PhoneNumber, Option<Uuid>)> {
        self.organization.phone_numbers.iter().zip(self.number_rows.iter().copied())
    }

    /// Reads the rows.
    pub(crate) fn read(org: OrgRow, rows: Rows, sealer: &Sealer) -> Result<Self, StorageError> {
        let id = org.id;
        let profile = profile(&org)?;
        let (phone_numbers, number_rows) = numbers(&rows, profile.region)?;
        let organization = Organization {
            id,
            slug: org.slug.unwrap_or_else(|| id.to_string()),
            active: org.is_active,
            vapi_org_id: org.vapi_org_id.as_deref().and_then(identifier),
            assistants: assistants(&rows),
            squads: squads(&rows),
            phone_numbers,
            credentials: rows.credentials.iter().filter_map(|row| credential(row, sealer)).collect(),
            services: rows.services.iter().map(service).collect::<Result<_, _>>()?,
            resources: rows.resources.iter().map(resource).collect::<Result<_, _>>()?,
            opening_hours: opening_hours(&rows.hours, id)?,
            closures: rows.closures.iter().map(closure).collect::<Result<_, _>>()?,
            transfers: rows.transfers.iter().map(transfer).collect::<Result<_, _>>()?,
            knowledge: rows.knowledge.iter().map(document).collect(),
            limits: Limits::read(&org.limits),
            retention: Retention::read(&org.retention),
            profile,
        };
        Ok(Self { organization, number_rows, rows })
    }
}

/// An id without blanks around it; empty ones and the wildcard name nothing, here as in the triggers.
pub(crate) fn identifier(raw: &str) -> Option<String> {
    let id = raw.trim();
    (!id.is_empty() && id != "*").then(|| id.to_owned())
}

/// A stored number or SIP URI in its normal form.
pub(crate) fn line(raw: Option<&str>, region: Region) -> Option<String> {
    normalise(&identifier(raw?)?, Some(region))
}

fn assistants(rows: &Rows) -> Vec<Assistant> {
    let mut seen = HashSet::new();
    let mut assistants = Vec::new();
    let own = rows.agents.iter().filter(|row| row.is_active);
    let own = own.map(|row| (identifier(&row.vapi_assistant_id), row.name.as_str(), row.role.as_str()));
    let mapped = rows.configurations.iter().filter(|row| row.is_active);
    let mapped = mapped.map(|row| (row.vapi_assistant_id.as_deref().and_then(identifier), "", ""));
    for (id, name, role) in own.chain(mapped) {
        let Some(id) = id else { continue };
        if seen.insert(id.clone()) {
            assistants.push(Assistant { id, name: name.to_owned(), role: role.to_owned() });
        }
    }
    assistants
}

/// A row of `agents`.
pub(crate) fn assistant(row: AgentRow) -> Assistant {
    Assistant { id: row.vapi_assistant_id, name: row.name, role: row.role }
}

fn squads(rows: &Rows) -> Vec<String> {
    let mut seen = HashSet::new();
    let active = rows.configurations.iter().filter(|row| row.is_active);
    let squads = active.filter_map(|row| row.vapi_squad_id.as_deref().and_then(identifier));
    squads.filter(|squad| seen.insert(squad.clone())).collect()
}

/// The numbers with their rows: those of `phone_numbers`, then what only a mapping names.
fn numbers(rows: &Rows, region: Region) -> Result<(Vec<PhoneNumber>, Vec<Option<Uuid>>), StorageError> {
    let mut numbers = Vec::new();
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    for row in rows.numbers.iter().filter(|row| row.is_active) {
        let number = number(row, region)?;
        let names = number.id.iter().chain(&number.number).chain(&number.sip_uri);
        // A second row that names nothing new adds nothing.
        if names.fold(false, |is_new, name| seen.insert(name.clone()) | is_new) {
            numbers.push(number);
            ids.push(Some(row.id));
        }
    }
    let mapped = rows.mappings.iter().filter(|row| row.is_active).map(|row| mapping(row, region));
    let configured = rows.configurations.iter().filter(|row| row.is_active);
    let configured = configured.map(|row| unnamed(line(row.vapi_phone_number.as_deref(), region)));
    for mut number in mapped.chain(configured) {
        for part in [&mut number.id, &mut number.number, &mut number.sip_uri] {
            if part.as_ref().is_some_and(|name| !seen.insert(name.clone())) {
                *part = None;
            }
        }
        if number.key().is_some() {
            numbers.push(number);
            ids.push(None);
        }
    }
    Ok((numbers, ids))
}

/// A row of `phone_numbers`.
pub(crate) fn number(row: &NumberRow, region: Region) -> Result<PhoneNumber, StorageError> {
    let route = match &row.route {
        None | Some(Value::Null) => None,
        Some(route) => Route::deserialize(route)
            .map(Some)
            .map_err(|_cause| StorageError::inconsistent("phone_numbers", "route", &row.id))?,
    };
    Ok(PhoneNumber {
        id: row.provider_phone_id.as_deref().and_then(identifier),
        number: line(row.number.as_deref(), region),
        sip_uri: line(row.sip_uri.as_deref(), region),
        label: row.label.clone(),
        route,
        fallback_assistant: row.fallback_assistant_id.clone(),
    })
}

fn mapping(row: &MappingRow, region: Region) -> PhoneNumber {
    PhoneNumber {
        id: row.vapi_phone_number_id.as_deref().and_then(identifier),
        label: row.clinic_name.clone(),
        ..unnamed(line(Some(&row.inbound_phone_number), region))
    }
}

fn unnamed(line: Option<String>) -> PhoneNumber {
    let (number, sip_uri) = match line {
        Some(line) if line.starts_with('+') => (Some(line), None),
        other => (None, other),
    };
    PhoneNumber { id: None, number, sip_uri, label: String::new(), route: None, fallback_assistant: None }
}

fn credential(row: &SecretRow, sealer: &Sealer) -> Option<CredentialSpec> {
    let log = |error: &dyn Error| {
        let (org_id, credential) = (row.organization_id, row.id);
        tracing::error!(%org_id, %credential, %error, "a stored credential cannot be used");
    };
    let scheme = recipe::decode(&row.recipe).inspect_err(|error| log(error)).ok()?;
    Some(CredentialSpec {
        label: row.label.clone(),
        secret: secret(row, &scheme, sealer).inspect_err(|error| log(&**error)).ok(),
        scheme,
        not_before: row.not_before,
        not_after: row.not_after,
    })
}

/// A credential's secret in the clear. It opens with the recipe and the validity that it was sealed with, and no others.
pub(crate) fn secret(row: &SecretRow, scheme: &Scheme, sealer: &Sealer) -> Result<SecretKey, Box<dyn Error>> {
    let terms = recipe::terms(scheme, row.not_before, row.not_after)?;
    let (org, purpose) = (OrgId::new(row.organization_id), Purpose::Credential(row.id, &terms));
    let opened = sealer.open(org, purpose, &row.sealed_secret, &row.sealing_key_id)?;
    Ok(SecretKey::new(opened.as_slice())?)
}

/// A row of `services`.
pub(crate) fn service(row: &ServiceRow) -> Result<Service, StorageError> {
    let lengths = u16::try_from(row.minutes).ok().zip(u16::try_from(row.buffer_minutes).ok());
    let (minutes, buffer_minutes) =
        lengths.ok_or_else(|| StorageError::inconsistent("services", "minutes", &row.id))?;
    Ok(Service { name: row.name.clone(), minutes, buffer_minutes, resources: Vec::new() })
}

/// A row of `resources`.
pub(crate) fn resource(row: &ResourceRow) -> Result<Resource, StorageError> {
    let capacity = u16::try_from(row.capacity).ok();
    let capacity = capacity.ok_or_else(|| StorageError::inconsistent("resources", "capacity", &row.id))?;
    Ok(Resource { id: row.id, name: row.name.clone(), capacity })
}

/// The rows of `opening_hours`; `None` where there is none.
pub(crate) fn opening_hours(rows: &[HoursRow], org: Uuid) -> Result<Option<OpeningHours>, StorageError> {
    if rows.is_empty() {
        return Ok(None);
    }
    let corrupt = || StorageError::inconsistent("opening_hours", "opens", &org);
    let mut ranges = Vec::new();
    for row in rows {
        // The column counts from 1, chrono from 0.
        let day = u8::try_from(row.weekday - 1).ok().and_then(|day| Weekday::try_from(day).ok());
        let range = format!("{}-{}", row.opens, row.closes).parse().ok();
        ranges.push(day.zip(range).ok_or_else(corrupt)?);
    }
    OpeningHours::from_rows(ranges).ok().map(Some).ok_or_else(corrupt)
}

/// A row of `closures`.
pub(crate) fn closure(row: &ClosureRow) -> Result<Closure, StorageError> {
    let civil_date = |text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let dates = civil_date(&row.from_date).zip(civil_date(&row.to_date));
    let (from, to) = dates.ok_or_else(|| StorageError::inconsistent("closures", "from_date", &row.id))?;
    Ok(Closure { from, to, reason: row.reason.clone() })
}

/// A row of `transfer_destinations`.
pub(crate) fn transfer(row: &TransferRow) -> Result<Transfer, StorageError> {
    let hours =
        match &row.opening_hours {
            None | Some(Value::Null) => None,
            Some(hours) => Some(hours_from_value(hours).ok_or_else(|| {
                StorageError::inconsistent("transfer_destinations", "opening_hours", &row.id)
            })?),
        };
    Ok(Transfer {
        department: row.department.clone(),
        number: row.number.clone(),
        sip_uri: row.sip_uri.clone(),
        opening_hours: hours,
    })
}

/// A row of `knowledge_documents`.
pub(crate) fn document(row: &KnowledgeRow) -> Document {
    Document { path: row.path.clone(), title: row.title.clone(), content: row.content.clone() }
}

/// The profile in a row of `organizations`.
pub(crate) fn profile(row: &OrgRow) -> Result<Profile, StorageError> {
    let corrupt = |column| StorageError::inconsistent("organizations", column, &row.id);
    let Value::Object(settings) = &row.settings else { return Err(corrupt("settings")) };
    Ok(Profile {
        name: row.name.clone(),
        timezone: row.timezone.parse().ok().ok_or_else(|| corrupt("timezone"))?,
        region: row.region.parse().ok().ok_or_else(|| corrupt("region"))?,
        primary_language: row.primary_language.clone(),
        secondary_languages: row.secondary_languages.0.clone(),
        settings: Settings::read(settings.clone()),
    })
}
