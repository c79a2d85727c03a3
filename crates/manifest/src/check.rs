//! From the form of the file to what it declares, with every mistake noted on the way.

use std::collections::HashSet;
use std::str::FromStr;

use chrono::NaiveDate;
use scheduling::{Closure, OpeningHours, Resource, Service};
use serde_json::{Map, Value};
use tenant::{Assistant, IdentifierKind, Limits, Organization, Profile, Route, Settings};
use uuid::Uuid;

use crate::checker::Checker;
use crate::error::{ManifestError, Problem};
use crate::file::{
    File, FileAssistant, FileClosure, FileHours, FileOrganization, FileResource, FileService, Moment,
};
use crate::organization_id;
use crate::source::Source;

/// Turns the form into values, with what is taken and had better be otherwise.
pub(crate) fn check(
    file: File,
    source: &Source<'_>,
) -> Result<(Vec<Organization>, Vec<Problem>), ManifestError> {
    let mut checker = Checker::new(source);
    let mut organizations = Vec::new();
    for (index, organization) in file.organizations.into_iter().enumerate() {
        checker.index = index;
        checker.label = match organization.slug.trim() {
            "" => format!("number {}", index + 1),
            slug => slug.to_owned(),
        };
        organizations.push(checker.organization(organization));
    }
    for (index, organization) in organizations.iter().enumerate() {
        let Some(organization) = organization else { continue };
        checker.index = index;
        checker.label.clone_from(&organization.slug);
        checker.routes(organization);
    }
    match checker.problems {
        problems if problems.is_empty() => {
            Ok((organizations.into_iter().flatten().collect(), checker.warnings))
        }
        problems => Err(ManifestError::Invalid(problems)),
    }
}

