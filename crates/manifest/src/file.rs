//! The form of the file, as written: nothing here is checked beyond its type.
//!
//! No type derives `Debug`, because secrets pass through. The comments of the fields are the text of
//! `docs/organizations-file.md`, which a test derives from these types.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tenant::{Limits, Retention};

#[cfg(test)]
mod tests;

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Every organization that the gateway is to serve.
    pub(crate) organizations: Vec<FileOrganization>,
}

/// An organization with everything that it declares.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileOrganization {
    /// UUID. Left out, it is made from the slug, and is the same in every deployment.
    pub(crate) id: Option<String>,
    /// Short name for people and metadata: 1 to 63 of `a-z`, `0-9` and `-`, not in the form of a UUID.
    pub(crate) slug: String,
    /// As assistants say it; at most 200 characters.
    pub(crate) name: String,
    /// IANA time zone of its bookings; `UTC` when left out.
    pub(crate) timezone: Option<String>,
    /// Two-letter region in which its national numbers are read; `US` when left out.
    pub(crate) region: Option<String>,
    /// Whether its messages are served; `true` when left out.
    pub(crate) active: Option<bool>,
    /// Language tag such as `en` or `es-MX`; `en` when left out.
    pub(crate) primary_language: Option<String>,
    /// Further language tags.
    #[serde(default)]
    pub(crate) secondary_languages: Vec<String>,
    /// The provider's account, as a cross-check.
    pub(crate) vapi_org_id: Option<String>,
    /// Its assistants.
    #[serde(default)]
    pub(crate) assistants: Vec<FileAssistant>,
    /// The provider's ids of its squads.
    #[serde(default)]
    pub(crate) squads: Vec<String>,
    /// Its numbers.
    #[serde(default)]
    pub(crate) phone_numbers: Vec<FilePhoneNumber>,
    /// They prove its messages; at most five count at any one time.
    #[serde(default)]
    pub(crate) credentials: Vec<FileCredential>,
    /// Kinds of appointments.
    #[serde(default)]
    pub(crate) services: Vec<FileService>,
    /// Resources that appointments occupy.
    #[serde(default)]
    pub(crate) resources: Vec<FileResource>,
    /// When appointments may lie: weekdays (`mon` to `sun`) with ranges such as `"09:00-17:00"`. Left out, it is
    /// always open.
    pub(crate) opening_hours: Option<FileHours>,
    /// Whole closed days.
    #[serde(default)]
    pub(crate) closures: Vec<FileClosure>,
    /// Departments that calls are handed to.
    #[serde(default)]
    pub(crate) transfers: Vec<FileTransfer>,
    /// Patterns of files that answer callers' questions, relative to this file; at most 1 MiB each.
    #[serde(default)]
    pub(crate) knowledge: Vec<String>,
    /// How it wants things done. Keys that are not listed are kept as they are.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "tenant::Settings"))]
    pub(crate) settings: Map<String, Value>,
    /// Messages a minute that it may send, by class; the deployment's limits when left out.
    #[serde(default)]
    pub(crate) limits: Limits,
    /// How long its data is kept; the deployment's rule when left out.
    #[serde(default)]
    pub(crate) retention: Retention,
}

pub(crate) type FileHours = BTreeMap<String, Vec<String>>;

/// One of the provider's assistants.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileAssistant {
    /// The provider's id.
    pub(crate) id: String,
    /// The name that callers hear.
    #[serde(default)]
    pub(crate) name: String,
    /// Its purpose, such as `inbound`.
    #[serde(default)]
    pub(crate) role: String,
}

/// A number; at least one of `id`, `number` and `sip_uri` is there.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePhoneNumber {
    /// The provider's id.
    pub(crate) id: Option<String>,
    /// The number, in its national or `+` form.
    pub(crate) number: Option<String>,
    /// SIP URI such as `sip:front@example.com`.
    pub(crate) sip_uri: Option<String>,
    /// For people.
    #[serde(default)]
    pub(crate) label: String,
    /// Where its calls go.
    pub(crate) route: Option<FileRoute>,
    /// The provider's id of the assistant that takes the call when routing fails.
    pub(crate) fallback_assistant: Option<String>,
}

/// Where calls go: exactly one of the three.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileRoute {
    /// To an assistant, by the provider's id.
    pub(crate) assistant: Option<String>,
    /// To a squad, by the provider's id.
    pub(crate) squad: Option<String>,
    /// To a number or SIP URI, at once.
    pub(crate) destination: Option<String>,
}

