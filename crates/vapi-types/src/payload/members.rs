//! The members of one object: read into fields, and written back as they were received.

use serde::Serializer;
use serde::ser::{Error as _, Serialize, SerializeMap};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::json::Json;

/// JSON text that is written as it stands.
pub(crate) struct JsonText<'a>(pub(crate) &'a str);

impl Serialize for JsonText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// A value that is written as the provider writes it.
struct Written<'a, T>(&'a T);

impl<T: Json> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// `null` counts as absent.
fn read<T: Json>(raw: &str) -> Option<T> {
    if raw == "null" { None } else { T::from_json(raw) }
}

/// Members whose field would be written differently from what was received: `null`, a number as text, and the like.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sent(Vec<(&'static str, Box<str>)>);

impl Sent {
    /// Reads a member into its slot; false when it does not fit, and the caller keeps it elsewhere.
    pub(crate) fn read<T: Json>(&mut self, name: &'static str, slot: &mut Option<T>, raw: &str) -> bool {
        // Of a repeated key the last value counts.
        if !self.0.is_empty() {
            self.0.retain(|(sent, _)| *sent != name);
        }
        *slot = read(raw);
        match slot {
            Some(value) if value.is_as_sent(raw) => {}
            None if raw != "null" => return false,
            _ => self.0.push((name, raw.into())),
        }
        true
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(sent, _)| *sent == name).map(|(_, raw)| &**raw)
    }
}

/// The rest of an object beside its fields.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) extra: Map<String, Value>,
    pub(crate) sent: Sent,
}

/// Keeps a member under its name.
pub(crate) fn keep(extra: &mut Map<String, Value>, key: &str, raw: &str) {
    extra.insert(key.to_owned(), Value::from_json(raw).unwrap_or_else(|| raw.into()));
}

/// Writes the members of one object.
pub(crate) struct Members<M> {
    map: M,
    written: Vec<&'static str>,
}

impl<M: SerializeMap> Members<M> {
    pub(crate) fn new(map: M) -> Self {
        Self { map, written: Vec::new() }
    }

    /// Writes a field: as it was received, unless it has been changed since.
    pub(crate) fn field<T: Json>(
        &mut self,
        sent: &Sent,
        name: &'static str,
        value: Option<&T>,
    ) -> Result<(), M::Error> {
        match (sent.get(name), value) {
            (Some(raw), _) if read::<T>(raw).as_ref() == value => {
                self.map.serialize_entry(name, &JsonText(raw))?;
            }
            (_, Some(value)) => self.map.serialize_entry(name, &Written(value))?,
            (_, None) => return Ok(()),
        }
        self.written.push(name);
        Ok(())
    }

    /// Writes the members without a field. A field that was set later counts for more than what did not fit it.
    pub(crate) fn end(mut self, extra: &Map<String, Value>) -> Result<M::Ok, M::Error> {
        for (name, value) in extra.iter().filter(|(name, _)| !self.written.contains(&name.as_str())) {
            self.map.serialize_entry(name, value)?;
        }
        self.map.end()
    }
}
