//! Messages as the provider sends them.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use vapi_types::CallStatus;
use vapi_types::sample::{self, PhoneCall};

/// The number of the person on the phone.
pub(crate) const CALLER: &str = "+15552013344";

/// A flat `call.started`, as integrators' walkthroughs send it.
#[must_use]
pub(crate) fn call_started(call: &str, assistant: &str) -> Value {
    let mut call = PhoneCall::inbound(call, assistant);
    call.call.customer = Some(sample::customer("+1-555-0123"));
    call.started()
}

/// A message of a kind with its own members, and with a call object, however odd they are.
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
    json!(phone_call(id, assistant).call)
}

fn phone_call(id: &str, assistant: &str) -> PhoneCall {
    let mut call = PhoneCall::inbound(id, assistant);
    call.call.account_id = Some("9f6ddd4b-0000-4000-8000-0000000account".into());
    call.call.customer = Some(sample::customer(CALLER));
    call
}

/// A status of a call.
#[must_use]
pub(crate) fn status_update(id: &str, assistant: &str, status: &str) -> Value {
    phone_call(id, assistant).status_update(CallStatus::parse(status))
}

/// One tool call, as it stands in the lists of a message.
#[must_use]
pub(crate) fn tool_call(id: &str, name: &str, arguments: &Value) -> Value {
    sample::tool_call(id, name, arguments.clone())
}

/// A message of tool calls.
///
/// # Panics
/// If `call` is no object.
#[must_use]
pub(crate) fn tool_calls(call: Value, calls: &[Value]) -> Value {
    PhoneCall::from(serde_json::from_value::<vapi_types::message::Call>(call).unwrap()).tool_calls(calls)
}

/// The arguments of a booking.
#[must_use]
pub(crate) fn booking(date: NaiveDate, time: &str) -> Value {
    let mut arguments = sample::booking(date, time, "Jane Doe", "+15552017788");
    arguments.insert("serviceType".to_owned(), json!("consultation"));
    json!(arguments)
}

/// A message that books one appointment.
#[must_use]
pub(crate) fn book(call_id: &str, assistant: &str, tool_call_id: &str, date: NaiveDate, time: &str) -> Value {
    let book = tool_call(tool_call_id, "bookAppointment", &booking(date, time));
    phone_call(call_id, assistant).tool_calls(&[book])
}
