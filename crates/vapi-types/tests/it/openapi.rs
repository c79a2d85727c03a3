//! Holds the types against the provider's published description, where a copy of it is at hand.
//!
//! Bodies are generated from every schema of a server message, and replies are checked against the schemas of
//! the responses. The copy is not part of the project: without it these tests say so and pass.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use vapi_types::message::*;
use vapi_types::reply::{
    AssistantRequestReply, Document, EndpointingReply, HandoffReply, HandoffTarget, KnowledgeReply,
    PhoneDestination, PredialReply, ToolCallsReply, ToolResult, TransferDestination, TransferReply,
};
use vapi_types::{
    AssistantId, CallStatus, EndedReason, Envelope, EnvelopeShape, MessageKind, Reply, Role, ServerMessage,
    SpeechStatus, SquadId, TranscriptType,
};

use crate::replies::{call, variables};
use crate::support::{expected_identifiers, identifiers};

/// Deeper than any member that has a field of its own.
const MAX_DEPTH: usize = 4;

pub(crate) struct Description(Value);

impl Description {
    pub(crate) fn as_json(&self) -> &Value {
        &self.0
    }

    pub(crate) fn load() -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vapi/openapi.json");
        match fs::read(&path) {
            Ok(text) => Some(Self(serde_json::from_slice(&text).unwrap())),
            Err(_) => {
                println!("skipped: there is no copy of the published description");
                None
            }
        }
    }

    fn schemas(&self) -> &Map<String, Value> {
        self.0["components"]["schemas"].as_object().unwrap()
    }

    /// Follows a reference, if the schema is one.
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(path) => self.0.pointer(path.trim_start_matches('#')).unwrap(),
            None => schema,
        }
    }

    /// The names of the schemas of one union.
    fn union(&self, schema: &str, property: &str) -> Vec<String> {
        let members = self.schemas()[schema]["properties"][property]["oneOf"].as_array().unwrap();
        members
            .iter()
            .map(|member| member["$ref"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
            .collect()
    }

    /// Makes a value: all properties or the required ones, the `variant`th choice of each union.
    fn generate(&self, schema: &Value, all: bool, variant: usize, depth: usize) -> Value {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            return self.generate(&choices[variant % choices.len()], all, variant, depth);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = Map::new();
            for part in parts {
                match self.generate(part, all, variant, depth) {
                    Value::Object(part) => whole.extend(part),
                    other => return other,
                }
            }
            return Value::Object(whole);
        }
        if let Some(choices) = schema["enum"].as_array() {
            return choices[variant % choices.len()].clone();
        }
        match schema["type"].as_str() {
            Some("string") if schema["format"] == "date-time" => json!("2025-11-03T15:04:05.123Z"),
            Some("string") => json!("text"),
            Some("number" | "integer") => schema.get("minimum").cloned().unwrap_or(json!(1)),
            Some("boolean") => json!(true),
            Some("array") if all && depth < MAX_DEPTH => {
                json!([self.generate(&schema["items"], all, variant, depth + 1)])
            }
            Some("array") => json!([]),
            _ => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let properties = schema["properties"].as_object().into_iter().flatten();
                let wanted = properties
                    .filter(|(name, _)| required.contains(&json!(name)) || (all && depth < MAX_DEPTH));
                wanted
                    .map(|(name, schema)| (name.clone(), self.generate(schema, all, variant, depth + 1)))
                    .collect()
            }
        }
    }

    /// A value's faults against its schema.
    fn faults(&self, value: &Value, schema: &Value, path: &str) -> Vec<String> {
        let schema = self.resolve(schema);
        if let Some(choices) = schema["oneOf"].as_array() {
            let each: Vec<_> = choices.iter().map(|choice| self.faults(value, choice, path)).collect();
            return if each.iter().any(Vec::is_empty) { Vec::new() } else { each.concat() };
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return parts.iter().flat_map(|part| self.faults(value, part, path)).collect();
        }
        let mut faults = Vec::new();
        let fits = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") | None => value.is_object(),
            Some(other) => panic!("unforeseen type {other}"),
        };
        if !fits {
            faults.push(format!("{path} is not of type {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|choices| !choices.contains(value)) {
            faults.push(format!("{path} is none of {}", schema["enum"]));
        }
        let (number, bound) = (value.as_f64(), |bound: &str| schema[bound].as_f64());
        if number.is_some_and(|number| bound("minimum").is_some_and(|limit| number < limit)) {
            faults.push(format!("{path} is below its minimum"));
        }
        if number.is_some_and(|number| bound("maximum").is_some_and(|limit| number > limit)) {
            faults.push(format!("{path} is above its maximum"));
        }
        for element in value.as_array().into_iter().flatten() {
            faults.extend(self.faults(element, &schema["items"], &format!("{path}[]")));
        }
        if let (Some(members), Some(properties)) = (value.as_object(), schema["properties"].as_object()) {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if !members.contains_key(name) {
                    faults.push(format!("{path}.{name} is missing"));
                }
            }
            for (name, member) in members {
                match properties.get(name) {
                    Some(schema) => faults.extend(self.faults(member, schema, &format!("{path}.{name}"))),
                    None => faults.push(format!("{path}.{name} is not described")),
                }
            }
        }
        faults
    }

    /// A message's faults against the schema of its type.
    pub(crate) fn message_faults(&self, message: &Value) -> Vec<String> {
        let is_of_type = |name: &String| {
            let types = self.schemas()[name]["properties"]["type"]["enum"].as_array().unwrap();
            types.contains(&message["type"])
        };
        let name = self.union("ServerMessage", "message").into_iter().find(is_of_type).unwrap();
        self.faults(message, &self.schemas()[&name], &name)
    }

    /// Every message of every schema: its type and its object.
    fn messages(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for name in self.union("ServerMessage", "message") {
            let schema = &self.schemas()[&name];
            for text in schema["properties"]["type"]["enum"].as_array().unwrap() {
                // Six variants reach every choice of the unions that have a field.
                for variant in 0..6 {
                    for all in [false, true] {
                        let mut message = self.generate(schema, all, variant, 0);
                        message["type"] = text.clone();
                        found.push((text.as_str().unwrap().to_owned(), message));
                    }
                }
            }
        }
        found
    }
}

