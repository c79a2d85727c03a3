//! Any split of the same messages into batches gives the same rows.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use serde_json::{Map, json};
use uuid::Uuid;

use super::*;
use crate::ledger::{CallUpdate, ReportUpdate};
use crate::record::{CallerUpdate, NewEvent};
use crate::repo::{ContactId, EventVerdict};

/// The work of the two databases around the fold, over tables in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tables {
    /// By organization and key.
    pub(crate) events: BTreeMap<(Uuid, String), Event>,
    pub(crate) calls: BTreeMap<(Uuid, String), Call>,
    pub(crate) reports: BTreeMap<(Uuid, String), CallReport>,
    pub(crate) contacts: BTreeMap<(Uuid, String), Contact>,
    pub(crate) pins: BTreeSet<(String, Uuid)>,
    /// Organization, key and call.
    pub(crate) alarms: BTreeSet<(Uuid, String, Option<String>)>,
}

/// A row of the inbox.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Of the request that came first, as the name of it below.
    pub(crate) call: Option<String>,
    pub(crate) deliveries: i32,
    body: Vec<u8>,
    pub(crate) body_bytes: i32,
    /// The request that came first.
    pub(crate) request: String,
}

impl Tables {
    /// A third party has pinned one call of each organization.
    pub(crate) fn contested() -> Self {
        let stranger = Uuid::from_u128(99);
        Self { pins: (0..3).map(|org| (format!("call-{org}-0"), stranger)).collect(), ..Self::default() }
    }

    pub(crate) fn record(&mut self, entries: &[Entry]) -> Vec<Recorded> {
        let mut all = Vec::new();
        let groups = groups(entries);
        for group in &groups {
            let org = group.org.as_uuid();
            let changes = group.fold(self.look(group)).unwrap();
            for call in &changes.calls {
                assert!(self.calls.insert((org, call.vapi_call_id.clone()), call.clone()).is_some());
            }
            for report in &changes.reports {
                self.reports.insert((org, report.vapi_call_id.clone()), report.clone());
            }
            for contact in &changes.contacts {
                let phone = contact.phone.clone().unwrap();
                assert_eq!(self.contacts.insert((org, phone), contact.clone()).unwrap().id, contact.id);
            }
            for call in &changes.erased {
                self.reports.remove(&(org, (*call).to_owned()));
                let told = self.events.iter_mut().filter(|((owner, _), _)| *owner == org);
                for (_, event) in told.filter(|(_, event)| event.call.as_deref() == Some(call)) {
                    (event.body, event.body_bytes) = (Vec::new(), 0);
                }
            }
            for alarm in &changes.alarms {
                let raised = (org, alarm.event.dedupe_key.clone(), alarm.event.vapi_call_id.clone());
                assert!(self.alarms.insert(raised), "an alarm is raised once a message");
            }
            all.extend(changes.recorded);
        }
        in_order(all)
    }

    fn look(&mut self, group: &Group<'_>) -> Found {
        let org = group.org.as_uuid();
        let mut found = Found::default();
        for delivery in group.deliveries() {
            let Delivery { first: Record { event: first, .. }, fullest, count } = delivery;
            let row = self.events.entry((org, first.dedupe_key.clone())).or_insert_with(|| Event {
                call: first.vapi_call_id.clone(),
                deliveries: 0,
                body: fullest.body.clone(),
                body_bytes: fullest.body_bytes,
                request: first.request_id.clone(),
            });
            row.deliveries += count;
            if row.body_bytes > 0 && row.body_bytes < fullest.body_bytes {
                (row.body, row.body_bytes) = (fullest.body.clone(), fullest.body_bytes);
            }
            found.deliveries.push(row.deliveries);
        }
        for call in group.ledger_calls() {
            let row = self
                .calls
                .entry((org, call.to_owned()))
                .or_insert_with(|| Call::new(call.to_owned(), DateTime::UNIX_EPOCH));
            found.calls.push(row.clone());
        }
        for call in group.reported_calls() {
            found.reports.extend(self.reports.get(&(org, call.to_owned())).cloned());
        }
        for call in group.calls() {
            if self.calls.get(&(org, call.to_owned())).is_some_and(Call::is_erased) {
                found.erased.insert(call.to_owned());
            }
        }
        for (phone, call) in group.phones() {
            if !call.is_some_and(|call| found.erased.contains(call)) {
                let row =
                    self.contacts.entry((org, phone.to_owned())).or_insert_with(|| new_contact(org, phone));
                found.contacts.push(row.clone());
            }
        }
        for call in group.calls() {
            self.pins.insert((call.to_owned(), org));
            if self.pins.iter().any(|(pinned, other)| pinned == call && *other != org) {
                found.contested.insert(call.to_owned());
            }
        }
        found
    }
}

