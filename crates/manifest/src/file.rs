//! The form of the file, as written: nothing here is checked beyond its type.
//!
//! No type derives `Debug`, because secrets pass through.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use tenant::Limits;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) organizations: Vec<FileOrganization>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileOrganization {
    pub(crate) id: Option<String>,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) timezone: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) active: Option<bool>,
    pub(crate) primary_language: Option<String>,
    #[serde(default)]
    pub(crate) secondary_languages: Vec<String>,
    pub(crate) vapi_org_id: Option<String>,
    #[serde(default)]
    pub(crate) assistants: Vec<FileAssistant>,
    #[serde(default)]
    pub(crate) squads: Vec<String>,
    #[serde(default)]
    pub(crate) phone_numbers: Vec<FilePhoneNumber>,
    #[serde(default)]
    pub(crate) credentials: Vec<FileCredential>,
    #[serde(default)]
    pub(crate) services: Vec<FileService>,
    #[serde(default)]
    pub(crate) resources: Vec<FileResource>,
    pub(crate) opening_hours: Option<FileHours>,
    #[serde(default)]
    pub(crate) closures: Vec<FileClosure>,
    #[serde(default)]
    pub(crate) transfers: Vec<FileTransfer>,
    #[serde(default)]
    pub(crate) knowledge: Vec<String>,
    #[serde(default)]
    pub(crate) settings: Map<String, Value>,
    #[serde(default)]
    pub(crate) limits: Limits,
}

pub(crate) type FileHours = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileAssistant {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePhoneNumber {
    pub(crate) id: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) sip_uri: Option<String>,
    #[serde(default)]
    pub(crate) label: String,
    pub(crate) route: Option<FileRoute>,
    pub(crate) fallback_assistant: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileRoute {
    pub(crate) assistant: Option<String>,
    pub(crate) squad: Option<String>,
    pub(crate) destination: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileCredential {
    pub(crate) label: String,
    pub(crate) preset: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) algorithm: Option<String>,
    pub(crate) signature_header: Option<String>,
    pub(crate) timestamp_header: Option<String>,
    pub(crate) message_id_header: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) secret_is_base64: Option<bool>,
    pub(crate) include_timestamp: Option<bool>,
    pub(crate) payload_format: Option<String>,
    pub(crate) header: Option<String>,
    pub(crate) secret: Option<SecretText>,
    pub(crate) secret_env: Option<String>,
    pub(crate) not_before: Option<Moment>,
    pub(crate) not_after: Option<Moment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileService {
    pub(crate) name: String,
    pub(crate) minutes: Option<u16>,
    #[serde(default)]
    pub(crate) buffer_minutes: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileResource {
    pub(crate) name: String,
    pub(crate) capacity: Option<u16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileClosure {
    pub(crate) from: Moment,
    pub(crate) to: Option<Moment>,
    pub(crate) reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileTransfer {
    pub(crate) department: String,
    pub(crate) number: Option<String>,
    pub(crate) sip_uri: Option<String>,
    pub(crate) opening_hours: Option<FileHours>,
}

/// A date or instant as text; TOML may also write it bare.
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