#[test]
fn every_described_message_parses_as_its_kind() {
    let Some(description) = Description::load() else { return };
    let messages = description.messages();
    assert!(messages.len() >= 29 * 12, "only {} messages", messages.len());
    for (text, message) in messages {
        for (shape, body) in
            [(EnvelopeShape::Nested, json!({ "message": message })), (EnvelopeShape::Flat, message.clone())]
        {
            let bytes = body.to_string();
            let envelope = Envelope::parse(bytes.as_bytes()).unwrap();
            let kind = MessageKind::parse(&text);
            assert!(!matches!(kind, MessageKind::Unknown(_)), "{text} is not known");
            assert_eq!((envelope.kind(), envelope.head().shape), (&kind, shape));
            assert_eq!(&*envelope.head().type_text, text);
            assert_eq!(identifiers(envelope.head()), expected_identifiers(&body), "{text}");

            let read = envelope.message().unwrap();
            assert_eq!(read.kind(), kind);
            assert_eq!(json!(read), message, "{text}");
            // Every described member has a field, and its value fits.
            assert_eq!(read.extra().unwrap(), &Map::new(), "{text}");
            if let Some(call) = message.get("call") {
                let found = read.call().unwrap();
                assert_eq!(found.id.as_ref().unwrap().as_str(), call["id"]);
                assert_eq!(found.account_id.as_ref().unwrap().as_str(), call["orgId"]);
                assert!(found.created_at.is_some());
                assert_eq!(envelope.head().call_id(), call["id"].as_str());
            }
        }
    }
}