fn id(org: Uuid, name: &str) -> Uuid {
    Uuid::new_v5(&org, name.as_bytes())
}

fn new_contact(org: Uuid, phone: &str) -> Contact {
    Contact {
        id: ContactId(id(org, phone)),
        name: String::new(),
        phone: Some(phone.to_owned()),
        email: None,
        language: None,
        do_not_call: false,
        last_call_at: None,
    }
}

/// A message as a test names it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) org: u128,
    key: u8,
    /// Without one, it belongs to no call.
    call: Option<u8>,
    body: usize,
    /// Its rank in the ledger; none for a message of the inbox alone.
    rank: Option<i16>,
    caller: Option<u8>,
    has_alarm: bool,
    /// It says that its call was deleted, and nothing else of it.
    erases: bool,
}

/// A message that moves the call, and adds a member of its own to the metadata; even ones report.
fn said(rank: i16) -> CallUpdate {
    let report = ReportUpdate { duration_ms: Some(rank.into()), ..ReportUpdate::default() };
    CallUpdate {
        at: Some(instant(usize::try_from(rank).unwrap())),
        status: Some((rank, format!("rank {rank}"))),
        metadata: Map::from_iter([(format!("m{rank}"), rank.into())]),
        report: (rank % 2 == 0).then(|| Box::new(report)),
        ..CallUpdate::default()
    }
}

fn phone(caller: u8) -> String {
    format!("+1202555{:04}", 100 + u16::from(caller))
}

fn instant(seconds: usize) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(i64::try_from(seconds).unwrap())
}

fn entry(place: usize, message: &Message) -> Entry {
    let call = message.call.map(|call| format!("call-{}-{call}", message.org));
    let mut record = Record::new(&NewEvent {
        kind: "status-update",
        vapi_call_id: call.as_deref(),
        dedupe_key: &format!("k{}", message.key),
        verdict: EventVerdict::Accepted,
        trace: "{}",
        body: &vec![b'x'; message.body],
        request_id: &format!("request-{place}"),
        received_at: instant(place),
    });
    if message.erases {
        let at = Some(instant(place));
        record = record.with_call_update(CallUpdate { at, erases: true, ..CallUpdate::default() });
    } else if let Some(rank) = message.rank {
        let customer_number = message.caller.map(phone);
        record = record.with_call_update(CallUpdate { customer_number, ..said(rank) });
    }
    if let Some(caller) = message.caller {
        record = record.with_caller(CallerUpdate {
            number: phone(caller),
            name: Some(format!("name-{place}")),
            email: message.has_alarm.then(|| format!("{place}@example.org")),
            last_call_at: Some(instant(1000 - place)),
        });
    }
    if message.has_alarm {
        record = record.with_alarm(json!({"step": "assistant_id"}));
    }
    Entry { org: OrgId::new(Uuid::from_u128(message.org)), record: Arc::new(record) }
}

pub(crate) fn entries(messages: &[Message]) -> Vec<Entry> {
    messages.iter().enumerate().map(|(place, message)| entry(place, message)).collect()
}

pub(crate) fn messages() -> impl Strategy<Value = Vec<Message>> {
    let message = (
        0_u128..3,
        0_u8..6,
        prop::option::of(0_u8..3),
        1_usize..6,
        prop::option::of(0_i16..5),
        prop::option::of(0_u8..3),
        any::<bool>(),
        prop::bool::weighted(0.1),
    );
    let message = message.prop_map(|(org, key, call, body, rank, caller, has_alarm, erases)| Message {
        org,
        key,
        call,
        body,
        rank,
        caller,
        has_alarm,
        erases,
    });
    prop::collection::vec(message, 0..40)
}

