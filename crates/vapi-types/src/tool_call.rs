//! Tool calls: the many forms in which they are sent, and the one that we work with.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::ids::ToolCallId;
use crate::scan::{elements, members};
use crate::text::sanitise;

/// The most calls that are read of one message. Models make a few at once; a body of megabytes could hold a million,
/// each of which takes more room in a list and in an answer than in the body.
pub const MAX_TOOL_CALLS: usize = 1024;

/// One function call of the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// The id that the answer must repeat. As sent: empty if there was none, and not always unique
    /// ([`ToolCallId::is_unique`]).
    pub id: ToolCallId,
    /// The name of the tool; empty if there was none.
    pub name: String,
    /// The model's arguments.
    pub arguments: ToolArguments,
}

impl ToolCall {
    /// A call as it would have been sent.
    #[must_use]
    pub fn new(id: ToolCallId, name: impl Into<String>, arguments: Map<String, Value>) -> Self {
        Self { id, name: name.into(), arguments: ToolArguments::Object(arguments) }
    }
}

/// The arguments of a tool call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ToolArguments {
    /// The arguments by name; empty when none were sent.
    Object(Map<String, Value>),
    /// The text that was sent instead of an object.
    Unreadable(String),
}

impl ToolArguments {
    /// The arguments by name, if they could be read.
    #[must_use]
    pub fn as_object(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Object(arguments) => Some(arguments),
            Self::Unreadable(_) => None,
        }
    }

    /// One argument by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_object()?.get(name)
    }
}

/// Reads the tool calls of a message object.
pub(crate) fn read_all(message: &str) -> Vec<ToolCall> {
    const PLACES: [&str; 5] =
        ["toolCallList", "toolWithToolCallList", "toolCalls", "toolCall", "functionCall"];
    let mut found = [None; PLACES.len()];
    members(message, |key, raw| {
        let slot = PLACES.iter().zip(&mut found).find(|(place, _)| **place == key);
        if let Some((_, slot)) = slot {
            *slot = Some(raw);
        }
    });
    read_first(found)
}

/// Reads the first of several places that has any call: an array of entries, or one entry.
pub(crate) fn read_first<'a>(places: impl IntoIterator<Item = Option<&'a str>>) -> Vec<ToolCall> {
    let mut lists = places.into_iter().flatten().map(|place| {
        let mut list = Listing::default();
        if place.starts_with('{') {
            list.add(place);
        }
        elements(place, |element| list.add(element));
        list.calls
    });
    lists.find(|calls| !calls.is_empty()).unwrap_or_default()
}

/// Calls in the order sent, up to [`MAX_TOOL_CALLS`]: the first of each id. Where the id says nothing, only a true
/// repetition is dropped.
#[derive(Default)]
struct Listing {
    ids: HashSet<ToolCallId>,
    contents: HashSet<String>,
    calls: Vec<ToolCall>,
}

impl Listing {
    fn add(&mut self, json: &str) {
        if self.calls.len() >= MAX_TOOL_CALLS {
            return;
        }
        let Some(call) = entry(json) else { return };
        let is_new = if call.id.is_unique() {
            self.ids.insert(call.id.clone())
        } else {
            // Two nameless calls of one message need two answers, even if they look the same.
            call.id.as_str().is_empty()
                || self.contents.insert(serde_json::to_string(&call).unwrap_or_default())
        };
        if is_new {
            self.calls.push(call);
        }
    }
}

/// The parts of an entry that matter here; the last of repeated keys counts.
#[derive(Default)]
struct Entry<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: Option<&'a str>,
    parameters: Option<&'a str>,
    function: Option<&'a str>,
    tool_call: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn read(json: &'a str) -> Self {
        let mut entry = Self::default();
        members(json, |key, raw| match key {
            "id" => entry.id = Some(raw),
            "name" => entry.name = Some(raw),
            "arguments" => entry.arguments = Some(raw),
            "parameters" => entry.parameters = Some(raw),
            "function" => entry.function = Some(raw),
            "toolCall" => entry.tool_call = Some(raw),
            _ => {}
        });
        entry
    }
}

/// Reads one entry of a list; `None` when it is no object.
fn entry(json: &str) -> Option<ToolCall> {
    if !json.starts_with('{') {
        return None;
    }
    let outer = Entry::read(json);
    // A call beside the definition of its tool: the definition may lend its name. Its `parameters` are the
    // schema of the arguments, never arguments.
    let (call, definition) = match outer.tool_call {
        Some(call) if call.starts_with('{') => (Entry::read(call), outer),
        _ => (outer, Entry::default()),
    };
    let function = call.function.map(Entry::read).unwrap_or_default();
    let defined = definition.function.map(Entry::read).unwrap_or_default();
    let name = [function.name, call.name, defined.name, definition.name];
    let sent = [
        function.arguments,
        function.parameters,
        call.arguments,
        call.parameters,
        defined.arguments,
        definition.arguments,
    ];
    Some(ToolCall {
        id: ToolCallId::new(call.id.and_then(crate::payload::text).unwrap_or_default()),
        name: name.into_iter().flatten().find_map(non_blank).unwrap_or_default(),
        arguments: sent
            .into_iter()
            .flatten()
            .find(|raw| !matches!(*raw, "null" | "\"\""))
            .map_or_else(|| ToolArguments::Object(Map::new()), arguments),
    })
}

fn non_blank(raw: &str) -> Option<String> {
    crate::payload::text(raw).filter(|text| !text.trim().is_empty()).map(Into::into)
}

/// Reads arguments: an object, or an object written as a string.
fn arguments(raw: &str) -> ToolArguments {
    let object = match serde_json::from_str(raw) {
        Ok(Value::Object(object)) => Some(object),
        Ok(Value::String(text)) if text.trim().is_empty() => Some(Map::new()),
        // The inner document has escapes and numbers of its own.
        Ok(Value::String(text)) => match serde_json::from_str(&sanitise(&text)) {
            Ok(Value::Object(object)) => Some(object),
            Ok(Value::Null) => Some(Map::new()),
            _ => return ToolArguments::Unreadable(text),
        },
        _ => None,
    };
    match object {
        Some(object) => ToolArguments::Object(unwrap_schema(object)),
        None => ToolArguments::Unreadable(raw.to_owned()),
    }
}

/// Takes the values out of arguments that are shaped like their own schema, as assistant hooks send them:
/// `{"properties": {"x": {"type": "string", "value": 1}}}` becomes `{"x": 1}`.
fn unwrap_schema(mut object: Map<String, Value>) -> Map<String, Value> {
    const SCHEMA_WORDS: [&str; 5] = ["type", "properties", "required", "description", "additionalProperties"];
    let is_schema = object.keys().all(|key| SCHEMA_WORDS.contains(&key.as_str()))
        && object.get("properties").and_then(Value::as_object).is_some_and(|properties| {
            properties.values().all(Value::is_object)
                && properties.values().any(|property| property.get("value").is_some())
        });
    if !is_schema {
        return object;
    }
    let Some(Value::Object(properties)) = object.remove("properties") else { return object };
    properties
        .into_iter()
        .filter_map(|(name, property)| match property {
            Value::Object(mut property) => Some((name, property.remove("value")?)),
            _ => None,
        })
        .collect()
}