impl Checker<'_> {
    /// The organization; `None` only when a mistake was noted.
    fn organization(&mut self, file: FileOrganization) -> Option<Organization> {
        self.slug(&file.slug);
        let id = self.id(file.id.as_deref(), &file.slug);
        let name = self.text("name", &file.name);
        let timezone = self.parse("timezone", file.timezone.as_deref(), "an IANA time zone");
        let region = self.named("region", file.region.as_deref().unwrap_or("US"));
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
        let assistants = file.assistants.into_iter().enumerate();
        let assistants = assistants.map(|(index, FileAssistant { id, name, role })| {
            let id = self.own_id(IdentifierKind::AssistantId, &format!("assistants[{index}].id"), &id);
            Assistant { id, name, role }
        });
        let assistants = assistants.collect();
        let squads = file.squads.iter().enumerate();
        let squads =
            squads.map(|(index, id)| self.own_id(IdentifierKind::SquadId, &format!("squads[{index}]"), id));
        Some(Organization {
            id,
            active: file.active.unwrap_or(true),
            vapi_org_id,
            assistants,
            squads: squads.collect(),
            phone_numbers: self.phone_numbers(file.phone_numbers, region),
            credentials: self.credentials(file.credentials),
            services: self.services(file.services),
            resources: self.resources(file.resources, id),
            opening_hours: self.hours("opening_hours", file.opening_hours.as_ref()),
            closures: self.closures(file.closures),
            transfers: self.transfers(file.transfers, region),
            knowledge: self.knowledge(&file.knowledge),
            limits: self.limits(file.limits),
            retention: file.retention,
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
        let id = self.parse("id", declared, "a UUID").unwrap_or_else(|| organization_id(slug));
        if id.is_nil() {
            self.problem("id", "the nil UUID names no organization");
        }
        self.claim(IdentifierKind::Organization, &id.to_string(), "id");
        id
    }

    /// Parses a declared value; a wrong one is noted, and `None` like an absent one.
    fn parse<T: FromStr>(&mut self, field: &str, text: Option<&str>, what: &str) -> Option<T> {
        let text = text?;
        self.noted(field, text.trim().parse().ok().ok_or_else(|| format!("{text:?} is not {what}")))
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

    /// Notes routes that lead into another organization.
    fn routes(&mut self, organization: &Organization) {
        for (index, number) in organization.phone_numbers.iter().enumerate() {
            let field = |part: &str| format!("phone_numbers[{index}].{part}");
            match &number.route {
                Some(Route::Assistant(id)) => {
                    self.not_foreign(IdentifierKind::AssistantId, id, &field("route.assistant"));
                }
                Some(Route::Squad(id)) => {
                    self.not_foreign(IdentifierKind::SquadId, id, &field("route.squad"));
                }
                Some(Route::Destination(_)) | None => {}
            }
            if let Some(id) = &number.fallback_assistant {
                self.not_foreign(IdentifierKind::AssistantId, id, &field("fallback_assistant"));
            }
        }
    }

    fn services(&mut self, services: Vec<FileService>) -> Vec<Service> {
        let mut names = HashSet::new();
        let check = |(index, service): (usize, FileService)| {
            let field = |part: &str| format!("services[{index}].{part}");
            let name = self.unique_name(&mut names, &field("name"), &service.name);
            let minutes = service.minutes.unwrap_or(scheduling::DEFAULT_MINUTES);
            self.within(&field("minutes"), minutes, 5, 480);
            self.within(&field("buffer_minutes"), service.buffer_minutes, 0, 240);
            Service { name, minutes, buffer_minutes: service.buffer_minutes, resources: Vec::new() }
        };
        services.into_iter().enumerate().map(check).collect()
    }

    fn resources(&mut self, resources: Vec<FileResource>, organization: Uuid) -> Vec<Resource> {
        let mut names = HashSet::new();
        let check = |(index, resource): (usize, FileResource)| {
            let field = |part: &str| format!("resources[{index}].{part}");
            let name = self.unique_name(&mut names, &field("name"), &resource.name);
            let capacity = resource.capacity.unwrap_or(1);
            self.within(&field("capacity"), capacity, 1, 1000);
            let id = Uuid::new_v5(&organization, format!("resource/{}", name.to_lowercase()).as_bytes());
            Resource { id, name, capacity }
        };
        resources.into_iter().enumerate().map(check).collect()
    }

    fn within(&mut self, field: &str, value: u16, low: u16, high: u16) {
        if !(low..=high).contains(&value) {
            self.problem(field, format_args!("{value} is not between {low} and {high}"));
        }
    }

    pub(crate) fn hours(&mut self, field: &str, hours: Option<&FileHours>) -> Option<OpeningHours> {
        self.noted(field, OpeningHours::parse(hours?))
    }

    fn closures(&mut self, closures: Vec<FileClosure>) -> Vec<Closure> {
        let check = |(index, closure): (usize, FileClosure)| {
            let field = |part: &str| format!("closures[{index}].{part}");
            let from = self.date(&field("from"), &closure.from);
            let to = match &closure.to {
                Some(to) => self.date(&field("to"), to),
                None => from,
            };
            let (from, to) = (from?, to?);
            if to < from {
                self.problem(field("to"), format_args!("{to} is before {from}"));
            }
            let reason = closure.reason.map(|reason| self.text(&field("reason"), &reason));
            Some(Closure { from, to, reason })
        };
        closures.into_iter().enumerate().filter_map(check).collect()
    }

    fn date(&mut self, field: &str, Moment(text): &Moment) -> Option<NaiveDate> {
        let date = scheduling::parse_date(text);
        self.noted(field, date.ok_or_else(|| format!("{text:?} is not a date such as 2026-12-24")))
    }

    fn settings(&mut self, settings: Map<String, Value>) -> Settings {
        let settings = Settings::read(settings);
        for (key, reason) in [
            ("endpointing_timeout_seconds", "it is not a number between 0 and 15"),
            ("booking_days_ahead", "it is not an integer between 1 and 3650"),
            ("unavailable_sentence", "it is not a sentence"),
        ] {
            // A known setting is among the others when its value does not fit.
            if settings.other.contains_key(key) {
                self.problem(format!("settings.{key}"), reason);
            }
        }
        settings
    }

    fn limits(&mut self, limits: Limits) -> Limits {
        for (name, _) in limits.named().into_iter().filter(|(_, limit)| *limit == Some(0)) {
            let reason = "0 would refuse every message; use active = false for that";
            self.problem(format!("limits.{name}"), reason);
        }
        limits
    }
}
