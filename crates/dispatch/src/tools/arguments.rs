//! Arguments of a tool: what its struct declares, and how models' own forms of them are read.

use std::collections::BTreeMap;

use phrases::{FieldKind, Phrase};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tenant::phone::{self, Region};

/// The format that marks a text as a phone number. Our own: schemas are published without it.
pub(super) const PHONE: &str = "phone";

/// The description of arguments that a struct gives.
#[derive(Debug)]
pub(super) struct Arguments {
    /// The tool's purpose.
    pub(super) description: String,
    /// The JSON Schema for the model.
    pub(super) schema: Value,
    /// Required ones first.
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    kind: FieldKind,
    is_required: bool,
}

/// A schema as it is derived; a struct without fields has no properties.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Declared {
    description: String,
    properties: BTreeMap<String, Map<String, Value>>,
    required: Vec<String>,
}

impl Arguments {
    pub(super) fn of<T: JsonSchema>() -> Self {
        let schema = Value::from(SchemaGenerator::default().into_root_schema_for::<T>());
        let declared = serde_json::from_value(schema).unwrap_or_default();
        let Declared { description, mut properties, required } = declared;
        let place = |name: &str| required.iter().position(|required| required == name);
        let field = |(name, property): (&String, &mut _)| Field {
            name: name.clone(),
            kind: publish(property),
            is_required: place(name).is_some(),
        };
        let mut fields: Vec<Field> = properties.iter_mut().map(field).collect();
        fields.sort_by_key(|field| place(&field.name).unwrap_or(usize::MAX));
        let schema = json!({"type": "object", "properties": properties, "required": required});
        Self { description, schema, fields }
    }

    /// The arguments in the form that the struct is read from. The error names the field and what it has to be.
    pub(super) fn read(
        &self,
        arguments: &Map<String, Value>,
        region: Region,
    ) -> Result<Map<String, Value>, Phrase<'_>> {
        let mut read = Map::new();
        for Field { name, kind, is_required } in &self.fields {
            match arguments.get(name).filter(|value| !is_absent(value)) {
                None if *is_required => return Err(Phrase::FieldMissing(name, *kind)),
                None => {}
                Some(value) => {
                    let value = value_of(*kind, value, region).ok_or(Phrase::FieldMisfit(name, *kind))?;
                    read.insert(name.clone(), value);
                }
            }
        }
        Ok(read)
    }
}

/// Says what an argument holds, and takes from its schema what is not for the model.
fn publish(property: &mut Map<String, Value>) -> FieldKind {
    // Null is read like an argument left out, and not advertised.
    if let Some(Value::Array(types)) = property.get("type") {
        let value = types.first().cloned().unwrap_or_default();
        property.insert("type".to_owned(), value);
    }
    let number = |name: &str| property.get(name).and_then(Value::as_i64);
    let kind = match (property.get("format").and_then(Value::as_str), number("minimum"), number("maximum")) {
        (Some("date"), ..) => FieldKind::Date,
        (Some("email"), ..) => FieldKind::Email,
        (Some("partial-time"), ..) => FieldKind::Time,
        (Some(PHONE), ..) => FieldKind::Phone,
        (_, Some(min), Some(max)) => FieldKind::Integer(min, max),
        _ => {
            let max = number("maxLength").and_then(|max| usize::try_from(max).ok());
            FieldKind::Text(max.unwrap_or(usize::MAX))
        }
    };
    // JSON Schema does not know the others.
    if !matches!(kind, FieldKind::Date | FieldKind::Email) {
        property.remove("format");
    }
    kind
}

/// Null, empty and blank count as absent: models fill optional fields with all three.
fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A value of the kind in its one form; `None` when it is no such value. Models send numbers as text, and text as numbers.
fn value_of(kind: FieldKind, value: &Value, region: Region) -> Option<Value> {
    let text = || match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    Some(match kind {
        FieldKind::Text(max) => text().filter(|text| text.chars().count() <= max)?.into(),
        FieldKind::Date => scheduling::parse_date(value.as_str()?)?.to_string().into(),
        FieldKind::Time => scheduling::parse_time(value.as_str()?)?.to_string().into(),
        FieldKind::Phone => phone::normalise(&text()?, Some(region))?.into(),
        FieldKind::Email => text().filter(|text| is_email(text))?.into(),
        FieldKind::Integer(min, max) => {
            let written = text()?;
            let number = written.strip_suffix(".0").unwrap_or(&written).parse::<i64>();
            number.ok().filter(|number| (min..=max).contains(number))?.into()
        }
    })
}

