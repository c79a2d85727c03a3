//! Every order of a call's messages, with repetitions, gives the same row.

use std::sync::Arc;

use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::record::{NewEvent, Record};
use crate::repo::EventVerdict;

pub(crate) const MESSAGE: NewEvent<'_> = NewEvent {
    kind: "status-update",
    vapi_call_id: Some("call-1"),
    dedupe_key: "k1",
    verdict: EventVerdict::Accepted,
    trace: "{}",
    body: b"{}",
    request_id: "request-1",
    received_at: DateTime::UNIX_EPOCH,
};

fn instant() -> impl Strategy<Value = Option<DateTime<Utc>>> {
    // Few instants, so that messages share them, and one beyond what any clock tells.
    prop::option::of(prop_oneof![
        8 => (0_i64..4).prop_map(|ms| DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_764_000_000_000 + ms)),
        1 => Just(DateTime::<Utc>::MAX_UTC),
    ])
}

fn word() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[ab\0]{1,3}")
}

fn metadata() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![Just(json!(1)), Just(json!("x\0")), Just(json!({"n": [2]}))];
    prop::collection::btree_map("[kl]\0?", value, 0..3).prop_map(|members| members.into_iter().collect())
}

fn report() -> impl Strategy<Value = ReportUpdate> {
    let numbers = (instant(), prop::option::of(0_i64..3), prop::option::of(0_u8..3));
    let texts = (word(), word(), word(), word(), word(), prop::option::of(0_u8..3));
    (numbers, texts).prop_map(|((ended_at, duration_ms, cost), texts)| {
        let (transcript, summary, success_evaluation, recording_url, stereo_recording_url, data) = texts;
        ReportUpdate {
            ended_at,
            duration_ms,
            cost: cost.map(f64::from),
            transcript,
            summary,
            structured_data: data.map(|n| json!({"n\0": [n, "\0"]})),
            success_evaluation,
            recording_url,
            stereo_recording_url,
        }
    })
}

prop_compose! {
    pub(crate) fn update()(
        (at, started_at) in (instant(), instant()),
        status in prop::option::of((1_i16..8, "[st\0]{1,2}")),
        (call_type, vapi_assistant_id, phone_number_id) in (word(), word(), word()),
        (customer_number, ended_reason) in (word(), word()),
        has_url in any::<bool>(),
        metadata in metadata(),
        report in prop::option::of(report()),
        erases in prop::bool::weighted(0.1),
    ) -> CallUpdate {
        let report = report.map(Box::new);
        // One URL for each key: of two with the same the one stays that came first.
        let control_url = has_url.then(|| format!("url\0{}", first(at)));
        let update = CallUpdate { at, status, call_type, vapi_assistant_id, phone_number_id, customer_number, metadata, started_at,
                     ended_reason, control_url, report, erases };
        // As every message comes to the rule.
        Record::new(&MESSAGE).with_call_update(update).call_update.map(Arc::unwrap_or_clone).unwrap()
    }
}

/// The contact that a number has.
pub(crate) fn contact(number: &str) -> uuid::Uuid {
    uuid::Uuid::new_v5(&uuid::Uuid::nil(), number.as_bytes())
}

fn rows(updates: &[CallUpdate]) -> (Call, CallReport) {
    let mut call = Call::new("call-1".to_owned(), DateTime::UNIX_EPOCH);
    let mut report = CallReport::new("call-1".to_owned());
    for update in updates {
        let number = update.customer_number.as_deref().filter(|_| update.report.is_some());
        call.merge(update, number.map(contact));
        if let Some(told) = &update.report {
            report.merge(update.at, told);
        }
    }
    (call, report)
}