/// A credential: a `preset`, or a `scheme` with its parts; then its secret and the time in which it counts. Without a
/// secret it keeps the one that is stored.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileCredential {
    /// Its name, unique within the organization.
    pub(crate) label: String,
    /// `vapi-hmac`, `x-vapi-signature`, `x-vapi-secret`, `bearer` or `standard-webhooks`.
    pub(crate) preset: Option<String>,
    /// `hmac`, `bearer` or `secret_header`.
    pub(crate) scheme: Option<String>,
    /// Of `hmac`: `sha256`, `sha512` or `sha1`; the first when left out.
    pub(crate) algorithm: Option<String>,
    /// Of `hmac`: the header that holds the signature; `x-signature` when left out.
    pub(crate) signature_header: Option<String>,
    /// Of `hmac`: the header that holds the time of signing; `x-timestamp` when left out and it is signed.
    pub(crate) timestamp_header: Option<String>,
    /// Of `hmac`: the header that holds the message's id.
    pub(crate) message_id_header: Option<String>,
    /// Of `hmac`: what stands before the signature. Of `bearer`: the word before the token, empty for a bare token.
    pub(crate) prefix: Option<String>,
    /// Of `hmac`: `hex` or `base64`; the first when left out.
    pub(crate) encoding: Option<String>,
    /// Of `hmac`: whether the secret is the base64 of the key; `false` when left out.
    pub(crate) secret_is_base64: Option<bool>,
    /// Of `hmac`: whether the time of signing is signed; `true` when left out.
    pub(crate) include_timestamp: Option<bool>,
    /// Of `hmac`: what is signed; `{timestamp}.{body}` when left out. Between placeholders stands some text, but for the body
    /// beside a timestamp, a method or a URL, and a method in front of a URL.
    pub(crate) payload_format: Option<String>,
    /// Of `bearer` and `secret_header`: the header that holds the secret; `authorization` and `x-vapi-secret` when
    /// left out.
    pub(crate) header: Option<String>,
    /// The secret itself, trimmed: 8 characters at least, and better 16.
    pub(crate) secret: Option<SecretText>,
    /// The environment variable that holds the secret.
    pub(crate) secret_env: Option<String>,
    /// The first instant at which it counts, such as `2027-01-31T00:00:00Z`.
    pub(crate) not_before: Option<Moment>,
    /// The first instant at which it no longer counts.
    pub(crate) not_after: Option<Moment>,
}

/// A kind of appointment.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileService {
    /// Its name, unique within the organization whatever the case.
    pub(crate) name: String,
    /// How long it takes, 5 to 480; 30 when left out.
    pub(crate) minutes: Option<u16>,
    /// How long nothing else may follow, 0 to 240; 0 when left out.
    #[serde(default)]
    pub(crate) buffer_minutes: u16,
}

/// Something that appointments occupy.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileResource {
    /// Its name, unique within the organization whatever the case.
    pub(crate) name: String,
    /// How many appointments it takes at one time, 1 to 1000; 1 when left out.
    pub(crate) capacity: Option<u16>,
}

/// Whole days on which there are no appointments.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileClosure {
    /// The first day, such as `2026-12-24`.
    pub(crate) from: Moment,
    /// The last day; the first one when left out.
    pub(crate) to: Option<Moment>,
    /// Why, for people.
    pub(crate) reason: Option<String>,
}

/// A department; it has either a number or a SIP URI.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FileTransfer {
    /// Its name, unique within the organization whatever the case.
    pub(crate) department: String,
    /// The number, in its national or `+` form.
    pub(crate) number: Option<String>,
    /// SIP URI such as `sip:billing@example.com`.
    pub(crate) sip_uri: Option<String>,
    /// When it answers, in the form of the organization's; always when left out.
    pub(crate) opening_hours: Option<FileHours>,
}

/// A date or instant as text; TOML may also write it bare.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub(crate) struct Moment(pub(crate) String);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a date or an instant")]
        enum Either {
            Text(String),
            Bare(toml::value::Datetime),
        }
        Ok(Self(match Either::deserialize(deserializer)? {
            Either::Text(text) => text,
            Either::Bare(moment) => moment.to_string(),
        }))
    }
}

/// A secret as written. Of a secret of another type the error does not say more than that, for serde would quote it.
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
pub(crate) struct SecretText(pub(crate) String);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a secret in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(text.to_owned()))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<SecretText, E> {
                Err(E::custom("a secret is written in quotes"))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<SecretText, E> {
                Err(E::custom("a secret is written in quotes"))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<SecretText, E> {
                Err(E::custom("a secret is written in quotes"))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<SecretText, E> {
                Err(E::custom("a secret is written in quotes"))
            }
        }

        // `deserialize_str` would let the JSON reader refuse, and quote, the value on its own.
        deserializer.deserialize_any(Text)
    }
}
