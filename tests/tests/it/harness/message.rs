//! Messages as the provider sends them.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};

/// The number of the person on the phone.
pub(crate) const CALLER: &str = "+15552013344";

/// A flat `call.started`, as integrators' walkthroughs send it.
#[must_use]
pub(crate) fn call_started(call: &str, assistant: &str) -> Value {
    json!({
        "type": "call.started",
        "call": {"id": call, "assistantId": assistant, "customer": {"number": "+1-555-0123"}},
    })
}

/// A message of a kind with its own members, and with a call object.
///
/// # Panics
/// If `own` is no object.
#[must_use]
pub(crate) fn of_kind(kind: &str, call: Value, own: Value) -> Value {
    let mut message = Map::from_iter([("type".to_owned(), json!(kind)), ("call".to_owned(), call)]);
    match own {
        Value::Object(own) => message.extend(own),
        other => panic!("members are expected, not {other}"),
    }
    json!({"message": message})
}

/// A call object of an assistant.
#[must_use]
pub(crate) fn call(id: &str, assistant: &str) -> Value {
    json!({
        "id": id,
        "orgId": "9f6ddd4b-0000-4000-8000-0000000account",
        "type": "inboundPhoneCall",
        "assistantId": assistant,
        "customer": {"number": CALLER},
    })
}

/// A status of a call.
#[must_use]
pub(crate) fn status_update(id: &str, assistant: &str, status: &str) -> Value {
    of_kind("status-update", call(id, assistant), json!({"status": status}))
}

/// One tool call, as it stands in the lists of a message.
#[must_use]
pub(crate) fn tool_call(id: &str, name: &str, arguments: &Value) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

/// A message of tool calls.
#[must_use]
pub(crate) fn tool_calls(call: Value, calls: &[Value]) -> Value {
    let with_tools: Vec<Value> = calls
        .iter()
        .map(|call| json!({"type": "function", "function": {"name": call["function"]["name"]}, "toolCall": call}))
        .collect();
    of_kind("tool-calls", call, json!({"toolCallList": calls, "toolWithToolCallList": with_tools}))
}

/// The arguments of a booking.
#[must_use]
pub(crate) fn booking(date: NaiveDate, time: &str) -> Value {
    json!({
        "appointmentDate": date.to_string(),
        "appointmentTime": time,
        "patientName": "Jane Doe",
        "patientPhone": "+15552017788",
        "serviceType": "consultation",
    })
}

/// A message that books one appointment.
#[must_use]
pub(crate) fn book(call_id: &str, assistant: &str, tool_call_id: &str, date: NaiveDate, time: &str) -> Value {
    let book = tool_call(tool_call_id, "bookAppointment", &booking(date, time));
    tool_calls(call(call_id, assistant), &[book])
}
