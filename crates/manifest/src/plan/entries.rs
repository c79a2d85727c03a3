//! The entries of each section: by what they are known, and what is different about them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use scheduling::{Closure, OpeningHours, Resource, Service};
use tenant::{
    Assistant, CredentialSpec, Document, Entry, Organization, PhoneNumber, Route, Transfer, hours_to_value,
};

use super::changed::{Changed, plain, same_json};
use crate::credential::misfit;
use crate::error::Problem;

/// An entry as a plan compares it.
pub(super) trait Planned: Sized {
    /// The entry under the name that all entries share.
    fn entry(&self) -> Entry;

    /// By what two entries are the same, strongest first; every entry of a kind has the same number of keys.
    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.entry().subject())]
    }

    /// Its description, for people.
    fn describe(&self) -> String;

    /// Notes what is different in this declared entry from the stored one.
    fn compare(&self, stored: &Self, changed: &mut Changed);

    /// The differences of this declared entry from the stored one.
    fn differences(&self, stored: &Self) -> Vec<String> {
        let mut changed = Changed::default();
        self.compare(stored, &mut changed);
        changed.0
    }

    /// Whether declared entries say all that this stored one says, though none of them is it.
    fn is_covered_by(&self, _wanted: &[Self]) -> bool {
        false
    }
}

macro_rules! entry {
    ($kind:ident) => {
        fn entry(&self) -> Entry {
            Entry::$kind(self.clone())
        }
    };
}

/// The functions of [`Planned`] on whatever an entry holds.
macro_rules! of_every_kind {
    ($($kind:ident)*) => {
        /// An entry's description, for people.
        pub(super) fn describe(entry: &Entry) -> String {
            match entry {
                $(Entry::$kind(it) => it.describe(),)*
            }
        }

        /// The differences of a declared entry from the stored one; none for entries of two kinds.
        pub(super) fn differences(stored: &Entry, wanted: &Entry) -> Vec<String> {
            match (stored, wanted) {
                $((Entry::$kind(stored), Entry::$kind(wanted)) => wanted.differences(stored),)*
                _ => Vec::new(),
            }
        }
    };
}

of_every_kind! {
    Organization Assistant Squad PhoneNumber Credential Service Resource OpeningHours Closure Transfer Document
}

impl Planned for Organization {
    fn entry(&self) -> Entry {
        Entry::Organization(Box::new(self.clone()))
    }

    fn describe(&self) -> String {
        let profile = &self.profile;
        format!("{}, {}, region {}", profile.name, profile.timezone, profile.region)
    }

    /// Its own fields, not its lists.
    fn compare(&self, stored: &Self, changed: &mut Changed) {
        let (before, after) = (&stored.profile, &self.profile);
        changed.text("slug", &stored.slug, &self.slug);
        changed.text("name", &before.name, &after.name);
        changed.value("timezone", &before.timezone, &after.timezone);
        changed.text("region", before.region.code(), after.region.code());
        changed.value("active", &stored.active, &self.active);
        changed.text("primary_language", &before.primary_language, &after.primary_language);
        let list = |languages: &[String]| format!("[{}]", languages.join(" "));
        let languages = (list(&before.secondary_languages), list(&after.secondary_languages));
        changed.text("secondary_languages", &languages.0, &languages.1);
        changed.optional("vapi_org_id", &stored.vapi_org_id, &self.vapi_org_id);
        let (before, after) = (before.settings.document(), after.settings.document());
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let is_same =
                before.get(key).zip(after.get(key)).is_some_and(|(one, other)| same_json(one, other));
            // Free settings may hold what is nobody else's business, so only their names are told.
            changed.note(!is_same, format_args!("settings.{key}"));
        }
        for ((name, stored), (_, wanted)) in stored.limits.named().into_iter().zip(self.limits.named()) {
            changed.optional(&format!("limits.{name}"), &stored, &wanted);
        }
        for ((name, stored), (_, wanted)) in stored.retention.named().into_iter().zip(self.retention.named())
        {
            changed.optional(&format!("retention.{name}"), &stored, &wanted);
        }
    }
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
            Some(Some(secret)) => misfit(&spec.scheme, secret)
                .map(|error| format!("its stored secret does not go with the new recipe: {error}")),
        };
        problems.extend(reason.map(|reason| Problem {
            organization: wanted.slug.clone(),
            field: format!("credentials[{index}] {:?}", spec.label),
            reason,
        }));
    }
    problems
}

impl Planned for Assistant {
    entry!(Assistant);

    fn describe(&self) -> String {
        let parts = [self.name.as_str(), self.role.as_str()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.text("name", &stored.name, &self.name);
        changed.text("role", &stored.role, &self.role);
    }
}

/// A squad is nothing but its id.
impl Planned for String {
    entry!(Squad);

    fn describe(&self) -> String {
        String::new()
    }

    fn compare(&self, _: &Self, _: &mut Changed) {}
}

impl Planned for PhoneNumber {
    entry!(PhoneNumber);

