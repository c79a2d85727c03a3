//! From the form of the file to what it declares, with every mistake noted on the way.

use std::collections::HashSet;
use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use chrono::NaiveDate;
use scheduling::{Closure, OpeningHours, Resource, Service};
use serde_json::{Map, Value};
use tenant::phone::Region;
use tenant::{Assistant, IdentifierKind, Limits, Organization, Profile, Route, Settings};
use uuid::Uuid;

use crate::ORGANIZATION_NAMESPACE;
use crate::claims::{Claims, Owner};
use crate::error::{ManifestError, Problem};
use crate::file::{File, FileClosure, FileHours, FileOrganization, FileResource, FileService, Moment};
use crate::model::Manifest;
use crate::source::{Source, Vars};

/// Longest name, label or id, in characters.
const MAX_TEXT: usize = 200;

/// Turns the form into values.
pub(crate) fn check(file: File, source: &Source<'_>) -> Result<Manifest, ManifestError> {
    let mut claims = Claims::default();
    let mut problems = Vec::new();
    let mut organizations = Vec::new();
    for (index, organization) in file.organizations.into_iter().enumerate() {
        let label = match organization.slug.trim() {
            "" => format!("number {}", index + 1),
            slug => slug.to_owned(),
        };
        let mut checker = Checker { index, label, source, claims: &mut claims, problems: &mut problems };
        organizations.push(checker.organization(organization));
    }
    let mut seen =
        Checker { index: 0, label: String::new(), source, claims: &mut claims, problems: &mut problems };
    for (index, organization) in organizations.iter().enumerate() {
        let Some(organization) = organization else { continue };
        seen.index = index;
        seen.label.clone_from(&organization.slug);
        seen.routes(organization);
    }
    if !problems.is_empty() {
        return Err(ManifestError::Invalid(problems));
    }
    Ok(Manifest { organizations: organizations.into_iter().flatten().collect() })
}