fn row(updates: &[CallUpdate]) -> Call {
    rows(updates).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_order_and_any_repetition_gives_the_same_row(
        (messages, shuffled) in prop::collection::vec(update(), 1..6).prop_flat_map(|messages| {
            let twice = [messages.clone(), messages.clone()].concat();
            (Just(messages), Just(twice).prop_shuffle())
        }),
    ) {
        prop_assert_eq!(rows(&messages), rows(&shuffled));
    }

    /// A database takes NUL out, and another order would compare what it has left.
    #[test]
    fn a_row_holds_what_a_database_keeps(messages in prop::collection::vec(update(), 1..6)) {
        let (call, report) = rows(&messages);
        let shown = format!("{call:?}{report:?}{}{}", call.metadata, report.structured_data.clone().unwrap_or_default());
        prop_assert!(!shown.contains("\\0") && !shown.contains("\\u0000"), "{}", shown);
    }

    #[test]
    fn number_and_contact_name_one_person(messages in prop::collection::vec(update(), 1..6)) {
        let call = row(&messages);
        let own = call.customer_number.as_deref().map(contact);
        prop_assert!(call.contact_id.is_none() || call.contact_id == own);
        // Told without the code under test: the person whom the latest report names, else the first message.
        let erased = messages.iter().any(|it| it.erases);
        let reported = messages.iter().any(|it| it.report.is_some() && it.customer_number.is_some());
        prop_assert_eq!(call.contact_id.is_some(), reported && !erased);
    }

    /// An erasure leaves nothing that was said, wherever it stands among the messages.
    #[test]
    fn an_erased_call_holds_no_content(messages in prop::collection::vec(update(), 0..6), place in 0_usize..6) {
        let mut messages = messages;
        messages.insert(place.min(messages.len()), CallUpdate { erases: true, ..CallUpdate::default() });
        let call = row(&messages);
        prop_assert!(call.is_erased());
        prop_assert_eq!((call.customer_number, call.contact_id, call.control_url), (None, None, None));
        prop_assert_eq!(call.metadata, json!({}));
        let decided = call.decided.into_value().to_string();
        prop_assert!(!decided.contains("metadata"), "{decided}");
    }

    /// Told without the code under test: of those who say something, the one that says it last.
    #[test]
    fn the_latest_report_that_has_a_value_decides(reports in prop::collection::vec((0_i64..1000, prop::option::of(0_i64..9)), 1..6)) {
        let updates: Vec<_> = reports.iter().enumerate().map(|(place, (ms, duration_ms))| {
            // No two at one instant.
            let at = DateTime::from_timestamp_millis(ms * 10 + i64::try_from(place).unwrap());
            let report = ReportUpdate { duration_ms: *duration_ms, ..ReportUpdate::default() };
            CallUpdate { at, report: Some(Box::new(report)), ..CallUpdate::default() }
        }).collect();
        let mut told: Vec<_> = updates.iter().filter_map(|it| Some((it.at?, it.report.as_ref()?.duration_ms?))).collect();
        told.sort_unstable();
        prop_assert_eq!(rows(&updates).1.duration_ms, told.last().map(|(_, duration)| *duration));
    }
}

fn at(ms: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(1_764_000_000_000 + ms)
}

#[test]
fn the_first_message_names_who_takes_part_and_the_latest_the_metadata() {
    let say = |ms, assistant: &str, metadata: Value| CallUpdate {
        at: at(ms),
        vapi_assistant_id: Some(assistant.to_owned()),
        metadata: metadata.as_object().cloned().unwrap(),
        ..CallUpdate::default()
    };
    let call =
        row(&[say(2, "second", json!({"lead": 2, "b": 2})), say(1, "first", json!({"lead": 1, "a": 1}))]);
    assert_eq!(call.vapi_assistant_id.as_deref(), Some("first"));
    assert_eq!(call.metadata, json!({"lead": 2, "a": 1, "b": 2}));
}

#[test]
fn the_report_says_who_called() {
    let say = |ms, number: &str, report: Option<Box<ReportUpdate>>| CallUpdate {
        at: at(ms),
        customer_number: Some(number.to_owned()),
        report,
        ..CallUpdate::default()
    };
    let early = [say(2, "second", None), say(1, "first", None)];
    assert_eq!(row(&early).customer_number.as_deref(), Some("first"));
    let call =
        row(&[say(1, "first", None), say(9, "reported", Some(Box::default())), say(0, "zeroth", None)]);
    assert_eq!(call.customer_number.as_deref(), Some("reported"));
    assert_eq!(call.contact_id, Some(contact("reported")));
}

#[test]
fn a_report_outranks_a_later_status() {
    let mut report =
        CallUpdate { at: at(1), ended_reason: Some("hangup".to_owned()), ..CallUpdate::default() };
    report.report = Some(Box::default());
    let status = CallUpdate { at: at(9), ended_reason: Some("unknown".to_owned()), ..CallUpdate::default() };
    assert_eq!(row(&[report, status]).ended_reason.as_deref(), Some("hangup"));
}

#[test]
fn a_value_written_by_hand_yields_to_the_next_message() {
    let mut call = row(&[]);
    call.vapi_assistant_id = Some("zzz".to_owned());
    call.merge(&CallUpdate { vapi_assistant_id: Some("a".to_owned()), ..CallUpdate::default() }, None);
    assert_eq!(call.vapi_assistant_id.as_deref(), Some("a"));
}
