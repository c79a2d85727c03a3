//! All forms of tool calls give one list.

use serde_json::{Value, json};
use vapi_types::{ServerMessage, ToolArguments, ToolCall, ToolCallId, tool_calls_from};

use crate::support::message;

/// Id, name and arguments of the calls; both ways of reading them must agree.
fn calls(body: &Value) -> Vec<(String, String, Value)> {
    let calls = message(body).tool_calls();
    assert_eq!(tool_calls_from(body.to_string().as_bytes()), calls, "{body}");
    calls.into_iter().map(|call| (call.id.to_string(), call.name, json!(call.arguments))).collect()
}

fn one(id: &str, name: &str, arguments: Value) -> Vec<(String, String, Value)> {
    vec![(id.to_owned(), name.to_owned(), arguments)]
}

fn entry(arguments: &Value) -> Value {
    json!({ "type": "tool-calls", "toolCallList": [{ "id": "t", "function": { "name": "n", "arguments": arguments } }] })
}

#[test]
fn every_place_of_name_and_arguments_is_read() {
    let x = json!({ "x": 1 });
    for call in [
        json!({ "id": "t", "type": "function", "function": { "name": "n", "arguments": x } }),
        json!({ "id": "t", "type": "function", "function": { "name": "n", "arguments": "{\"x\": 1}" } }),
        json!({ "id": "t", "function": { "name": "n", "parameters": x } }),
        json!({ "id": "t", "name": "n", "arguments": x }),
        json!({ "id": "t", "name": "n", "parameters": "{\"x\":1}" }),
        json!({ "id": "t", "name": "n", "function": { "arguments": "" }, "parameters": x }),
    ] {
        let expected = one("t", "n", x.clone());
        assert_eq!(calls(&json!({ "type": "tool-calls", "toolCallList": [call] })), expected);
        assert_eq!(calls(&json!({ "message": { "type": "tool-calls", "toolCalls": [call] } })), expected);
        assert_eq!(calls(&json!({ "type": "tool-calls", "toolCall": call })), expected);
        let wrapped = json!({ "type": "function", "name": "other", "id": "definition", "toolCall": call });
        assert_eq!(calls(&json!({ "type": "tool-calls", "toolWithToolCallList": [wrapped] })), expected);
    }
}

#[test]
fn the_definition_lends_its_name_and_never_its_schema() {
    let body = json!({ "type": "tool-calls", "toolWithToolCallList": [{
        "type": "function",
        "function": { "name": "n", "parameters": { "type": "object", "properties": { "x": { "value": 1 } } } },
        "toolCall": { "id": "t" },
    }] });
    assert_eq!(calls(&body), one("t", "n", json!({})));
}

#[test]
fn the_first_list_with_calls_counts() {
    let call = |id: &str| json!({ "id": id, "name": "n" });
    let lists = |lists: Value| {
        let mut body = lists;
        body["type"] = json!("tool-calls");
        calls(&body).into_iter().map(|(id, ..)| id).collect::<Vec<_>>()
    };
    assert_eq!(
        lists(
            json!({ "toolCalls": [call("c")], "toolWithToolCallList": [{ "toolCall": call("b") }], "toolCallList": [call("a")] })
        ),
        ["a"]
    );
    assert_eq!(
        lists(
            json!({ "toolCalls": [call("c")], "toolWithToolCallList": [{ "toolCall": call("b") }], "toolCallList": [] })
        ),
        ["b"]
    );
    assert_eq!(lists(json!({ "toolCalls": [call("c")], "toolWithToolCallList": null })), ["c"]);
    assert_eq!(lists(json!({ "toolCallList": "?", "functionCall": call("d") })), ["d"]);
    assert_eq!(lists(json!({ "toolCallList": [7, call("a"), null, [], call("b")] })), ["a", "b"]);
}

