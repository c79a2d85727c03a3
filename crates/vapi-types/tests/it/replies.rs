//! The exact bodies of replies.

use serde_json::{Map, Value, json};
use vapi_types::reply::{
    AssistantRequestReply, ConversationUpdateReply, Document, EndpointingReply, FunctionCallReply,
    HandoffReply, HandoffTarget, KnowledgeReply, PhoneDestination, PredialReply, ToolCallsReply, ToolResult,
    TransferDestination, TransferReply,
};
use vapi_types::{AssistantId, MessageKind, Reply, SquadId, ToolCall, ToolCallId};

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.to_json()).unwrap()
}

pub(crate) fn call(id: &str, name: &str) -> ToolCall {
    ToolCall::new(ToolCallId::new(id), name, Map::new())
}

pub(crate) fn variables() -> Map<String, Value> {
    Map::from_iter([("variableValues".to_owned(), json!({ "organization": "Northgate Dental" }))])
}

#[test]
fn nothing_is_an_empty_object() {
    assert_eq!(Reply::Empty.to_json(), b"{}");
}

#[test]
fn tool_results_are_single_lines_in_order() {
    let reply = Reply::ToolCalls(ToolCallsReply::new(vec![
        ToolResult::result(&call("a", "book"), "Booked.\n\nSee you\r\non Monday!"),
        ToolResult::error(&call("b", "list"), "appointmentDate is missing\u{0}\n"),
        ToolResult::value(&call("", ""), &json!({ "slots": ["09:00", "line\nbreak"] })),
    ]));
    let text = String::from_utf8(reply.to_json()).unwrap();
    assert!(!text.contains('\n'));
    assert_eq!(
        body(&reply),
        json!({ "results": [
        { "toolCallId": "a", "name": "book", "result": "Booked. See you on Monday!" },
        { "toolCallId": "b", "name": "list", "error": "appointmentDate is missing" },
        { "toolCallId": "", "name": "", "result": "{\"slots\":[\"09:00\",\"line\\nbreak\"]}" },
    ] })
    );
}

#[test]
fn assistants_are_chosen() {
    let assistant = AssistantRequestReply::assistant(AssistantId::new("a-1")).with_overrides(variables());
    let squad = AssistantRequestReply::squad(SquadId::new("s-1")).with_overrides(variables());
    let transient = AssistantRequestReply::transient(Map::from_iter([("name".to_owned(), json!("Sarah"))]));
    let forward = PhoneDestination::number("+15552010199").with_extension("7").with_message("One\nmoment.");
    let values = json!({ "variableValues": { "organization": "Northgate Dental" } });
    for (reply, expected) in [
        (assistant, json!({ "assistantId": "a-1", "assistantOverrides": values })),
        (squad, json!({ "squadId": "s-1", "squadOverrides": values })),
        (transient, json!({ "assistant": { "name": "Sarah" } })),
        (
            AssistantRequestReply::forward(forward).with_overrides(variables()),
            json!({ "destination": { "type": "number", "number": "+15552010199", "extension": "7", "message": "One moment." } }),
        ),
        (
            AssistantRequestReply::error("We are\nclosed.").with_overrides(variables()),
            json!({ "error": "We are closed." }),
        ),
    ] {
        assert_eq!(body(&Reply::AssistantRequest(reply)), expected);
    }
}

#[test]
fn calls_are_transferred_and_handed_off() {
    let sip =
        TransferReply::to(PhoneDestination::sip("sip:front@example.com").into()).with_message("One moment.");
    assert_eq!(
        body(&Reply::Transfer(sip)),
        json!({ "destination": { "type": "sip", "sipUri": "sip:front@example.com" },
                "message": { "type": "request-start", "content": "One moment." } })
    );
    let assistant = TransferReply::to(TransferDestination::Assistant { name: "Marcy".to_owned() });
    assert_eq!(
        body(&Reply::Transfer(assistant)),
        json!({ "destination": { "type": "assistant", "assistantName": "Marcy" } })
    );
    let handoff = HandoffReply::to(HandoffTarget::Id(AssistantId::new("a-2")))
        .with_overrides(variables())
        .with_result("Done.");
    assert_eq!(
        body(&Reply::Handoff(handoff)),
        json!({ "destination": { "type": "assistant", "assistantId": "a-2",
                                 "assistantOverrides": { "variableValues": { "organization": "Northgate Dental" } } },
                "result": "Done." })
    );
}

#[test]
fn knowledge_is_a_list_of_documents() {
    let documents =
        vec![Document::new("Open\nfrom nine.", 0.75).with_uuid("d-1"), Document::new("", f64::NAN)];
    let expected = json!([{ "content": "Open\nfrom nine.", "similarity": 0.75, "uuid": "d-1" }, { "content": "", "similarity": 0.0 }]);
    assert_eq!(
        body(&Reply::Knowledge(KnowledgeReply::new(documents.clone()))),
        json!({ "documents": expected })
    );
    assert_eq!(
        body(&Reply::ConversationUpdate(ConversationUpdateReply::new("Open from nine.", documents))),
        json!({ "success": true, "context": "Open from nine.", "chunks": expected })
    );
}

#[test]
fn small_answers() {
    assert_eq!(body(&Reply::FunctionCall(FunctionCallReply::new("a\nb"))), json!({ "result": "a b" }));
    assert_eq!(body(&Reply::Predial(PredialReply::new(true))), json!({ "eligible": true }));
    assert_eq!(body(&Reply::Endpointing(EndpointingReply::new(20.0))), json!({ "timeoutSeconds": 15.0 }));
}

#[test]
fn refusals_have_the_shape_of_their_kind() {
    let calls = [call("a", "book"), call("b", "list")];
    for (kind, expected) in [
        ("assistant-request", json!({ "error": "Not now." })),
        (
            "tool-calls",
            json!({ "results": [{ "toolCallId": "a", "name": "book", "error": "Not now." },
                                { "toolCallId": "b", "name": "list", "error": "Not now." }] }),
        ),
        ("function-call", json!({ "result": "Not now." })),
        ("transfer-destination-request", json!({ "error": "Not now." })),
        ("handoff-destination-request", json!({ "error": "Not now." })),
        ("knowledge-base-request", json!({ "documents": [] })),
        ("call.endpointing.request", json!({ "timeoutSeconds": 0.4 })),
        ("campaign.predial", json!({ "eligible": false })),
    ] {
        let reply = Reply::refusal(&MessageKind::parse(kind), &calls, "Not\nnow.").unwrap();
        assert_eq!(body(&reply), expected, "{kind}");
    }
    for kind in ["voice-request", "status-update", "hang", "conversation-update", "nonsense", ""] {
        assert_eq!(Reply::refusal(&MessageKind::parse(kind), &calls, "Not now."), None, "{kind}");
    }
}