#[test]
fn some_described_facts_are_read() {
    let Some(description) = Description::load() else { return };
    let mut seen = 0;
    for (_, message) in description.messages() {
        let body = message.to_string();
        let expected = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        match Envelope::parse(body.as_bytes()).unwrap().message().unwrap() {
            ServerMessage::EndOfCallReport(report) => {
                assert_eq!(report.ended_reason().map(|reason| reason.as_str()), expected("/endedReason"));
                assert_eq!(
                    report.transcript(),
                    expected("/artifact/transcript").or(expected("/call/artifact/transcript"))
                );
                assert_eq!(
                    report.summary(),
                    expected("/analysis/summary").or(expected("/call/analysis/summary"))
                );
                seen += 1;
            }
            ServerMessage::ToolCalls(calls) => {
                let expected = message.pointer("/toolCallList").and_then(Value::as_array).unwrap();
                assert_eq!(calls.calls().len(), expected.len());
                for (call, expected) in calls.calls().iter().zip(expected) {
                    assert_eq!(call.id.as_str(), expected["id"]);
                    assert_eq!(call.name, expected["function"]["name"]);
                }
                seen += 1;
            }
            ServerMessage::StatusUpdate(update) => {
                assert_eq!(Some(update.status.as_str()), expected("/status"));
                seen += 1;
            }
            _ => {}
        }
    }
    assert_eq!(seen, 3 * 12);
}

#[test]
fn made_messages_fit_their_described_schemas() {
    let Some(description) = Description::load() else { return };
    let at = "2025-11-03T15:04:05.123Z".parse::<DateTime<Utc>>().unwrap();
    let turns = || {
        let mut turn = Turn::default();
        (turn.role, turn.content) = (Some(Role::User), Some("Hi".to_owned()));
        Turns::from_iter([turn])
    };
    let session = || Session::new("session-1", "account-1", at, at);
    let chat = || Chat::new("chat-1", "account-1", at, at);
    let contact = CampaignContact::new("contact-1", "campaign-1", "account-1", "+15552010142", at);
    let made = [
        json!(AssistantRequest::new()),
        json!(ConversationUpdate::new(turns())),
        json!(EndOfCallReport::new(Artifact::default(), EndedReason::Voicemail, Analysis::default())),
        json!(HandoffDestinationRequest::new(json!({}))),
        json!(Hang::new()),
        json!(KnowledgeBaseRequest::new(turns())),
        json!(ModelOutput::new(json!({}))),
        json!(PhoneCallControl::new("hang-up")),
        json!(SpeechUpdate::new(SpeechStatus::Started, Role::User)),
        json!(StatusUpdate::new(CallStatus::Ended)),
        json!(ToolCallsMessage::new(json!([]), json!([]))),
        json!(TransferDestinationRequest::new()),
        json!(TransferUpdate::new()),
        json!(Transcript::new(Role::User, TranscriptType::Final, "Hi")),
        json!(UserInterrupted::new()),
        json!(LanguageChange::new(MessageKind::LanguageChangeDetected, "en")),
        json!(VoiceInput::new("Hi")),
        json!(AssistantSpeechStarted::new("Hi")),
        json!(VoiceRequest::new("Hi", 24_000.0)),
        json!(EndpointingRequest::new(turns())),
        json!(ChatEvent::new(MessageKind::ChatCreated, chat())),
        json!(ChatEvent::new(MessageKind::ChatDeleted, chat())),
        json!(SessionEvent::new(MessageKind::SessionCreated, session())),
        json!(SessionEvent::new(MessageKind::SessionUpdated, session())),
        json!(SessionEvent::new(MessageKind::SessionDeleted, session())),
        json!(CallDeleted::new()),
        json!(CallDeleteFailed::new()),
        json!(ArtifactUpload::new(Vec::new())),
        json!(CampaignPredial::new("campaign-1", contact)),
    ];
    let types: BTreeSet<String> = made.iter().map(|message| message["type"].to_string()).collect();
    assert_eq!(types.len(), description.union("ServerMessage", "message").len());
    for message in made {
        assert_eq!(description.message_faults(&message), Vec::<String>::new());
    }
}