proptest! {
    #[test]
    fn any_split_gives_the_same_rows(
        messages in messages(),
        cuts in prop::collection::vec(any::<bool>(), 40),
    ) {
        let entries = entries(&messages);
        let mut one_by_one = Tables::contested();
        let expected: Vec<_> =
            entries.iter().flat_map(|entry| one_by_one.record(std::slice::from_ref(entry))).collect();

        let mut in_batches = Tables::contested();
        let mut recorded = Vec::new();
        let mut batch = Vec::new();
        for (entry, is_cut) in entries.iter().zip(&cuts) {
            batch.push(entry.clone());
            if *is_cut {
                recorded.extend(in_batches.record(&std::mem::take(&mut batch)));
            }
        }
        recorded.extend(in_batches.record(&batch));
        prop_assert_eq!(&recorded, &expected);
        prop_assert_eq!(&in_batches, &one_by_one);

        let mut at_once = Tables::contested();
        prop_assert_eq!(&at_once.record(&entries), &expected);
        prop_assert_eq!(&at_once, &one_by_one);
    }

    /// Contacts are filled in the order of the messages, and so are the inbox's counts; what is kept of calls is not.
    #[test]
    fn any_order_gives_the_same_calls((messages, shuffled) in messages().prop_flat_map(|messages| {
        let entries = entries(&messages);
        (Just(entries.clone()), Just(entries).prop_shuffle())
    })) {
        let (mut told, mut otherwise) = (Tables::contested(), Tables::contested());
        told.record(&messages);
        for entry in &shuffled {
            otherwise.record(std::slice::from_ref(entry));
        }
        prop_assert_eq!(&told.calls, &otherwise.calls);
        prop_assert_eq!(&told.reports, &otherwise.reports);
        for tables in [&told, &otherwise] {
            for ((org, call), _) in tables.calls.iter().filter(|(_, call)| call.is_erased()) {
                let mut own = tables.events.iter().filter(|((owner, _), _)| owner == org);
                prop_assert!(own.all(|(_, event)| event.call.as_ref() != Some(call) || event.body.is_empty()));
                prop_assert!(!tables.reports.contains_key(&(*org, call.clone())));
            }
        }
    }

    /// The same, told without the code under test.
    #[test]
    fn a_batch_does_what_its_messages_say(mut messages in messages()) {
        for message in &mut messages {
            message.erases = false;
        }
        let entries = entries(&messages);
        let mut tables = Tables::contested();
        let recorded = tables.record(&entries);
        let mut seen = HashSet::new();
        for (place, (message, recorded)) in messages.iter().zip(&recorded).enumerate() {
            let org = Uuid::from_u128(message.org);
            let same: Vec<_> =
                messages.iter().filter(|it| (it.org, it.key) == (message.org, message.key)).collect();
            let event = &tables.events[&(org, format!("k{}", message.key))];
            prop_assert_eq!(usize::try_from(event.deliveries).unwrap(), same.len());
            let longest = same.iter().map(|it| it.body).max();
            prop_assert_eq!(usize::try_from(event.body_bytes).ok(), longest);
            let is_first = seen.insert((message.org, message.key));
            prop_assert_eq!(recorded.is_new, is_first);
            prop_assert_eq!(is_first, event.request == format!("request-{place}"));
            prop_assert_eq!(recorded.is_contested, message.call == Some(0));
            prop_assert_eq!(recorded.has_contact, message.caller.is_some());
            if is_first {
                let call = message.call.map(|call| format!("call-{}-{call}", message.org));
                let key = (org, format!("k{}", message.key), call);
                prop_assert_eq!(tables.alarms.contains(&key), message.call == Some(0) && message.has_alarm);
            }
            if let (Some(call), Some(_)) = (message.call, message.rank) {
                let said = messages.iter().filter(|it| (it.org, it.call) == (message.org, Some(call)));
                let ranks: BTreeSet<_> = said.filter_map(|it| it.rank).collect();
                let key = (org, format!("call-{}-{call}", message.org));
                let row = &tables.calls[&key];
                prop_assert_eq!(row.status_rank, *ranks.last().unwrap());
                let members: BTreeSet<_> = row.metadata.as_object().unwrap().keys().cloned().collect();
                prop_assert_eq!(members, ranks.iter().map(|rank| format!("m{rank}")).collect());
                let reported = ranks.iter().rev().find(|rank| **rank % 2 == 0);
                let report = tables.reports.get(&key).and_then(|report| report.duration_ms);
                prop_assert_eq!(report, reported.map(|rank| i64::from(*rank)));
            }
            if let Some(caller) = message.caller {
                let first = messages.iter().position(|it| (it.org, it.caller) == (message.org, Some(caller)));
                let row = &tables.contacts[&(org, phone(caller))];
                prop_assert_eq!(&row.name, &format!("name-{}", first.unwrap()));
                prop_assert_eq!(row.last_call_at, Some(instant(1000 - first.unwrap())));
            }
        }
        prop_assert_eq!(tables.events.len(), seen.len());
    }
}

