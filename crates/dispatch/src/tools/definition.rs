//! What a tool is called, what it takes, and how its arguments are checked.

use std::time::Duration;

use chrono::{NaiveDate, NaiveTime};
use phrases::{FieldKind, Phrase};
use serde_json::{Map, Value, json};
use tenant::phone::{self, Region};

/// The longest that any tool may take; below the provider's own 20 seconds.
pub(super) const TOOL_DEADLINE: Duration = Duration::from_secs(12);

/// One tool: the single source of its validation, its description for the provider, and its docs.
#[derive(Clone, Copy, Debug)]
pub struct ToolDefinition {
    /// The name that assistants call it by.
    pub name: &'static str,
    /// Further names, compared without regard to case.
    pub aliases: &'static [&'static str],
    /// What it does, for the model that decides to call it.
    pub description: &'static str,
    /// Its arguments; unknown ones are ignored.
    pub fields: &'static [Field],
    /// True when it changes data, so that a repetition must not run it again.
    pub is_effectful: bool,
    /// The longest it may take.
    pub deadline: Duration,
}

/// One argument of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The argument's name.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// False when the tool does without it.
    pub is_required: bool,
    /// What it means, for the model that fills it in.
    pub description: &'static str,
}

impl ToolDefinition {
    /// The JSON Schema of the arguments.
    pub fn schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), schema(field.kind, field.description)))
            .collect();
        let required: Vec<&str> =
            self.fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
        json!({"type": "object", "properties": properties, "required": required})
    }

    /// Checks every argument; the error names the field and what it has to be.
    pub(crate) fn check(
        &self,
        arguments: &Map<String, Value>,
        region: Region,
    ) -> Result<(), Phrase<'static>> {
        for field in self.fields {
            let value = arguments.get(field.name).filter(|value| !is_absent(value));
            match value {
                None if field.is_required => {
                    return Err(Phrase::FieldMissing(field.name, field.kind));
                }
                None => {}
                Some(value) if fits(field.kind, value, region) => {}
                Some(_) => return Err(Phrase::FieldMisfit(field.name, field.kind)),
            }
        }
        Ok(())
    }
}

/// The JSON Schema of one argument.
fn schema(kind: FieldKind, description: &str) -> Value {
    match kind {
        FieldKind::Text(max) => json!({"type": "string", "maxLength": max, "description": description}),
        FieldKind::Date => json!({"type": "string", "format": "date", "description": description}),
        FieldKind::Time => {
            json!({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$", "description": description})
        }
        FieldKind::Phone => json!({"type": "string", "description": description}),
        FieldKind::Email => json!({"type": "string", "format": "email", "description": description}),
        FieldKind::Integer(min, max) => {
            json!({"type": "integer", "minimum": min, "maximum": max, "description": description})
        }
    }
}

/// True when a value is of the kind. Numbers are taken from text too, because models send both.
fn fits(kind: FieldKind, value: &Value, region: Region) -> bool {
    match kind {
        FieldKind::Text(max) => text(value).is_some_and(|text| text.chars().count() <= max),
        FieldKind::Date => date(value).is_some(),
        FieldKind::Time => time(value).is_some(),
        FieldKind::Phone => text(value).is_some_and(|text| phone::normalise(&text, Some(region)).is_some()),
        FieldKind::Email => text(value).is_some_and(|text| is_email(&text)),
        FieldKind::Integer(min, max) => integer(value).is_some_and(|number| (min..=max).contains(&number)),
    }
}

/// Null, empty and blank count as absent: models fill optional fields with all three.
fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A text, or a number as its text; `None` when absent.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A named text argument.
pub(crate) fn text_of(arguments: &Map<String, Value>, name: &str) -> Option<String> {
    arguments.get(name).and_then(text)
}

/// A date, `YYYY-MM-DD`.
pub(crate) fn date(value: &Value) -> Option<NaiveDate> {
    scheduling::parse_date(value.as_str()?.trim())
}

/// A time of day.
pub(crate) fn time(value: &Value) -> Option<NaiveTime> {
    scheduling::parse_time(value.as_str()?.trim())
}

/// A whole number, also when written as text or with an empty fraction.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    let written = text(value)?;
    written.strip_suffix(".0").unwrap_or(&written).parse().ok()
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
    use super::*;

    const DEFINITION: ToolDefinition = ToolDefinition {
        name: "probe",
        aliases: &[],
        description: "For the test.",
        fields: &[
            Field { name: "day", kind: FieldKind::Date, is_required: true, description: "" },
            Field { name: "at", kind: FieldKind::Time, is_required: false, description: "" },
            Field { name: "phone", kind: FieldKind::Phone, is_required: false, description: "" },
            Field { name: "mail", kind: FieldKind::Email, is_required: false, description: "" },
            Field { name: "length", kind: FieldKind::Integer(15, 240), is_required: false, description: "" },
            Field { name: "note", kind: FieldKind::Text(5), is_required: false, description: "" },
        ],
        is_effectful: false,
        deadline: Duration::from_secs(1),
    };

    fn check(arguments: &Value) -> Result<(), Phrase<'static>> {
        DEFINITION.check(arguments.as_object().unwrap(), "US".parse().unwrap())
    }

    #[test]
    fn what_models_send_is_taken() {
        for arguments in [
            json!({"day": "2026-11-24"}),
            json!({"day": "2026-11-24", "at": "14:30", "phone": "(555) 201-0100", "mail": "a@b.co", "length": "30"}),
            json!({"day": "2026-11-24", "at": null, "phone": "", "mail": " ", "length": 30.0, "note": 12345, "other": {}}),
        ] {
            assert_eq!(check(&arguments), Ok(()), "{arguments}");
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
            (json!({"day": "2026-11-24", "at": "25:00"}), "at"),
            (json!({"day": "2026-11-24", "phone": "anonymous"}), "phone"),
            (json!({"day": "2026-11-24", "mail": "nobody"}), "mail"),
            (json!({"day": "2026-11-24", "length": 241}), "length"),
            (json!({"day": "2026-11-24", "length": "soon"}), "length"),
            (json!({"day": "2026-11-24", "note": "too long"}), "note"),
            (json!({"day": ["2026-11-24"]}), "day"),
        ] {
            let named = match check(&arguments).unwrap_err() {
                Phrase::FieldMissing(named, _) | Phrase::FieldMisfit(named, _) => named,
                other => panic!("{other:?}"),
            };
            assert_eq!(named, field, "{arguments}");
        }
    }
}