    fn keys(&self) -> Vec<Option<String>> {
        vec![self.id.clone(), self.number.clone(), self.sip_uri.clone()]
    }

    fn describe(&self) -> String {
        let lines = [self.number.as_deref(), self.sip_uri.as_deref(), Some(self.label.as_str())];
        let told = lines.into_iter().flatten().filter(|text| !text.is_empty() && self.key() != Some(text));
        told.map(str::to_owned).chain(self.route.as_ref().map(route)).collect::<Vec<_>>().join(", ")
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.optional("id", &stored.id, &self.id);
        changed.optional("number", &stored.number, &self.number);
        changed.optional("sip_uri", &stored.sip_uri, &self.sip_uri);
        changed.text("label", &stored.label, &self.label);
        changed.optional("route", &stored.route.as_ref().map(route), &self.route.as_ref().map(route));
        changed.optional("fallback_assistant", &stored.fallback_assistant, &self.fallback_assistant);
    }

    fn is_covered_by(&self, wanted: &[Self]) -> bool {
        let parts: [fn(&Self) -> &Option<String>; 3] = [|it| &it.id, |it| &it.number, |it| &it.sip_uri];
        parts.iter().all(|part| part(self).is_none() || wanted.iter().any(|other| part(other) == part(self)))
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
    entry!(Credential);

    fn describe(&self) -> String {
        let mut told = self.scheme.as_str().to_owned();
        for (word, at) in [("from", self.not_before), ("until", self.not_after)] {
            if let Some(at) = at {
                told.push_str(&format!(", {word} {}", instant(at)));
            }
        }
        told
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
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
                changed.optional(name, &stored.map(instant), &wanted.map(instant));
            }
        }
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl Planned for Service {
    entry!(Service);

    fn keys(&self) -> Vec<Option<String>> {
        name_keys(&self.name)
    }

    fn describe(&self) -> String {
        match self.buffer_minutes {
            0 => format!("{} minutes", self.minutes),
            buffer => format!("{} minutes, then {buffer} blocked", self.minutes),
        }
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.text("name", &stored.name, &self.name);
        changed.value("minutes", &stored.minutes, &self.minutes);
        changed.value("buffer_minutes", &stored.buffer_minutes, &self.buffer_minutes);
    }
}

impl Planned for Resource {
    entry!(Resource);

    fn keys(&self) -> Vec<Option<String>> {
        name_keys(&self.name)
    }

    fn describe(&self) -> String {
        format!("capacity {}", self.capacity)
    }

    /// The id does not count: appointments refer to the stored one, which stays.
    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.text("name", &stored.name, &self.name);
        changed.value("capacity", &stored.capacity, &self.capacity);
    }
}

/// The name as it is written, else whatever its case.
fn name_keys(name: &str) -> Vec<Option<String>> {
    vec![Some(name.to_owned()), Some(name.trim().to_lowercase())]
}

impl Planned for OpeningHours {
    entry!(OpeningHours);

    fn describe(&self) -> String {
        let mut days: Vec<(&str, String)> = Vec::new();
        for (day, range) in self.rows() {
            let day = scheduling::weekday_name(day);
            match days.last_mut() {
                Some((last, told)) if *last == day => told.push_str(&format!(" {range}")),
                _ => days.push((day, format!("{day} {range}"))),
            }
        }
        days.into_iter().map(|(_, told)| told).collect::<Vec<_>>().join(", ")
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.note(self != stored, format_args!("now {}", self.describe()));
    }
}

impl Planned for Closure {
    entry!(Closure);

    fn describe(&self) -> String {
        self.reason.clone().unwrap_or_default()
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.optional("reason", &stored.reason, &self.reason);
    }

    /// The same days declared once and stored twice are closed either way.
    fn is_covered_by(&self, wanted: &[Self]) -> bool {
        wanted.iter().any(|other| (other.from, other.to) == (self.from, self.to))
    }
}

impl Planned for Transfer {
    entry!(Transfer);

    fn keys(&self) -> Vec<Option<String>> {
        name_keys(&self.department)
    }

    fn describe(&self) -> String {
        self.number.as_ref().or(self.sip_uri.as_ref()).cloned().unwrap_or_default()
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.text("department", &stored.department, &self.department);
        changed.optional("number", &stored.number, &self.number);
        changed.optional("sip_uri", &stored.sip_uri, &self.sip_uri);
        let hours = |transfer: &Self| transfer.opening_hours.as_ref().map(hours_to_value);
        changed.optional("opening_hours", &hours(stored), &hours(self));
    }
}

impl Planned for Document {
    entry!(Document);

    /// As the default, without a copy of the text.
    fn keys(&self) -> Vec<Option<String>> {
        vec![Some(self.path.clone())]
    }

    fn describe(&self) -> String {
        self.title.clone()
    }

    fn compare(&self, stored: &Self, changed: &mut Changed) {
        changed.text("title", &stored.title, &self.title);
        changed.note(plain(&stored.content) != plain(&self.content), format_args!("content"));
    }
}
