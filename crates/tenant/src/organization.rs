//! An organization as a whole, and the parts that nothing else is about.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use scheduling::{Calendar, Closure, OpeningHours, Resource, Service};
use signature::{Scheme, SecretKey};
use uuid::Uuid;

use crate::kind::IdentifierKind;
use crate::limits::Limits;
use crate::number::PhoneNumber;
use crate::phone::Region;
use crate::retention::Retention;
use crate::settings::Settings;

/// Everything that one organization declares.
#[derive(Clone, Debug)]
pub struct Organization {
    /// As declared, or made from the slug.
    pub id: Uuid,
    /// Short name for people and metadata: `a-z`, `0-9` and `-`.
    pub slug: String,
    /// Whether its messages are served.
    pub active: bool,
    /// The provider's account, as a cross-check.
    pub vapi_org_id: Option<String>,
    /// Its profile.
    pub profile: Profile,
    /// Its own limits.
    pub limits: Limits,
    /// How long its data is kept.
    pub retention: Retention,
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
    /// Resources that appointments occupy; ids are made from the organization's id and the name.
    pub resources: Vec<Resource>,
    /// When appointments may lie; `None` when nothing is declared, which means always.
    pub opening_hours: Option<OpeningHours>,
    /// Whole closed days.
    pub closures: Vec<Closure>,
    /// Whom calls are handed to.
    pub transfers: Vec<Transfer>,
    /// Texts that answer callers' questions.
    pub knowledge: Vec<Document>,
}

/// An organization's name, and how it speaks.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The name that assistants say.
    pub name: String,
    /// The zone of its bookings.
    pub timezone: Tz,
    /// How its national numbers are read.
    pub region: Region,
    /// Language tag, such as `en`.
    pub primary_language: String,
    /// Further language tags.
    pub secondary_languages: Vec<String>,
    /// How it wants things done.
    pub settings: Settings,
}

/// One of the provider's assistants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assistant {
    /// The provider's id.
    pub id: String,
    /// The name that callers hear; may be empty.
    pub name: String,
    /// Its purpose, such as `inbound`; may be empty.
    pub role: String,
}

/// A credential as declared.
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Path relative to the organizations file, unique within the organization.
    pub path: String,
    /// Its first Markdown heading, else the name of the file.
    pub title: String,
    /// Its text.
    pub content: String,
}

impl Profile {
    /// A booking calendar of this profile that is always open and knows no services yet.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        let mut calendar = Calendar::new(self.timezone);
        if let Some(days) = self.settings.booking_days_ahead {
            calendar.booking_days_ahead = days;
        }
        calendar
    }
}

impl Organization {
    /// The identifiers that it declares, its own id and slug aside.
    pub fn identifiers(&self) -> impl Iterator<Item = (IdentifierKind, &str)> {
        let assistants =
            self.assistants.iter().map(|assistant| (IdentifierKind::AssistantId, assistant.id.as_str()));
        let squads = self.squads.iter().map(|squad| (IdentifierKind::SquadId, squad.as_str()));
        let numbers = self.phone_numbers.iter().flat_map(PhoneNumber::identifiers);
        numbers.chain(assistants).chain(squads)
    }

    /// Its booking calendar.
    #[must_use]
    pub fn calendar(&self) -> Calendar {
        let mut calendar = self.profile.calendar();
        calendar.opening_hours = self.opening_hours.clone().unwrap_or_default();
        calendar.closures.clone_from(&self.closures);
        calendar.services.clone_from(&self.services);
        calendar.resources.clone_from(&self.resources);
        calendar
    }
}