fn is_email(text: &str) -> bool {
    let is_clean = text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    is_clean
        && text
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'))
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDate, NaiveTime};

    use super::*;

    /// For the test.
    #[derive(Debug, Deserialize, JsonSchema, PartialEq)]
    struct Probe {
        note: Option<String>,
        /// The day
        day: NaiveDate,
        at: Option<NaiveTime>,
        #[schemars(extend("format" = PHONE))]
        phone: Option<String>,
        #[schemars(email)]
        mail: Option<String>,
        #[schemars(range(min = 15, max = 240))]
        length: Option<u16>,
        #[schemars(length(max = 5))]
        word: Option<String>,
    }

    fn read(arguments: &Value) -> Result<Probe, String> {
        let probe = Arguments::of::<Probe>();
        match probe.read(arguments.as_object().unwrap(), "US".parse().unwrap()) {
            Ok(read) => Ok(serde_json::from_value(Value::Object(read)).unwrap()),
            Err(Phrase::FieldMissing(named, _) | Phrase::FieldMisfit(named, _)) => Err(named.to_owned()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_schema_says_what_the_struct_says_and_nothing_of_ours() {
        let probe = Arguments::of::<Probe>();
        assert_eq!(probe.description, "For the test.");
        assert_eq!(
            probe.schema,
            json!({
                "type": "object",
                "required": ["day"],
                "properties": {
                    "note": {"type": "string"},
                    "day": {"type": "string", "format": "date", "description": "The day"},
                    "at": {"type": "string"},
                    "phone": {"type": "string"},
                    "mail": {"type": "string", "format": "email"},
                    "length": {"type": "integer", "minimum": 15, "maximum": 240},
                    "word": {"type": "string", "maxLength": 5},
                },
            })
        );
    }

    #[test]
    fn what_models_send_is_taken() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
        let bare = Probe { note: None, day, at: None, phone: None, mail: None, length: None, word: None };
        assert_eq!(read(&json!({"day": "2026-11-24"})).unwrap(), bare);
        let blank = json!({"day": "2026-11-24", "at": null, "phone": "", "mail": " ", "other": {}});
        assert_eq!(read(&blank).unwrap(), bare);
        let full = Probe {
            note: Some("Hello".into()),
            day,
            at: NaiveTime::from_hms_opt(14, 30, 0),
            phone: Some("+15552010100".into()),
            mail: Some("a@b.co".into()),
            length: Some(30),
            word: Some("12345".into()),
        };
        for (at, length) in [("14:30", json!(30)), ("2:30 PM", json!(30.0)), ("14:30:00", json!(" 30"))] {
            let arguments = json!({"day": " 2026-11-24", "at": at, "phone": "(555) 201-0100", "mail": "a@b.co ",
                "length": length, "note": " Hello ", "word": 12345});
            assert_eq!(read(&arguments).unwrap(), full, "{arguments}");
        }
    }

    #[test]
    fn a_misfit_is_named() {
        for (arguments, field) in [
            (json!({}), "day"),
            (json!({"day": null}), "day"),
            (json!({"day": "tomorrow"}), "day"),
            (json!({"day": "2026-02-30"}), "day"),
            (json!({"day": 20_261_124}), "day"),
            (json!({"day": ["2026-11-24"]}), "day"),
            (json!({"at": "25:00"}), "day"),
            (json!({"day": "2026-11-24", "at": "25:00"}), "at"),
            (json!({"day": "2026-11-24", "phone": "anonymous"}), "phone"),
            (json!({"day": "2026-11-24", "mail": "nobody"}), "mail"),
            (json!({"day": "2026-11-24", "length": 241}), "length"),
            (json!({"day": "2026-11-24", "length": "soon"}), "length"),
            (json!({"day": "2026-11-24", "word": "too long"}), "word"),
        ] {
            assert_eq!(read(&arguments).unwrap_err(), field, "{arguments}");
        }
    }
}