#[test]
fn statements_go_in_the_order_of_their_keys() {
    let message = |org, key, call, rank| Message {
        org,
        key,
        call: Some(call),
        body: 1,
        rank,
        caller: Some(9 - key),
        has_alarm: false,
        erases: false,
    };
    let messages = [
        message(2, 3, 2, Some(1)),
        message(1, 5, 1, None),
        message(2, 1, 1, Some(1)),
        message(2, 2, 0, None),
    ];
    let entries = entries(&messages);
    let groups = groups(&entries);
    assert_eq!(groups.iter().map(|group| group.org.as_uuid().as_u128()).collect::<Vec<_>>(), [1, 2]);
    let group = &groups[1];
    let keys: Vec<_> =
        group.deliveries().iter().map(|delivery| delivery.first.event.dedupe_key.clone()).collect();
    assert_eq!(keys, ["k1", "k2", "k3"]);
    assert_eq!(group.ledger_calls(), ["call-2-1", "call-2-2"]);
    assert_eq!(group.other_calls(), [("call-2-0", true)]);
    assert_eq!(group.calls(), ["call-2-0", "call-2-1", "call-2-2"]);
    let phones: Vec<_> = group.phones().into_iter().map(|(phone, call)| (phone.to_owned(), call)).collect();
    let of_calls = [(6, "call-2-2"), (7, "call-2-0"), (8, "call-2-1")];
    assert_eq!(phones, of_calls.map(|(caller, call)| (phone(caller), Some(call))));
    assert_eq!(group.now(), instant(3));
}

#[test]
fn organizations_that_share_a_call_meet() {
    let messages = [(1, "shared"), (2, "shared"), (2, "own"), (3, "other")];
    let entries = messages.map(|(org, call)| {
        let message = Message {
            org,
            key: 1,
            call: None,
            body: 1,
            rank: None,
            caller: None,
            has_alarm: false,
            erases: false,
        };
        let mut entry = entry(0, &message);
        Arc::make_mut(&mut entry.record).event.vapi_call_id = Some(call.to_owned());
        entry
    });
    let meetings = meetings(&groups(&entries));
    let shared = HashSet::from(["shared".to_owned()]);
    let org = |number| OrgId::new(Uuid::from_u128(number));
    assert_eq!(meetings, HashMap::from([(org(1), shared.clone()), (org(2), shared)]));
}

#[test]
fn a_row_that_is_not_there_is_told() {
    let message = Message {
        org: 1,
        key: 1,
        call: Some(1),
        body: 1,
        rank: Some(1),
        caller: None,
        has_alarm: false,
        erases: false,
    };
    let entries = [entry(0, &message)];
    let refused = groups(&entries)[0].fold(Found::default());
    assert!(matches!(refused, Err(StorageError::Inconsistent { table: "call_logs", .. })));
}
