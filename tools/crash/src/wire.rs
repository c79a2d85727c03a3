//! Messages as bytes, and what an answer means.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use vapi_types::message::{ConversationUpdate, Transcript, Turn, Turns};
use vapi_types::sample::{self, PhoneCall};
use vapi_types::{CallStatus, Role, TranscriptType};

use super::fleet::Organization;
use super::plan::{Booking, MINUTES, Message, STATUSES, What};

/// The longest that the gateway may take: the provider itself gives up after 20 s.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// The host that recordings lie on. It is never called.
pub(crate) const RECORDINGS: &str = "https://recordings.example/";

/// How many turns a conversation has. Conversations are long, and the gateway has to hold them while it waits.
const TURNS: u32 = 400;

/// Writes one delivery of a message. `delivery` makes its bytes unlike those of every other.
pub(crate) fn body(message: &Message, organization: &Organization, delivery: u64) -> Vec<u8> {
    let at = DateTime::<Utc>::from_timestamp_millis(message.timestamp_ms).unwrap_or_default();
    let mut call = PhoneCall::inbound(message.call.to_string(), organization.assistant.to_string());
    call.call.created_at = Some(at);
    call.common.timestamp = Some(at);
    call.common.customer = Some(sample::customer(&caller(message)));
    // The address of a recording is signed anew for each delivery; its path says which message this is.
    let recording = format!("{RECORDINGS}{}.wav?X-Signature={delivery:016x}", message.marker);
    let artifact = call.common.artifact.get_or_insert_default();
    artifact.recording_url = Some(recording.clone());
    let body = match &message.what {
        What::Status(index) => call.status_update(CallStatus::parse(STATUSES.get(*index).unwrap_or(&""))),
        What::Transcript => {
            let said = format!("I am {}.", message.marker);
            call.message(Transcript::new(Role::User, TranscriptType::Final, said), |own| &mut own.common)
        }
        What::Conversation => {
            let turns = |put: fn(&mut Turn, String)| -> Turns {
                let turn = |turn| {
                    let mut said = Turn::default();
                    said.role = Some(Role::User);
                    put(&mut said, format!("{turn}: {}.", message.marker));
                    said
                };
                (0..TURNS).map(turn).collect()
            };
            let mut update = ConversationUpdate::new(turns(|turn, text| turn.content = Some(text)));
            update.messages = Some(turns(|turn, text| turn.message = Some(text)));
            call.message(update, |own| &mut own.common)
        }
        What::Report { is_fuller } => {
            let summary = format!("Call {}.", message.call);
            let mut report = sample::report(at, at, &message.transcript(), &summary);
            report.total_cost = Some(if *is_fuller { 0.06 } else { 0.05 });
            report.common.artifact.get_or_insert_default().recording_url = Some(recording);
            call.end_of_call_report(report)
        }
        What::Booking(booking) => call.tool_calls(&[tool_call(booking)]),
    };
    body.to_string().into_bytes()
}

fn tool_call(booking: &Booking) -> Value {
    let time = booking.starts_at.format("%H:%M").to_string();
    let mut arguments = sample::booking(booking.starts_at.date(), &time, &booking.patient, sample::CALLER);
    arguments.insert("duration".to_owned(), MINUTES.into());
    sample::tool_call(&booking.tool_call_id, "bookAppointment", arguments)
}

/// A few dozen callers, so that calls meet in their contacts.
fn caller(message: &Message) -> String {
    format!("+155520102{:02}", message.call.as_u128() % 64)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Taken for good. A tool call has a result.
    Acknowledged(Option<String>),
    /// Not taken: it is to be sent again.
    Refused,
    /// A tool call that was turned away before anybody could say whose it is. The promise of an answer that can be
    /// spoken begins with the proof, and the proof needs the directory.
    Unproven,
    /// No answer that the provider's protocol or the gateway's promise allows.
    Wrong(String),
}

/// Judges an answer.
pub(crate) fn judge(message: &Message, status: u16, body: &str) -> Verdict {
    let wrong = || {
        let body: String = body.chars().take(300).collect();
        Verdict::Wrong(format!("{} {} was answered {status} {body}", message.what.kind(), message.marker))
    };
    let answer: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
    let is_unavailable = answer.get("code").and_then(Value::as_str) == Some("unavailable");
    match (&message.what, status) {
        (What::Booking(booking), 200) => results(booking, &answer).unwrap_or_else(wrong),
        (What::Booking(_), 503) if is_unavailable => Verdict::Unproven,
        (_, 503) if is_unavailable => Verdict::Refused,
        (What::Conversation, 200) if answer.get("success") == Some(&Value::Bool(true)) => {
            Verdict::Acknowledged(None)
        }
        (What::Status(_) | What::Transcript | What::Report { .. }, 200) if body.trim() == "{}" => {
            Verdict::Acknowledged(None)
        }
        _ => wrong(),
    }
}