#[test]
fn replies_fit_their_described_schemas() {
    let Some(description) = Description::load() else { return };
    let number = || PhoneDestination::number("+15552010199").with_extension("7").with_message("One moment.");
    let sip = || PhoneDestination::sip("sip:front@example.com").with_message("One moment.");
    let replies = vec![
        (
            "AssistantRequest",
            Reply::AssistantRequest(
                AssistantRequestReply::assistant(AssistantId::new("a")).with_overrides(variables()),
            ),
        ),
        (
            "AssistantRequest",
            Reply::AssistantRequest(
                AssistantRequestReply::squad(SquadId::new("s")).with_overrides(variables()),
            ),
        ),
        (
            "AssistantRequest",
            Reply::AssistantRequest(AssistantRequestReply::transient(Map::new()).with_overrides(variables())),
        ),
        ("AssistantRequest", Reply::AssistantRequest(AssistantRequestReply::forward(number()))),
        ("AssistantRequest", Reply::AssistantRequest(AssistantRequestReply::forward(sip()))),
        ("AssistantRequest", Reply::AssistantRequest(AssistantRequestReply::error("Closed."))),
        (
            "ToolCalls",
            Reply::ToolCalls(ToolCallsReply::new(vec![
                ToolResult::result(&call("a", "n"), "Done.").with_metadata(Map::new()),
                ToolResult::error(&call("b", "n"), "Failed."),
            ])),
        ),
        (
            "TransferDestinationRequest",
            Reply::Transfer(TransferReply::to(number().into()).with_message("One moment.")),
        ),
        ("TransferDestinationRequest", Reply::Transfer(TransferReply::to(sip().into()))),
        (
            "TransferDestinationRequest",
            Reply::Transfer(TransferReply::to(TransferDestination::Assistant { name: "Marcy".to_owned() })),
        ),
        ("TransferDestinationRequest", Reply::Transfer(TransferReply::error("Closed."))),
        (
            "HandoffDestinationRequest",
            Reply::Handoff(HandoffReply::to(HandoffTarget::Name("Marcy".to_owned())).with_result("Done.")),
        ),
        (
            "KnowledgeBaseRequest",
            Reply::Knowledge(KnowledgeReply::new(vec![Document::new("c", 0.5).with_uuid("u")])),
        ),
        ("KnowledgeBaseRequest", Reply::Knowledge(KnowledgeReply::default())),
        ("CallEndpointingRequest", Reply::Endpointing(EndpointingReply::new(99.0))),
        ("CampaignPredial", Reply::Predial(PredialReply::new(true))),
    ];
    for (name, reply) in &replies {
        let schema = &description.schemas()[&format!("ServerMessageResponse{name}")];
        assert_eq!(description.faults(&reply.to_value(), schema, name), Vec::<String>::new());
    }
    // Every response that is JSON was tried; audio is not.
    let mut described = description.union("ServerMessageResponse", "messageResponse");
    described.retain(|name| name != "ServerMessageResponseVoiceRequest");
    for name in described {
        assert!(replies.iter().any(|(tried, _)| name == format!("ServerMessageResponse{tried}")), "{name}");
    }
    // The target of a handoff is described apart from its response.
    for target in [HandoffTarget::Id(AssistantId::new("a")), HandoffTarget::Transient(Map::new())] {
        let reply = Reply::Handoff(HandoffReply::to(target).with_overrides(variables())).to_value();
        let schema = &description.schemas()["HandoffDestinationAssistant"];
        assert_eq!(description.faults(&reply["destination"], schema, "destination"), Vec::<String>::new());
    }
    // The check itself finds what is wrong.
    let schema = &description.schemas()["ServerMessageResponseToolCalls"];
    let wrong = json!({ "results": [{ "toolCallId": 1, "resultt": "x" }] });
    assert_eq!(description.faults(&wrong, schema, "").len(), 3);
}
