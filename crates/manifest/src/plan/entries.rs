//! The entries of each section: by what they are known, and what is different about them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use scheduling::{Closure, OpeningHours, Resource, Service};
use signature::{Credential, CredentialId, SecretKey};
use tenant::{
    Assistant, CredentialSpec, Document, Entry, Organization, PhoneNumber, Route, Transfer, hours_to_value,
};
use uuid::Uuid;

use super::changed::{Changed, plain, same_json};
use crate::error::Problem;

/// An entry as a plan compares it.
pub(super) trait Planned {
    /// The entry under the name that all entries share.
    fn entry(&self) -> Entry;

    /// By what two entries are the same, strongest first; every entry has the same number of keys.
    fn keys(&self) -> Vec<Option<String>>;

    /// What it is, for people.
    fn describe(&self) -> String;

    /// What is different in this declared entry from the stored one.
    fn differences(&self, stored: &Self) -> Vec<String>;

    /// Whether declared entries say all that this stored one says, though none of them is it.
    fn is_covered_by(&self, _wanted: &[Self]) -> bool
    where
        Self: Sized,
    {
        false
    }
}

/// Runs a function of [`Planned`] on what an entry holds.
macro_rules! of_kind {
    ($entry:expr, $it:ident => $what:expr) => {
        match $entry {
            Entry::Organization($it) => $what,
            Entry::Assistant($it) => $what,
            Entry::Squad($it) => $what,
            Entry::PhoneNumber($it) => $what,
            Entry::Credential($it) => $what,
            Entry::Service($it) => $what,
            Entry::Resource($it) => $what,
            Entry::OpeningHours($it) => $what,
            Entry::Closure($it) => $what,
            Entry::Transfer($it) => $what,
            Entry::Document($it) => $what,
        }
    };
}

/// What an entry is, for people.
pub(super) fn describe(entry: &Entry) -> String {
    of_kind!(entry, it => it.describe())
}

/// What is different in a declared entry from the stored one; nothing for entries of two kinds.
pub(super) fn differences(stored: &Entry, wanted: &Entry) -> Vec<String> {
    macro_rules! pairs {
        ($($kind:ident),*) => {
            match (stored, wanted) {
                $((Entry::$kind(stored), Entry::$kind(wanted)) => wanted.differences(stored),)*
                _ => Vec::new(),
            }
        };
    }
    pairs!(
        Organization,
        Assistant,
        Squad,
        PhoneNumber,
        Credential,
        Service,
        Resource,
        OpeningHours,
        Closure,
        Transfer,
        Document
    )
}

impl Planned for Organization {
    fn entry(&self) -> Entry {
        Entry::Organization(Box::new(self.clone()))
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.id.to_string())]
    }

    fn describe(&self) -> String {
        let profile = &self.profile;
        format!("{}, {}, region {}", profile.name, profile.timezone, profile.region)
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        organization_differences(stored, self)
    }
}

/// The fields of the organization itself.
fn organization_differences(stored: &Organization, wanted: &Organization) -> Vec<String> {
    let mut changed = Changed::default();
    let (before, after) = (&stored.profile, &wanted.profile);
    changed.text("slug", &stored.slug, &wanted.slug);
    changed.text("name", &before.name, &after.name);
    changed.value("timezone", &before.timezone, &after.timezone);
    changed.text("region", before.region.code(), after.region.code());
    changed.value("active", &stored.active, &wanted.active);
    changed.text("primary_language", &before.primary_language, &after.primary_language);
    let list = |languages: &[String]| format!("[{}]", languages.join(" "));
    changed.text(
        "secondary_languages",
        &list(&before.secondary_languages),
        &list(&after.secondary_languages),
    );
    changed.optional("vapi_org_id", stored.vapi_org_id.as_ref(), wanted.vapi_org_id.as_ref());
    let (before, after) = (before.settings.document(), after.settings.document());
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let is_same = match (before.get(key), after.get(key)) {
            (Some(stored), Some(wanted)) => same_json(stored, wanted),
            (Some(_), None) | (None, Some(_)) => false,
            (None, None) => true,
        };
        // Free settings may hold what is nobody else's business, so only their names are told.
        changed.note(!is_same, format_args!("settings.{key}"));
    }
    for ((name, stored), (_, wanted)) in stored.limits.named().into_iter().zip(wanted.limits.named()) {
        changed.optional(&format!("limits.{name}"), stored.as_ref(), wanted.as_ref());
    }
    changed.0
}