#[test]
fn ids_are_unique_where_they_mean_something() {
    let list = json!([
        { "id": "a", "name": "first" }, { "id": "b", "name": "n" }, { "id": "a", "name": "second" },
        { "id": "hook-function-call", "name": "h" }, { "id": "hook-function-call", "name": "i" },
        { "id": "hook-function-call", "name": "h" }, { "name": "no-id" }, { "id": null, "name": "no-id" },
    ]);
    let found = calls(&json!({ "type": "tool-calls", "toolCallList": list }));
    let names: Vec<_> = found.iter().map(|(id, name, _)| (id.as_str(), name.as_str())).collect();
    let hook = "hook-function-call";
    assert_eq!(names, [("a", "first"), ("b", "n"), (hook, "h"), (hook, "i"), ("", "no-id"), ("", "no-id")]);
    assert!(
        ToolCallId::new("a").is_unique()
            && !ToolCallId::new(hook).is_unique()
            && !ToolCallId::new("").is_unique()
    );
}

#[test]
fn arguments_are_an_object_or_unreadable() {
    for empty in [json!(null), json!(""), json!("  "), json!("{}"), json!("null"), json!({})] {
        assert_eq!(calls(&entry(&empty)), one("t", "n", json!({})));
    }
    for (sent, text) in [
        (json!("{x"), "{x"),
        (json!("[1]"), "[1]"),
        (json!([1]), "[1]"),
        (json!(7), "7"),
        (json!("word"), "word"),
    ] {
        let ServerMessage::ToolCalls(message) = message(&entry(&sent)) else { panic!("another kind") };
        assert_eq!(message.calls()[0].arguments, ToolArguments::Unreadable(text.to_owned()));
        assert_eq!(message.calls()[0].arguments.get("x"), None);
    }
    let odd = json!(r#"{"name":"a\ud800","n":1e999}"#);
    assert_eq!(calls(&entry(&odd)), one("t", "n", json!({ "name": "a\u{fffd}", "n": "1e999" })));
}

#[test]
fn arguments_shaped_like_a_schema_are_unwrapped() {
    let schema = json!({ "type": "object", "required": ["x"], "properties": {
        "x": { "type": "string", "value": "v" }, "y": { "type": "number", "value": 0 }, "z": { "type": "string" } } });
    assert_eq!(calls(&entry(&schema)), one("t", "n", json!({ "x": "v", "y": 0 })));
    // Arguments that merely resemble one stay.
    for other in [
        json!({ "properties": { "x": { "value": 1 } }, "address": "Elm Street" }),
        json!({ "properties": { "x": 1 } }),
        json!({ "properties": {} }),
        json!({ "properties": { "x": { "type": "string" } } }),
    ] {
        assert_eq!(calls(&entry(&other)), one("t", "n", other));
    }
}

#[test]
fn of_very_many_calls_the_first_are_read() {
    let call = |nth: usize| json!({ "id": format!("t{nth}"), "name": "n" });
    let ids = |body: &Value| calls(body).into_iter().map(|(id, ..)| id).collect::<Vec<_>>();
    let expected: Vec<String> = (0..1024).map(|nth| format!("t{nth}")).collect();
    for count in [1024, 1025, 5000] {
        let list: Vec<Value> = (0..count).map(call).collect();
        assert_eq!(ids(&json!({ "type": "tool-calls", "toolCallList": list })), expected, "{count}");
    }
    // Repetitions take no place, and of calls without an id no more are read.
    let list: Vec<Value> = (0..1024).flat_map(|nth| [call(nth), call(nth)]).collect();
    assert_eq!(ids(&json!({ "type": "tool-calls", "toolCallList": list })), expected);
    assert_eq!(ids(&json!({ "type": "tool-calls", "toolCallList": vec![json!({}); 5000] })).len(), 1024);
}

#[test]
fn the_old_form_is_a_call_without_id() {
    for parameters in [json!({ "x": 1 }), json!("{\"x\":1}")] {
        let body = json!({ "message": { "type": "function-call", "functionCall": { "name": "n", "parameters": parameters } } });
        assert_eq!(calls(&body), one("", "n", json!({ "x": 1 })));
    }
}

#[test]
fn bodies_without_calls_have_none() {
    for body in ["", "[]", "{}", r#"{"type":"hang"}"#, r#"{"message":{"type":"tool-calls"}}"#] {
        assert_eq!(tool_calls_from(body.as_bytes()), Vec::<ToolCall>::new(), "{body}");
    }
}
