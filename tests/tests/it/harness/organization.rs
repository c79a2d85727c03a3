//! Sample organizations, as an operator declares them.

use serde_json::{Value, json};
use test_support::{Headers, sign_x_vapi};
use uuid::{Uuid, uuid};

use super::clock::unix_seconds;

/// An organization and its declaration.
#[derive(Clone, Debug)]
pub(crate) struct Organization {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its slug.
    pub(crate) slug: String,
    /// The provider's id of its main assistant, Sarah.
    pub(crate) assistant: String,
    /// The provider's id of its second assistant, Marcy.
    pub(crate) second_assistant: String,
    /// The provider's id of its number.
    pub(crate) phone_number_id: String,
    /// Its number.
    pub(crate) phone_number: String,
    /// The provider's id of its squad.
    pub(crate) squad: String,
    /// The secret of its own credential.
    pub(crate) secret: String,
    /// Its declaration in the organizations file.
    pub(crate) document: Value,
    /// Files that the declaration names.
    pub(crate) files: Vec<(String, String)>,
}

impl Organization {
    /// A dental clinic in New York that speaks English and is open from 9 to 5 every day.
    #[must_use]
    pub(crate) fn northgate() -> Self {
        Self::new(&Draft {
            id: uuid!("46cf2995-2bee-44e3-838b-24151486fe4e"),
            slug: "northgate-dental",
            name: "Northgate Dental",
            timezone: "America/New_York",
            language: "en",
            assistant: "52b585b4-f84f-44c0-b0fd-4e3641a63a28",
            phone_number_id: "a6e768d3-1f77-4bb1-8a1f-1d1d5b0b0b01",
            phone_number: "+15552010100",
            secret: "northgate: a secret of its own",
            knowledge: "Parking is behind the house, free for two hours.\n",
        })
    }

    /// A plumber in Madrid who speaks Spanish.
    #[must_use]
    pub(crate) fn fontaneria() -> Self {
        Self::new(&Draft {
            id: uuid!("6d593c7a-b00f-47be-8f77-cc4d1231f706"),
            slug: "fontaneria-madrid",
            name: "Fontanería Madrid",
            timezone: "Europe/Madrid",
            language: "es",
            assistant: "61ac96d7-d3f0-4372-bd00-50cd77971175",
            phone_number_id: "09316fa3-2c5e-4d0e-9b7a-6a2f0c0c0c02",
            phone_number: "+34915550142",
            secret: "fontaneria: another secret altogether",
            knowledge: "Las urgencias cuestan cuarenta euros.\n",
        })
    }

    fn new(draft: &Draft) -> Self {
        let Draft { id, slug, name, assistant, phone_number_id, phone_number, secret, .. } = *draft;
        let second_assistant = format!("{assistant}-marcy");
        let squad = format!("squad-of-{slug}");
        let knowledge = format!("{slug}.md");
        let hours: Value = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .map(|day| (day.to_owned(), json!(["09:00-17:00"])))
            .into_iter()
            .collect();
        let document = json!({
            "id": id,
            "slug": slug,
            "name": name,
            "timezone": draft.timezone,
            "region": if draft.language == "es" { "ES" } else { "US" },
            "primary_language": draft.language,
            "assistants": [
                {"id": assistant, "name": "Sarah", "role": "inbound"},
                {"id": second_assistant, "name": "Marcy", "role": "billing"},
            ],
            "squads": [squad],
            "phone_numbers": [
                {"id": phone_number_id, "number": phone_number, "route": {"assistant": assistant}},
            ],
            "credentials": [{"label": "own", "preset": "x-vapi-signature", "secret": secret}],
            "services": [{"name": "consultation", "minutes": 30}],
            "opening_hours": hours,
            "closures": [{"from": "2020-12-25", "reason": "Christmas"}],
            "transfers": [
                {"department": "billing", "number": "+15552010199"},
                {"department": "reception", "number": "+15552010198"},
            ],
            "knowledge": [knowledge],
            "settings": {"endpointing_timeout_seconds": 1.5},
        });
        Self {
            id,
            slug: slug.to_owned(),
            assistant: assistant.to_owned(),
            second_assistant,
            phone_number_id: phone_number_id.to_owned(),
            phone_number: phone_number.to_owned(),
            squad,
            secret: secret.to_owned(),
            document,
            files: vec![(knowledge, draft.knowledge.to_owned())],
        }
    }

    /// The same organization with another value in its declaration.
    ///
    /// # Panics
    /// Never: a declaration is an object.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: Value) -> Self {
        self.document.as_object_mut().unwrap().insert(key.to_owned(), value);
        self
    }

    /// The same organization without something in its declaration.
    ///
    /// # Panics
    /// Never: a declaration is an object.
    #[must_use]
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.document.as_object_mut().unwrap().remove(key);
        self
    }

    /// Signs a body now with the organization's own secret.
    #[must_use]
    pub(crate) fn sign(&self, body: &[u8]) -> Headers {
        sign_x_vapi(&self.secret, unix_seconds(0), body)
    }
}

struct Draft {
    id: Uuid,
    slug: &'static str,
    name: &'static str,
    timezone: &'static str,
    language: &'static str,
    assistant: &'static str,
    phone_number_id: &'static str,
    phone_number: &'static str,
    secret: &'static str,
    knowledge: &'static str,
}
