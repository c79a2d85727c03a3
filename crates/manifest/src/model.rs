//! What a valid file declares.

use std::path::Path;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use org_resolver::phone::Region;
use scheduling::{Calendar, Closure, OpeningHours, Resource, Service};
use serde_json::{Map, Value, json};
use signature::{Scheme, SecretKey};
use uuid::Uuid;

use crate::check::check;
use crate::error::{ManifestError, json_form, toml_form};
use crate::file::File;
use crate::source::{Source, Vars};

/// The organizations of one file.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// In the order of the file.
    pub organizations: Vec<Organization>,
}

impl Manifest {
    /// Reads the TOML form.
    ///
    /// # Errors
    /// [`ManifestError::Form`] when the text does not have the form, [`ManifestError::Invalid`] with every mistake else.
    pub fn from_toml(text: &str, source: &Source<'_>) -> Result<Self, ManifestError> {
        let file: File = toml::from_str(text).map_err(|error| toml_form(text, &error))?;
        check(file, source)
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`ManifestError::Form`] when the text does not have the form, [`ManifestError::Invalid`] with every mistake else.
    pub fn from_json(text: &str, source: &Source<'_>) -> Result<Self, ManifestError> {
        let file: File = serde_json::from_str(text).map_err(|error| json_form(&error))?;
        check(file, source)
    }

    /// Reads a file: JSON when its name ends in `.json`, else TOML; knowledge patterns are relative to its directory.
    ///
    /// # Errors
    /// [`ManifestError::Read`] when the file cannot be read, else as for its form.
    pub fn load(path: &Path, vars: &dyn Vars) -> Result<Self, ManifestError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
        let source = Source::new(vars, path.parent().unwrap_or(Path::new("")));
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            Self::from_json(&text, &source)
        } else {
            Self::from_toml(&text, &source)
        }
    }
}

/// One declared organization.
#[derive(Debug, Clone)]
pub struct Organization {
    /// As declared, or made from the slug.
    pub id: Uuid,
    /// Short name for people and metadata: `a-z`, `0-9` and `-`.
    pub slug: String,
    /// The name that assistants say.
    pub name: String,
    /// The zone of its bookings.
    pub timezone: Tz,
    /// How its national numbers are read.
    pub region: Region,
    /// Whether its messages are served.
    pub active: bool,
    /// Language tag, such as `en`.
    pub primary_language: String,
    /// Further language tags.
    pub secondary_languages: Vec<String>,
    /// The provider's account, as a cross-check.
    pub vapi_org_id: Option<String>,
    /// Its assistants.
    pub assistants: Vec<Assistant>,
    /// The provider's ids of its squads.
    pub squads: Vec<String>,
    /// Its numbers.
    pub phone_numbers: Vec<PhoneNumber>,
    /// Its credentials; at most five count at any one time.
    pub credentials: Vec<CredentialSpec>,
    /// Kinds of appointments; none is bound to resources.
    pub services: Vec<Service>,
    /// What appointments occupy; ids are made from the organization's id and the name.
    pub resources: Vec<Resource>,
    /// When appointments may lie; `None` when nothing is declared, which means always.
    pub opening_hours: Option<OpeningHours>,
    /// Whole closed days.
    pub closures: Vec<Closure>,
    /// Whom calls are handed to.
    pub transfers: Vec<Transfer>,
    /// Texts that answer callers' questions.
    pub knowledge: Vec<KnowledgeFile>,
    /// Free settings. Checked where present: `endpointing_timeout_seconds` (a number, 0 to 15), `booking_days_ahead`
    /// (an integer, 1 to 3650) and `unavailable_sentence` (a non-empty text).
    pub settings: Map<String, Value>,
    /// Its own limits.
    pub limits: Limits,
}