/// Checks one organization and notes its mistakes.
///
/// A value that is wrong is noted and replaced by some default; the result is thrown away then.
pub(crate) struct Checker<'a> {
    index: usize,
    label: String,
    source: &'a Source<'a>,
    claims: &'a mut Claims,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    pub(crate) fn problem(&mut self, field: impl Into<String>, reason: impl Display) {
        self.problems.push(Problem {
            organization: self.label.clone(),
            field: field.into(),
            reason: reason.to_string(),
        });
    }

    pub(crate) fn vars(&self) -> &dyn Vars {
        self.source.vars
    }

    pub(crate) fn base_dir(&self) -> &Path {
        &self.source.base_dir
    }

    /// The organization; `None` only when a mistake was noted.
    fn organization(&mut self, file: FileOrganization) -> Option<Organization> {
        self.slug(&file.slug);
        let id = self.id(file.id.as_deref(), &file.slug);
        let name = self.text("name", &file.name);
        let timezone = self.parse("timezone", file.timezone.as_deref(), "an IANA time zone");
        let region = self.region(file.region.as_deref());
        let primary_language =
            self.language("primary_language", file.primary_language.as_deref().unwrap_or("en"));
        let mut secondary_languages = Vec::new();
        for (index, language) in file.secondary_languages.iter().enumerate() {
            let language = self.language(&format!("secondary_languages[{index}]"), language);
            if !secondary_languages.contains(&language) {
                secondary_languages.push(language);
            }
        }
        let vapi_org_id = file.vapi_org_id.map(|id| self.provider_id("vapi_org_id", &id));
        let mut assistants = Vec::new();
        for (index, assistant) in file.assistants.into_iter().enumerate() {
            let field = format!("assistants[{index}].id");
            let id = self.provider_id(&field, &assistant.id);
            self.claim(IdentifierKind::AssistantId, &id, field);
            assistants.push(Assistant { id, name: assistant.name, role: assistant.role });
        }
        let mut squads = Vec::new();
        for (index, squad) in file.squads.iter().enumerate() {
            let field = format!("squads[{index}]");
            let squad = self.provider_id(&field, squad);
            self.claim(IdentifierKind::SquadId, &squad, field);
            squads.push(squad);
        }
        Some(Organization {
            id,
            active: file.active.unwrap_or(true),
            vapi_org_id,
            assistants,
            squads,
            phone_numbers: self.phone_numbers(file.phone_numbers, region),
            credentials: self.credentials(file.credentials),
            services: self.services(&file.services),
            resources: self.resources(&file.resources, id),
            opening_hours: self.hours("opening_hours", file.opening_hours.as_ref()),
            closures: self.closures(file.closures),
            transfers: self.transfers(file.transfers, region),
            knowledge: self.knowledge(&file.knowledge),
            limits: self.limits(file.limits),
            slug: file.slug,
            profile: Profile {
                name,
                timezone: timezone.unwrap_or(chrono_tz::UTC),
                primary_language,
                secondary_languages,
                settings: self.settings(file.settings),
                // Last, because everything else is to be checked also when the region is wrong.
                region: region?,
            },
        })
    }

    fn slug(&mut self, slug: &str) {
        let fits = (1..=63).contains(&slug.len())
            && !slug.starts_with('-')
            && slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            self.problem("slug", format_args!("{slug:?} is not made of a-z, 0-9 and -, 1 to 63 of them"));
        } else if Uuid::parse_str(slug).is_ok() {
            // Metadata may name an organization by id or by slug, so the two must never be taken for each other.
            self.problem("slug", format_args!("{slug:?} has the form of a UUID"));
        }
        self.claim(IdentifierKind::Organization, slug, "slug");
    }

    fn id(&mut self, declared: Option<&str>, slug: &str) -> Uuid {
        let id = match self.parse("id", declared, "a UUID") {
            Some(id) => id,
            None => Uuid::new_v5(&ORGANIZATION_NAMESPACE, slug.as_bytes()),
        };
        if id.is_nil() {
            self.problem("id", "the nil UUID names no organization");
        }
        self.claim(IdentifierKind::Organization, &id.to_string(), "id");
        id
    }

    fn region(&mut self, declared: Option<&str>) -> Option<Region> {
        match declared.unwrap_or("US").parse() {
            Ok(region) => Some(region),
            Err(error) => {
                self.problem("region", format_args!("{error}"));
                None
            }
        }
    }

    /// Parses a declared value; a wrong one is noted, and `None` like an absent one.
    fn parse<T: FromStr>(&mut self, field: &str, text: Option<&str>, what: &str) -> Option<T> {
        let text = text?;
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.problem(field, format_args!("{text:?} is not {what}"));
        }
        parsed
    }

    /// A text for people, without surrounding blanks.
    pub(crate) fn text(&mut self, field: &str, text: &str) -> String {
        let text = text.trim();
        if text.is_empty() {
            self.problem(field, "it is empty");
        } else if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            self.problem(field, format_args!("it has line breaks or more than {MAX_TEXT} characters"));
        }
        text.to_owned()
    }

    /// An id of the provider's, of which only the obviously wrong is known.
    pub(crate) fn provider_id(&mut self, field: &str, id: &str) -> String {
        let id = self.text(field, id);
        if id.contains(|c: char| c.is_whitespace() || c == '*' || c == '%') {
            self.problem(field, format_args!("{id:?} is not an id"));
        }
        id
    }

    fn language(&mut self, field: &str, tag: &str) -> String {
        let tag = tag.trim();
        let mut parts = tag.split('-');
        let language = parts.next().unwrap_or_default();
        let fits = (2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_alphabetic())
            && parts
                .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !fits {
            self.problem(field, format_args!("{tag:?} is not a language tag such as en or es-MX"));
        }
        tag.to_owned()
    }

    /// Claims a value for this organization and notes when it has an owner already. Empty values are noted elsewhere.
    pub(crate) fn claim(&mut self, kind: IdentifierKind, value: &str, field: impl Into<String>) {
        if value.is_empty() {
            return;
        }
        let field = field.into();
        let owner = Owner { index: self.index, organization: self.label.clone(), field: field.clone() };
        if let Err(first) = self.claims.claim(kind, value, owner) {
            let whose = if first.index == self.index {
                "this organization".to_owned()
            } else {
                format!("organization {}", first.organization)
            };
            self.problem(field, format_args!("{value:?} already belongs to {whose} ({})", first.field));
        }
    }

    /// Notes routes that lead into another organization. Assistants that nobody declares are the provider's business.
    fn routes(&mut self, organization: &Organization) {
        for (index, number) in organization.phone_numbers.iter().enumerate() {
            let route = match &number.route {
                Some(Route::Assistant(id)) => Some((IdentifierKind::AssistantId, id, "route.assistant")),
                Some(Route::Squad(id)) => Some((IdentifierKind::SquadId, id, "route.squad")),
                Some(Route::Destination(_)) | None => None,
            };
            let fallback = number
                .fallback_assistant
                .as_ref()
                .map(|id| (IdentifierKind::AssistantId, id, "fallback_assistant"));
            for (kind, id, part) in route.into_iter().chain(fallback) {
                let foreign = self.claims.owner(kind, id).filter(|owner| owner.index != self.index);
                if let Some(owner) = foreign.map(|owner| owner.organization.clone()) {
                    self.problem(
                        format!("phone_numbers[{index}].{part}"),
                        format_args!("{id:?} belongs to organization {owner}"),
                    );
                }
            }
        }
    }

    fn services(&mut self, services: &[FileService]) -> Vec<Service> {
        let mut names = HashSet::new();
        let mut checked = Vec::new();
        for (index, service) in services.iter().enumerate() {
            let field = |part: &str| format!("services[{index}].{part}");
            let name = self.unique_name(&mut names, &field("name"), &service.name);
            let minutes = service.minutes.unwrap_or(scheduling::DEFAULT_MINUTES);
            self.within(&field("minutes"), minutes, 5, 480);
            self.within(&field("buffer_minutes"), service.buffer_minutes, 0, 240);
            checked.push(Service {
                name,
                minutes,
                buffer_minutes: service.buffer_minutes,
                resources: Vec::new(),
            });
        }
        checked
    }

    fn resources(&mut self, resources: &[FileResource], organization: Uuid) -> Vec<Resource> {
        let mut names = HashSet::new();
        let mut checked = Vec::new();
        for (index, resource) in resources.iter().enumerate() {
            let field = |part: &str| format!("resources[{index}].{part}");
            let name = self.unique_name(&mut names, &field("name"), &resource.name);
            let capacity = resource.capacity.unwrap_or(1);
            self.within(&field("capacity"), capacity, 1, 1000);
            let id = Uuid::new_v5(&organization, format!("resource/{}", name.to_lowercase()).as_bytes());
            checked.push(Resource { id, name, capacity });
        }
        checked
    }

    /// A name that stands once in its list, whatever its case.
    pub(crate) fn unique_name(&mut self, names: &mut HashSet<String>, field: &str, name: &str) -> String {
        let name = self.text(field, name);
        if !names.insert(name.to_lowercase()) {
            self.problem(field, format_args!("{name:?} is given twice"));
        }
        name
    }

    fn within(&mut self, field: &str, value: u16, low: u16, high: u16) {
        if !(low..=high).contains(&value) {
            self.problem(field, format_args!("{value} is not between {low} and {high}"));
        }
    }

    pub(crate) fn hours(&mut self, field: &str, hours: Option<&FileHours>) -> Option<OpeningHours> {
        match OpeningHours::parse(hours?) {
            Ok(hours) => Some(hours),
            Err(error) => {
                self.problem(field, error);
                None
            }
        }
    }

    fn closures(&mut self, closures: Vec<FileClosure>) -> Vec<Closure> {
        let mut checked = Vec::new();
        for (index, closure) in closures.into_iter().enumerate() {
            let from = self.date(&format!("closures[{index}].from"), &closure.from);
            let to = match &closure.to {
                Some(to) => self.date(&format!("closures[{index}].to"), to),
                None => from,
            };
            let (Some(from), Some(to)) = (from, to) else { continue };
            if to < from {
                self.problem(format!("closures[{index}].to"), format_args!("{to} is before {from}"));
            }
            let reason =
                closure.reason.map(|reason| self.text(&format!("closures[{index}].reason"), &reason));
            checked.push(Closure { from, to, reason });
        }
        checked
    }

    fn date(&mut self, field: &str, moment: &Moment) -> Option<NaiveDate> {
        let date = scheduling::parse_date(&moment.0);
        if date.is_none() {
            self.problem(field, format_args!("{:?} is not a date such as 2026-12-24", moment.0));
        }
        date
    }

    fn settings(&mut self, settings: Map<String, Value>) -> Settings {
        let wrong = |key: &str, fits: fn(&Value) -> bool| settings.get(key).is_some_and(|value| !fits(value));
        if wrong("endpointing_timeout_seconds", |v| v.as_f64().is_some_and(|n| (0.0..=15.0).contains(&n))) {
            self.problem("settings.endpointing_timeout_seconds", "it is not a number between 0 and 15");
        }
        if wrong("booking_days_ahead", |v| v.as_u64().is_some_and(|n| (1..=3650).contains(&n))) {
            self.problem("settings.booking_days_ahead", "it is not an integer between 1 and 3650");
        }
        if wrong("unavailable_sentence", |v| v.as_str().is_some_and(|text| !text.trim().is_empty())) {
            self.problem("settings.unavailable_sentence", "it is not a sentence");
        }
        Settings::read(settings)
    }

    fn limits(&mut self, limits: Limits) -> Limits {
        for (name, _) in limits.named().into_iter().filter(|(_, limit)| *limit == Some(0)) {
            let reason = "0 would refuse every message; use active = false for that";
            self.problem(format!("limits.{name}"), reason);
        }
        limits
    }
}