/// Credentials that would have no secret, or one that does not go with their recipe.
pub(super) fn credential_problems(stored: Option<&Organization>, wanted: &Organization) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, spec) in wanted.credentials.iter().enumerate().filter(|(_, spec)| spec.secret.is_none()) {
        let known =
            stored.and_then(|stored| stored.credentials.iter().find(|known| known.label == spec.label));
        let reason = match known.map(|known| known.secret.as_ref()) {
            None => Some("it has no secret, and none is stored for it".to_owned()),
            Some(None) => Some("its stored secret cannot be opened, so the file has to give one".to_owned()),
            Some(Some(secret)) => misfit(spec, secret),
        };
        problems.extend(reason.map(|reason| Problem {
            organization: wanted.slug.clone(),
            field: format!("credentials[{index}] {:?}", spec.label),
            reason,
        }));
    }
    problems
}

fn misfit(spec: &CredentialSpec, secret: &SecretKey) -> Option<String> {
    let id = CredentialId::new(Uuid::nil());
    let made = Credential::new(id, "", spec.scheme.clone(), secret.clone(), None, None);
    made.err().map(|error| format!("its stored secret does not go with the new recipe: {error}"))
}

impl Planned for Assistant {
    fn entry(&self) -> Entry {
        Entry::Assistant(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.id.clone())]
    }

    fn describe(&self) -> String {
        let parts = [self.name.as_str(), self.role.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.text("name", &stored.name, &self.name);
        changed.text("role", &stored.role, &self.role);
        changed.0
    }
}

/// A squad is nothing but its id.
impl Planned for String {
    fn entry(&self) -> Entry {
        Entry::Squad(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.clone())]
    }

    fn describe(&self) -> String {
        String::new()
    }

    fn differences(&self, _stored: &Self) -> Vec<String> {
        Vec::new()
    }
}

impl Planned for PhoneNumber {
    fn entry(&self) -> Entry {
        Entry::PhoneNumber(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![self.id.clone(), self.number.clone(), self.sip_uri.clone()]
    }

    fn describe(&self) -> String {
        let lines = [self.number.as_deref(), self.sip_uri.as_deref(), Some(self.label.as_str())];
        let told = lines.into_iter().flatten().filter(|text| !text.is_empty() && self.key() != Some(text));
        told.map(str::to_owned).chain(self.route.as_ref().map(route)).collect::<Vec<_>>().join(", ")
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.optional("id", stored.id.as_ref(), self.id.as_ref());
        changed.optional("number", stored.number.as_ref(), self.number.as_ref());
        changed.optional("sip_uri", stored.sip_uri.as_ref(), self.sip_uri.as_ref());
        changed.text("label", &stored.label, &self.label);
        changed.optional(
            "route",
            stored.route.as_ref().map(route).as_ref(),
            self.route.as_ref().map(route).as_ref(),
        );
        let fallbacks = (stored.fallback_assistant.as_ref(), self.fallback_assistant.as_ref());
        changed.optional("fallback_assistant", fallbacks.0, fallbacks.1);
        changed.0
    }

    fn is_covered_by(&self, wanted: &[Self]) -> bool {
        let says = |part: fn(&Self) -> Option<&String>| {
            part(self).is_none_or(|value| wanted.iter().any(|other| part(other) == Some(value)))
        };
        says(|number| number.id.as_ref())
            && says(|number| number.number.as_ref())
            && says(|number| number.sip_uri.as_ref())
    }
}

fn route(route: &Route) -> String {
    match route {
        Route::Assistant(id) => format!("to assistant {id}"),
        Route::Squad(id) => format!("to squad {id}"),
        Route::Destination(number) => format!("to {number}"),
    }
}

impl Planned for CredentialSpec {
    fn entry(&self) -> Entry {
        Entry::Credential(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.label.clone())]
    }