/// Reads the one result of the one tool call; `None` when it is not what the call asked for.
fn results(booking: &Booking, answer: &Map<String, Value>) -> Option<Verdict> {
    let [Value::Object(entry)] = answer.get("results")?.as_array()?.as_slice() else { return None };
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    if text("toolCallId") != Some(&booking.tool_call_id) || text("name") != Some("bookAppointment") {
        return None;
    }
    match (text("result"), text("error")) {
        (None, Some(sentence)) if !sentence.is_empty() => Some(Verdict::Refused),
        (Some(result), None) if result == booking.confirmation() => {
            Some(Verdict::Acknowledged(Some(result.to_owned())))
        }
        (Some(result), None) if booking.is_contested && result.starts_with("That time is already taken") => {
            Some(Verdict::Acknowledged(Some(result.to_owned())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::dice::Dice;

    fn message(what: What) -> Message {
        Message { marker: "m-1".to_owned(), organization: 0, call: Uuid::nil(), timestamp_ms: 1_000, what }
    }

    fn booking(is_contested: bool) -> Message {
        message(What::Booking(Booking {
            tool_call_id: "t".to_owned(),
            starts_at: "2026-11-24T14:30:00".parse().unwrap(),
            patient: "Jane".to_owned(),
            is_contested,
        }))
    }

    fn answered(message: &Message, id: &str, key: &str, text: &str) -> Verdict {
        let answer = json!({ "results": [{ "toolCallId": id, "name": "bookAppointment", key: text }] });
        judge(message, 200, &answer.to_string())
    }

    #[test]
    fn deliveries_differ_in_bytes_only_where_the_provider_lets_them() {
        let organization = Organization::new(&mut Dice::new(1));
        let message = message(What::Transcript);
        let (one, two) = (body(&message, &organization, 1), body(&message, &organization, 2));
        assert_ne!(one, two);
        let pointer = "/message/artifact";
        let without = |bytes: &[u8]| {
            let mut tree: Value = serde_json::from_slice(bytes).unwrap();
            *tree.pointer_mut(pointer).unwrap() = Value::Null;
            tree
        };
        assert_eq!(without(&one), without(&two));
    }

    #[test]
    fn events_are_acknowledged_by_200_and_refused_by_503_alone() {
        let status = message(What::Status(1));
        assert_eq!(judge(&status, 200, "{}"), Verdict::Acknowledged(None));
        assert_eq!(judge(&status, 503, r#"{"code":"unavailable"}"#), Verdict::Refused);
        for (code, body) in [(200, ""), (200, r#"{"results":[]}"#), (500, "{}"), (401, "{}"), (503, "proxy")]
        {
            assert!(matches!(judge(&status, code, body), Verdict::Wrong(_)), "{code} {body}");
        }
        let conversation = message(What::Conversation);
        assert_eq!(judge(&conversation, 200, r#"{"success":true}"#), Verdict::Acknowledged(None));
        assert!(matches!(judge(&conversation, 200, "{}"), Verdict::Wrong(_)));
    }

    #[test]
    fn a_booking_is_confirmed_refused_or_lost_to_another_and_nothing_else() {
        let confirmed = "The appointment for Jane is booked for Tuesday, November 24 at 2:30 PM.";
        let taken = "That time is already taken. I could offer nothing.";
        let acknowledged = |text: &str| Verdict::Acknowledged(Some(text.to_owned()));
        assert_eq!(answered(&booking(false), "t", "result", confirmed), acknowledged(confirmed));
        assert_eq!(answered(&booking(true), "t", "result", taken), acknowledged(taken));
        assert_eq!(answered(&booking(false), "t", "error", "Please try again."), Verdict::Refused);
        assert_eq!(judge(&booking(false), 503, r#"{"code":"unavailable"}"#), Verdict::Unproven);
        for wrong in [
            answered(&booking(false), "t", "result", taken),
            answered(&booking(false), "u", "result", confirmed),
            answered(&booking(false), "t", "result", "Booked."),
            judge(&booking(false), 503, r#"{"code":"other"}"#),
            judge(&booking(false), 429, r#"{"code":"unavailable"}"#),
            judge(&booking(false), 200, "{}"),
        ] {
            assert!(matches!(wrong, Verdict::Wrong(_)), "{wrong:?}");
        }
    }
}