impl Organization {
    /// How far ahead bookings reach, in days.
    #[must_use]
    pub fn booking_days_ahead(&self) -> u16 {
        let declared = self.settings.get("booking_days_ahead").and_then(Value::as_u64);
        declared.and_then(|days| u16::try_from(days).ok()).unwrap_or(scheduling::DEFAULT_DAYS_AHEAD)
    }

    /// Its booking calendar.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        Calendar {
            timezone: self.timezone,
            opening_hours: self.opening_hours.clone().unwrap_or_default(),
            closures: self.closures.clone(),
            services: self.services.clone(),
            resources: self.resources.clone(),
            booking_days_ahead: self.booking_days_ahead(),
        }
    }
}

/// One of the provider's assistants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assistant {
    /// The provider's id.
    pub id: String,
    /// The name that callers hear; may be empty.
    pub name: String,
    /// What it is there for, such as `inbound`; may be empty.
    pub role: String,
}

/// A number of the organization; at least one of `id`, `number` and `sip_uri` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The provider's id.
    pub id: Option<String>,
    /// `+` and digits.
    pub number: Option<String>,
    /// SIP URI in lower case.
    pub sip_uri: Option<String>,
    /// For people; may be empty.
    pub label: String,
    /// Where its calls go.
    pub route: Option<Route>,
    /// The provider's id of the assistant that takes the call when routing fails.
    pub fallback_assistant: Option<String>,
}

impl PhoneNumber {
    /// By what people and plans call it: its id, else its number, else its SIP URI.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.id.as_deref().or(self.number.as_deref()).or(self.sip_uri.as_deref())
    }
}

/// Where calls to a number go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// To an assistant, by the provider's id.
    Assistant(String),
    /// To a squad, by the provider's id.
    Squad(String),
    /// To a number (`+` and digits) or SIP URI, at once.
    Destination(String),
}

impl Route {
    /// The form in which it is stored, the same as in the file: `{"assistant": "…"}`.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Assistant(id) => json!({ "assistant": id }),
            Self::Squad(id) => json!({ "squad": id }),
            Self::Destination(number) => json!({ "destination": number }),
        }
    }
}

/// A credential as declared.
#[derive(Debug, Clone)]
pub struct CredentialSpec {
    /// Its name, unique within the organization.
    pub label: String,
    /// How it is presented; the parts fit together.
    pub scheme: Scheme,
    /// The secret, which fits the scheme; `None` keeps the stored one.
    pub secret: Option<SecretKey>,
    /// The first instant at which it counts.
    pub not_before: Option<DateTime<Utc>>,
    /// The first instant at which it no longer counts.
    pub not_after: Option<DateTime<Utc>>,
}

/// A department that calls are handed to; exactly one of `number` and `sip_uri` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its name, unique within the organization whatever the case.
    pub department: String,
    /// `+` and digits.
    pub number: Option<String>,
    /// SIP URI in lower case.
    pub sip_uri: Option<String>,
    /// When it answers; `None` is always.
    pub opening_hours: Option<OpeningHours>,
}

/// A text that answers callers' questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeFile {
    /// Path relative to the organizations file, unique within the organization.
    pub path: String,
    /// Its first Markdown heading, else the name of the file.
    pub title: String,
    /// Its text.
    pub content: String,
}

/// Messages a minute that an organization may send, by class; `None` leaves the deployment's limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Messages that the provider waits for.
    pub waiting: Option<u32>,
    /// Events of calls.
    pub call_events: Option<u32>,
    /// Transcripts, speech and conversation updates.
    pub streams: Option<u32>,
}

/// Opening hours in the form of the file, `{"mon": ["09:00-17:00"]}`; closed days are left out.
#[must_use]
pub fn opening_hours_value(hours: &OpeningHours) -> Value {
    let mut days: Map<String, Value> = Map::new();
    for (day, range) in hours.rows() {
        let ranges = days.entry(scheduling::weekday_name(day)).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(ranges) = ranges {
            ranges.push(Value::String(range.to_string()));
        }
    }
    Value::Object(days)
}