    fn describe(&self) -> String {
        let mut told = self.scheme.as_str().to_owned();
        for (word, at) in [("from", self.not_before), ("until", self.not_after)] {
            if let Some(at) = at {
                told.push_str(&format!(", {word} {}", instant(at)));
            }
        }
        told
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.note(self.scheme != stored.scheme, format_args!("recipe"));
        if let Some(secret) = &self.secret {
            let is_same = stored.secret.as_ref().is_some_and(|stored| stored.expose() == secret.expose());
            changed.note(!is_same, format_args!("secret"));
        }
        let times = [
            ("not_before", stored.not_before, self.not_before),
            ("not_after", stored.not_after, self.not_after),
        ];
        for (name, stored, wanted) in times {
            // Databases keep microseconds.
            if stored.map(|at| at.timestamp_micros()) != wanted.map(|at| at.timestamp_micros()) {
                changed.optional(name, stored.map(instant).as_ref(), wanted.map(instant).as_ref());
            }
        }
        changed.0
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl Planned for Service {
    fn entry(&self) -> Entry {
        Entry::Service(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        name_keys(&self.name)
    }

    fn describe(&self) -> String {
        match self.buffer_minutes {
            0 => format!("{} minutes", self.minutes),
            buffer => format!("{} minutes, then {buffer} blocked", self.minutes),
        }
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.text("name", &stored.name, &self.name);
        changed.value("minutes", &stored.minutes, &self.minutes);
        changed.value("buffer_minutes", &stored.buffer_minutes, &self.buffer_minutes);
        changed.0
    }
}

impl Planned for Resource {
    fn entry(&self) -> Entry {
        Entry::Resource(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        name_keys(&self.name)
    }

    fn describe(&self) -> String {
        format!("capacity {}", self.capacity)
    }

    /// The id does not count: appointments refer to the stored one, which stays.
    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.text("name", &stored.name, &self.name);
        changed.value("capacity", &stored.capacity, &self.capacity);
        changed.0
    }
}

/// The name as it is written, else whatever its case.
fn name_keys(name: &str) -> Vec<Option<String>> {
    vec![Some(name.to_owned()), Some(name.trim().to_lowercase())]
}

impl Planned for OpeningHours {
    fn entry(&self) -> Entry {
        Entry::OpeningHours(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(String::new())]
    }

    fn describe(&self) -> String {
        let mut last = None;
        let mut told = String::new();
        for (day, range) in self.rows() {
            if last != Some(day) {
                let comma = if told.is_empty() { "" } else { ", " };
                told.push_str(&format!("{comma}{}", scheduling::weekday_name(day)));
                last = Some(day);
            }
            told.push_str(&format!(" {range}"));
        }
        told
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        if self == stored { Vec::new() } else { vec![format!("now {}", self.describe())] }
    }
}

impl Planned for Closure {
    fn entry(&self) -> Entry {
        Entry::Closure(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.entry().subject())]
    }

    fn describe(&self) -> String {
        self.reason.clone().unwrap_or_default()
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.optional("reason", stored.reason.as_ref(), self.reason.as_ref());
        changed.0
    }

    /// The same days declared once and stored twice are closed either way.
    fn is_covered_by(&self, wanted: &[Self]) -> bool {
        wanted.iter().any(|other| (other.from, other.to) == (self.from, self.to))
    }
}

impl Planned for Transfer {
    fn entry(&self) -> Entry {
        Entry::Transfer(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        name_keys(&self.department)
    }

    fn describe(&self) -> String {
        self.number.as_ref().or(self.sip_uri.as_ref()).cloned().unwrap_or_default()
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.text("department", &stored.department, &self.department);
        changed.optional("number", stored.number.as_ref(), self.number.as_ref());
        changed.optional("sip_uri", stored.sip_uri.as_ref(), self.sip_uri.as_ref());
        let hours = |hours: &Option<OpeningHours>| hours.as_ref().map(hours_to_value);
        changed.optional(
            "opening_hours",
            hours(&stored.opening_hours).as_ref(),
            hours(&self.opening_hours).as_ref(),
        );
        changed.0
    }
}

impl Planned for Document {
    fn entry(&self) -> Entry {
        Entry::Document(self.clone())
    }

    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.path.clone())]
    }

    fn describe(&self) -> String {
        self.title.clone()
    }

    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        changed.text("title", &stored.title, &self.title);
        changed.note(plain(&stored.content) != plain(&self.content), format_args!("content"));
        changed.0
    }
}
