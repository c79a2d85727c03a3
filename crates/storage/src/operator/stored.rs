//! What the rows of one organization say, in the form of the organizations file.

use std::collections::HashSet;

use chrono::Weekday;
use manifest::{
    Assistant, CredentialSpec, KnowledgeFile, Limits, Organization, PhoneNumber, Route, Transfer,
};
use org_resolver::OrgId;
use org_resolver::phone::{Region, normalise};
use scheduling::{Closure, OpeningHours, Resource, Service};
use serde_json::{Map, Value};
use signature::SecretKey;
use uuid::Uuid;

use super::rows::{ConfigurationRow, MappingRow, NumberRow, OrgRow, Rows, SecretRow, TransferRow};
use crate::error::StorageError;
use crate::recipe;
use crate::seal::{Purpose, Sealer};
use crate::sql_types::{DbJson, DbUuid, civil_date};

/// An organization with the rows that say what it is.
pub(crate) struct Stored {
    pub(crate) organization: Organization,
    /// For each of the organization's numbers its row in `phone_numbers`; `None` where only a mapping names it.
    pub(crate) number_rows: Vec<Option<DbUuid>>,
    pub(crate) rows: Rows,
}

impl Stored {
    /// Reads the rows.
    pub(crate) fn read(org: OrgRow, rows: Rows, sealer: &Sealer) -> Result<Self, StorageError> {
        let id = org.id.0;
        let corrupt = |column| inconsistent("organizations", column, id);
        let region: Region = org.region.parse().ok().ok_or_else(|| corrupt("region"))?;
        let (phone_numbers, number_rows) = numbers(&rows, region)?;
        let DbJson(Value::Object(settings)) = org.settings else { return Err(corrupt("settings")) };
        let organization = Organization {
            id,
            slug: org.slug.unwrap_or_else(|| id.to_string()),
            name: org.name,
            timezone: org.timezone.parse().ok().ok_or_else(|| corrupt("timezone"))?,
            region,
            active: org.is_active,
            primary_language: org.primary_language,
            secondary_languages: org.secondary_languages.0,
            vapi_org_id: org.vapi_org_id.as_deref().and_then(identifier),
            assistants: assistants(&rows),
            squads: squads(&rows),
            phone_numbers,
            credentials: rows.credentials.iter().filter_map(|row| credential(row, sealer)).collect(),
            services: services(&rows)?,
            resources: resources(&rows)?,
            opening_hours: opening_hours(&rows, id)?,
            closures: closures(&rows)?,
            transfers: rows.transfers.iter().map(transfer).collect::<Result<_, _>>()?,
            knowledge: knowledge(&rows),
            settings,
            limits: limits(&org.limits.0),
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

pub(crate) fn inconsistent(table: &'static str, column: &'static str, row: Uuid) -> StorageError {
    StorageError::Inconsistent { table, column, row: row.to_string() }
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

fn squads(rows: &Rows) -> Vec<String> {
    let mut seen = HashSet::new();
    let active = rows.configurations.iter().filter(|row| row.is_active);
    let squads = active.filter_map(|row| row.vapi_squad_id.as_deref().and_then(identifier));
    squads.filter(|squad| seen.insert(squad.clone())).collect()
}

/// The numbers with their rows: those of `phone_numbers`, then what only a mapping names.
fn numbers(rows: &Rows, region: Region) -> Result<(Vec<PhoneNumber>, Vec<Option<DbUuid>>), StorageError> {
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
    let configured =
        rows.configurations.iter().filter(|row| row.is_active).map(|row| configured(row, region));
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

/// What a row of `phone_numbers` says.
pub(crate) fn number(row: &NumberRow, region: Region) -> Result<PhoneNumber, StorageError> {
    let route = match &row.route {
        None | Some(DbJson(Value::Null)) => None,
        Some(DbJson(route)) => {
            Some(read_route(route).ok_or_else(|| inconsistent("phone_numbers", "route", row.id.0))?)
        }
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

fn configured(row: &ConfigurationRow, region: Region) -> PhoneNumber {
    unnamed(line(row.vapi_phone_number.as_deref(), region))
}

fn unnamed(line: Option<String>) -> PhoneNumber {
    let (number, sip_uri) = match line {
        Some(line) if line.starts_with('+') => (Some(line), None),
        other => (None, other),
    };
    PhoneNumber { id: None, number, sip_uri, label: String::new(), route: None, fallback_assistant: None }
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

fn credential(row: &SecretRow, sealer: &Sealer) -> Option<CredentialSpec> {
    let (org, id) = (OrgId::new(row.organization_id.0), row.id.0);
    let log = |error: &dyn std::error::Error| {
        tracing::error!(org_id = %org, credential = %id, %error, "a stored credential cannot be used");
    };
    let scheme = recipe::decode(&row.recipe.0).inspect_err(|error| log(error)).ok()?;
    let opened = sealer
        .open(org, Purpose::Credential(id), &row.sealed_secret, &row.sealing_key_id)
        .inspect_err(|error| log(error))
        .ok();
    let secret =
        opened.and_then(|secret| SecretKey::new(secret.as_slice()).inspect_err(|error| log(error)).ok());
    Some(CredentialSpec {
        label: row.label.clone(),
        scheme,
        secret,
        not_before: row.not_before.map(|at| at.0),
        not_after: row.not_after.map(|at| at.0),
    })
}

fn services(rows: &Rows) -> Result<Vec<Service>, StorageError> {
    let read = |row: &super::rows::ServiceRow| {
        let lengths = u16::try_from(row.minutes).ok().zip(u16::try_from(row.buffer_minutes).ok());
        let (minutes, buffer_minutes) =
            lengths.ok_or_else(|| inconsistent("services", "minutes", row.id.0))?;
        Ok(Service { name: row.name.clone(), minutes, buffer_minutes, resources: Vec::new() })
    };
    rows.services.iter().map(read).collect()
}

fn resources(rows: &Rows) -> Result<Vec<Resource>, StorageError> {
    let read = |row: &super::rows::ResourceRow| {
        let capacity = u16::try_from(row.capacity).ok();
        let capacity = capacity.ok_or_else(|| inconsistent("resources", "capacity", row.id.0))?;
        Ok(Resource { id: row.id.0, name: row.name.clone(), capacity })
    };
    rows.resources.iter().map(read).collect()
}

fn opening_hours(rows: &Rows, org: Uuid) -> Result<Option<OpeningHours>, StorageError> {
    if rows.hours.is_empty() {
        return Ok(None);
    }
    let corrupt = || inconsistent("opening_hours", "opens", org);
    let mut ranges = Vec::new();
    for row in &rows.hours {
        // The column counts from 1, chrono from 0.
        let day = u8::try_from(row.weekday - 1).ok().and_then(|day| Weekday::try_from(day).ok());
        let range = format!("{}-{}", row.opens, row.closes).parse().ok();
        ranges.push(day.zip(range).ok_or_else(corrupt)?);
    }
    OpeningHours::from_rows(ranges).ok().map(Some).ok_or_else(corrupt)
}

fn closures(rows: &Rows) -> Result<Vec<Closure>, StorageError> {
    let read = |row: &super::rows::ClosureRow| {
        let dates = civil_date(&row.from_date).zip(civil_date(&row.to_date));
        let (from, to) = dates.ok_or_else(|| inconsistent("closures", "from_date", row.id.0))?;
        Ok(Closure { from, to, reason: row.reason.clone() })
    };
    rows.closures.iter().map(read).collect()
}

fn transfer(row: &TransferRow) -> Result<Transfer, StorageError> {
    let hours = match &row.opening_hours {
        None | Some(DbJson(Value::Null)) => None,
        Some(DbJson(hours)) => Some(
            weekly(hours).ok_or_else(|| inconsistent("transfer_destinations", "opening_hours", row.id.0))?,
        ),
    };
    Ok(Transfer {
        department: row.department.clone(),
        number: row.number.clone(),
        sip_uri: row.sip_uri.clone(),
        opening_hours: hours,
    })
}

/// Opening hours in the form of the file: `{"mon": ["09:00-17:00"]}`.
fn weekly(hours: &Value) -> Option<OpeningHours> {
    let mut days = Vec::new();
    for (day, ranges) in hours.as_object()? {
        let ranges: Option<Vec<&str>> = ranges.as_array()?.iter().map(Value::as_str).collect();
        days.push((day, ranges?));
    }
    OpeningHours::parse(days).ok()
}

fn knowledge(rows: &Rows) -> Vec<KnowledgeFile> {
    let read = |row: &super::rows::KnowledgeRow| KnowledgeFile {
        path: row.path.clone(),
        title: row.title.clone(),
        content: row.content.clone(),
    };
    rows.knowledge.iter().map(read).collect()
}

fn limits(limits: &Value) -> Limits {
    let limit = |name: &str| limits.get(name).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Limits { waiting: limit("waiting"), call_events: limit("call_events"), streams: limit("streams") }
}

/// Limits as the column holds them: `{"waiting": n, "call_events": n, "streams": n}`, each optional.
pub(crate) fn limits_value(limits: &Limits) -> Value {
    let parts =
        [("waiting", limits.waiting), ("call_events", limits.call_events), ("streams", limits.streams)];
    let set = parts.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), limit?.into())));
    Value::Object(set.collect::<Map<_, _>>())
}
