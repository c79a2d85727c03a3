//! One name for all the single things that an organization declares.

use scheduling::{Closure, OpeningHours, Resource, Service};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::number::PhoneNumber;
use crate::organization::{Assistant, CredentialSpec, Document, Organization, Transfer};

/// One declared thing of any section.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The organization itself: its own fields count here, not its lists.
    Organization(Box<Organization>),
    /// An assistant.
    Assistant(Assistant),
    /// A squad, by the provider's id.
    Squad(String),
    /// A number.
    PhoneNumber(PhoneNumber),
    /// A credential.
    Credential(CredentialSpec),
    /// A service.
    Service(Service),
    /// A resource.
    Resource(Resource),
    /// The opening hours of a week; there is one or none in an organization.
    OpeningHours(OpeningHours),
    /// A closure.
    Closure(Closure),
    /// A department.
    Transfer(Transfer),
    /// A document.
    Document(Document),
}

/// The parts of an organization, named as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// The organization itself: its names, zone, languages, settings and limits.
    Organization,
    /// Assistants.
    Assistants,
    /// Squads.
    Squads,
    /// Numbers and SIP URIs.
    PhoneNumbers,
    /// Credentials.
    Credentials,
    /// Services.
    Services,
    /// Resources.
    Resources,
    /// Weekly opening hours, as one thing.
    OpeningHours,
    /// Closures.
    Closures,
    /// The transfer directory.
    Transfers,
    /// Documents.
    Knowledge,
}

impl Section {
    /// One thing of the section, as people call it.
    #[must_use]
    pub const fn singular(self) -> &'static str {
        match self {
            Self::Organization => "organization",
            Self::Assistants => "assistant",
            Self::Squads => "squad",
            Self::PhoneNumbers => "phone number",
            Self::Credentials => "credential",
            Self::Services => "service",
            Self::Resources => "resource",
            Self::OpeningHours => "opening hours",
            Self::Closures => "closure",
            Self::Transfers => "transfer",
            Self::Knowledge => "knowledge",
        }
    }
}

impl Entry {
    /// Where it stands in the file.
    #[must_use]
    pub const fn section(&self) -> Section {
        match self {
            Self::Organization(_) => Section::Organization,
            Self::Assistant(_) => Section::Assistants,
            Self::Squad(_) => Section::Squads,
            Self::PhoneNumber(_) => Section::PhoneNumbers,
            Self::Credential(_) => Section::Credentials,
            Self::Service(_) => Section::Services,
            Self::Resource(_) => Section::Resources,
            Self::OpeningHours(_) => Section::OpeningHours,
            Self::Closure(_) => Section::Closures,
            Self::Transfer(_) => Section::Transfers,
            Self::Document(_) => Section::Knowledge,
        }
    }

    /// Its name for people within its section, such as an assistant's id or a credential's label.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Organization(organization) => organization.slug.clone(),
            Self::Assistant(assistant) => assistant.id.clone(),
            Self::Squad(id) => id.clone(),
            Self::PhoneNumber(number) => number.key().unwrap_or_default().to_owned(),
            Self::Credential(credential) => credential.label.clone(),
            Self::Service(service) => service.name.clone(),
            Self::Resource(resource) => resource.name.clone(),
            Self::OpeningHours(_) => "opening_hours".to_owned(),
            Self::Closure(Closure { from, to, .. }) if from == to => from.to_string(),
            Self::Closure(Closure { from, to, .. }) => format!("{from}..{to}"),
            Self::Transfer(transfer) => transfer.department.clone(),
            Self::Document(document) => document.path.clone(),
        }
    }
}

/// Opening hours in the form of the file, `{"mon": ["09:00-17:00"]}`; closed days are left out.
#[must_use]
pub fn hours_to_value(hours: &OpeningHours) -> Value {
    let mut days: Map<String, Value> = Map::new();
    for (day, range) in hours.rows() {
        let ranges = days.entry(scheduling::weekday_name(day)).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(ranges) = ranges {
            ranges.push(Value::String(range.to_string()));
        }
    }
    Value::Object(days)
}

/// Reads what [`hours_to_value`] gives; `None` for what is no such document.
#[must_use]
pub fn hours_from_value(hours: &Value) -> Option<OpeningHours> {
    let mut days = Vec::new();
    for (day, ranges) in hours.as_object()? {
        let ranges: Option<Vec<&str>> = ranges.as_array()?.iter().map(Value::as_str).collect();
        days.push((day, ranges?));
    }
    OpeningHours::parse(days).ok()
}
