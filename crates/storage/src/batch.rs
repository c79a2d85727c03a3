//! Records of many messages in one transaction: what is the same on both databases.
//!
//! A transaction takes the records by organization, each organization inside its own setting, and everything in the order
//! of its keys, so that two nodes never wait for each other in a circle. SQLite finds or makes the rows, has the messages
//! folded into them here, and writes back what changed. For PostgreSQL each message becomes a row, which the database
//! merges into the stored one: the ledger's rule gives the same either way.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use org_resolver::OrgId;
use serde_json::Value;
use tenant::phone::Region;
use uuid::Uuid;

use crate::error::StorageError;
use crate::record::{CallerUpdate, Entry, EventRow, Record, Recorded};
use crate::repo::{Call, CallReport, Contact, NewContact};
use crate::text::new_id;

/// The records of one organization, in the order of their arrival.
pub(crate) struct Group<'a> {
    pub(crate) org: OrgId,
    members: Vec<Member<'a>>,
}

struct Member<'a> {
    /// Its place among all records of the transaction.
    index: usize,
    record: &'a Record,
    /// None where an earlier record of the transaction erases the call.
    caller: Option<&'a CallerUpdate>,
    /// The caller's number in its normal form.
    phone: Option<String>,
}

/// One row for the inbox: the deliveries of one message that came together.
pub(crate) struct Delivery<'a> {
    pub(crate) first: &'a Record,
    /// The delivery that says most.
    pub(crate) fullest: &'a EventRow,
    pub(crate) count: i32,
}

/// A group's rows as a transaction found them.
#[derive(Default)]
pub(crate) struct Found {
    /// How often each of [`Group::deliveries`] was delivered by now, in their order.
    pub(crate) deliveries: Vec<i32>,
    /// The rows of [`Group::ledger_calls`], locked.
    pub(crate) calls: Vec<Call>,
    /// The rows that are there of [`Group::reported_calls`].
    pub(crate) reports: Vec<CallReport>,
    /// The rows of [`Group::phones`], locked.
    pub(crate) contacts: Vec<Contact>,
    /// Calls that other organizations have pinned too.
    pub(crate) contested: HashSet<String>,
    /// Calls that were erased.
    pub(crate) erased: HashSet<String>,
}

/// What a group's messages say, as rows.
#[derive(Default)]
pub(crate) struct Told<'a> {
    /// A row for each message of the ledger, sorted by call, with a report where it has one. The messages of one call come
    /// in waves, counted from 1: a statement changes no row twice.
    pub(crate) rows: Vec<(i32, Call, Option<CallReport>)>,
    /// In the order of their messages.
    pub(crate) callers: Vec<Caller<'a>>,
    /// Calls that a message erases.
    pub(crate) erased: BTreeSet<&'a str>,
    /// Of each record the wave in which it says something of its call, and whether the call is erased by then.
    members: Vec<(Option<i32>, bool)>,
}

/// A caller whose contact is found or made.
pub(crate) struct Caller<'a> {
    /// For a number that has no contact yet.
    pub(crate) id: Uuid,
    pub(crate) call_id: Option<&'a str>,
    pub(crate) contact: NewContact<'a>,
}

/// The database's account of a group that it has written.
pub(crate) struct Written {
    /// How often each of [`Group::deliveries`] was delivered by now, in their order.
    pub(crate) deliveries: Vec<i32>,
    /// Calls that other organizations have pinned too.
    pub(crate) contested: HashSet<String>,
    /// Calls that were erased before.
    pub(crate) erased: HashSet<String>,
    /// Calls whose row or report has changed, and in which wave.
    pub(crate) changed: HashSet<(String, i32)>,
}

/// A group's rows left to write, and each record's result.
pub(crate) struct Changes<'a> {
    pub(crate) calls: Vec<Call>,
    pub(crate) reports: Vec<CallReport>,
    pub(crate) contacts: Vec<Contact>,
    /// Erased calls of which messages came: what was said in them goes, these messages' bodies too.
    pub(crate) erased: BTreeSet<&'a str>,
    pub(crate) alarms: Vec<Alarm<'a>>,
    /// By the record's place among all records of the transaction.
    pub(crate) recorded: Vec<(usize, Recorded)>,
}

/// An entry for the security log: a call that another organization has pinned.
pub(crate) struct Alarm<'a> {
    pub(crate) event: &'a EventRow,
    pub(crate) detail: &'a Value,
}

/// The name of an [`Alarm`] in the security log.
pub(crate) const PIN_AGAINST_MAPPING: &str = "pin_against_mapping";

/// Sorts records by organization; the records of each keep their order.
pub(crate) fn groups(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut by_org = BTreeMap::<_, Group<'_>>::new();
    let mut erased = HashSet::new();
    for (index, entry) in entries.iter().enumerate() {
        let group = by_org
            .entry(entry.org.as_uuid())
            .or_insert_with(|| Group { org: entry.org, members: Vec::new() });
        let record = &*entry.record;
        let call = record.event.vapi_call_id.as_deref().map(|call| (entry.org, call));
        if record.erases() {
            erased.extend(call);
        }
        let caller = record.caller.as_ref().filter(|_| call.is_none_or(|call| !erased.contains(&call)));
        let phone = caller.and_then(|caller| caller.phone(None));
        group.members.push(Member { index, record, caller, phone });
    }
    by_org.into_values().collect()
}

/// Each record's result, in the order of the records.
pub(crate) fn in_order(mut recorded: Vec<(usize, Recorded)>) -> Vec<Recorded> {
    recorded.sort_unstable_by_key(|(index, _)| *index);
    recorded.into_iter().map(|(_, recorded)| recorded).collect()
}

/// The calls that organizations of the batch share with each other. Their pins are written at this moment, and none of
/// them was there before the other.
pub(crate) fn meetings(groups: &[Group<'_>]) -> HashMap<OrgId, HashSet<String>> {
    let mut owners = HashMap::<&str, Vec<OrgId>>::new();
    for group in groups {
        for call in group.pinned_calls() {
            owners.entry(call).or_default().push(group.org);
        }
    }
    let mut meetings = HashMap::<_, HashSet<_>>::new();
    for (call, orgs) in owners.into_iter().filter(|(_, orgs)| orgs.len() > 1) {
        for org in orgs {
            meetings.entry(org).or_default().insert(call.to_owned());
        }
    }
    meetings
}

impl<'a> Group<'a> {
    /// True when a caller's number means something in the organization's region only.
    pub(crate) fn needs_region(&self) -> bool {
        self.members.iter().any(|member| member.caller.is_some() && member.phone.is_none())
    }

    /// Reads the numbers that need the organization's region.
    pub(crate) fn set_region(&mut self, region: Region) {
        for member in &mut self.members {
            if let (None, Some(caller)) = (&member.phone, member.caller) {
                member.phone = caller.phone(Some(region));
            }
        }
    }

    /// The rows for the inbox: one for each key, sorted by it.
    pub(crate) fn deliveries(&self) -> Vec<Delivery<'a>> {
        let mut by_key = BTreeMap::<&str, Delivery<'a>>::new();
        for member in self.members.iter().filter(|member| member.record.is_delivery) {
            let event = &member.record.event;
            by_key
                .entry(&event.dedupe_key)
                .and_modify(|delivery| {
                    delivery.count = delivery.count.saturating_add(1);
                    if event.body_bytes > delivery.fullest.body_bytes {
                        delivery.fullest = event;
                    }
                })
                .or_insert(Delivery { first: member.record, fullest: event, count: 1 });
        }
        by_key.into_values().collect()
    }

    /// The calls whose rows change, sorted.
    pub(crate) fn ledger_calls(&self) -> Vec<&'a str> {
        self.sorted(Record::ledger_call).into_iter().collect()
    }

    /// The calls whose reports change, sorted.
    pub(crate) fn reported_calls(&self) -> Vec<&'a str> {
        self.sorted(Record::reported_call).into_iter().collect()
    }

    /// The calls that have no row to lock, and those that are erased, sorted, with whether each is to be pinned. Those of
    /// the ledger are pinned by their rows.
    pub(crate) fn other_calls(&self) -> Vec<(&'a str, bool)> {
        let ledger: HashSet<_> = self.ledger_calls().into_iter().collect();
        let mut calls = BTreeMap::new();
        for record in self.members.iter().map(|member| member.record) {
            let others =
                record.event.vapi_call_id.as_deref().filter(|id| record.erases() || !ledger.contains(id));
            if let Some(id) = others {
                *calls.entry(id).or_default() |= record.pins_call && !ledger.contains(id);
            }
        }
        calls.into_iter().collect()
    }

    /// The calls that are pinned, sorted.
    pub(crate) fn pinned_calls(&self) -> BTreeSet<&'a str> {
        self.sorted(Record::pinned_call)
    }

    /// Every call, sorted.
    pub(crate) fn calls(&self) -> Vec<&'a str> {
        self.sorted(|record| record.event.vapi_call_id.as_deref()).into_iter().collect()
    }

    fn sorted(&self, call: impl Fn(&'a Record) -> Option<&'a str>) -> BTreeSet<&'a str> {
        self.members.iter().filter_map(|member| call(member.record)).collect()
    }

    /// The numbers whose contacts are found or made, sorted, each with the calls that it came with: an erased call makes
    /// no contact.
    pub(crate) fn phones(&self) -> Vec<(&str, Option<&'a str>)> {
        let phones: BTreeSet<_> = self
            .members
            .iter()
            .filter_map(|member| {
                Some((member.phone.as_deref()?, member.record.event.vapi_call_id.as_deref()))
            })
            .collect();
        phones.into_iter().collect()
    }

    /// The instant of the latest record.
    pub(crate) fn now(&self) -> chrono::DateTime<chrono::Utc> {
        let instants = self.members.iter().map(|member| member.record.event.received_at);
        instants.max().unwrap_or_default()
    }

    /// The keys of the messages that are new, by how often each delivery was stored by now.
    fn new_keys(&self, stored: &[i32]) -> HashSet<&'a str> {
        let new = self.deliveries().into_iter().zip(stored).filter(|(sent, stored)| sent.count == **stored);
        new.map(|(delivery, _)| delivery.first.event.dedupe_key.as_str()).collect()
    }

    /// Makes a row of each message, for a database that merges rows by itself.
    pub(crate) fn told(&self) -> Told<'_> {
        let mut told = Told::default();
        let (mut contacts, mut waves) = (HashMap::new(), HashMap::<_, i32>::new());
        for Member { record, caller, phone, .. } in &self.members {
            let call_id = record.event.vapi_call_id.as_deref();
            let mut contact_id = None;
            if let (Some(phone), Some(caller)) = (phone.as_deref(), caller) {
                let id = *contacts.entry(phone).or_insert_with(|| new_id(record.event.received_at));
                told.callers.push(Caller { id, call_id, contact: caller.contact(phone) });
                contact_id = Some(id);
            }
            let mut news = None;
            if let (Some(call_id), Some(update)) = (record.ledger_call(), &record.call_update) {
                let nothing = Call::new(call_id.to_owned(), self.now());
                let mut call = nothing.clone();
                call.merge(update, contact_id);
                let said = update.report.as_ref().filter(|_| !told.erased.contains(call_id));
                let report = said.and_then(|said| {
                    let nothing = CallReport::new(call_id.to_owned());
                    let mut report = nothing.clone();
                    report.merge(update.at, said);
                    (report != nothing).then_some(report)
                });
                let wave = waves.entry(call_id).or_default();
                *wave = wave.saturating_add(1);
                news = (call != nothing || report.is_some()).then_some(*wave);
                told.rows.push((*wave, call, report));
                if update.erases {
                    told.erased.insert(call_id);
                }
            }
            told.members.push((news, call_id.is_some_and(|call| told.erased.contains(call))));
        }
        // Stable, so that the waves of a call keep their order.
        told.rows.sort_by(|(_, one, _), (_, other, _)| one.vapi_call_id.cmp(&other.vapi_call_id));
        told
    }

    /// Each record's result, with its place among all records of the transaction.
    pub(crate) fn recorded(
        &self,
        told: &Told<'_>,
        written: &Written,
    ) -> impl Iterator<Item = (usize, Recorded)> {
        let mut new_keys = self.new_keys(&written.deliveries);
        self.members.iter().zip(&told.members).map(move |(member, (news, is_erased))| {
            let record = member.record;
            let call = record.event.vapi_call_id.as_deref().unwrap_or_default();
            let was_erased = written.erased.contains(call);
            let recorded = Recorded {
                is_new: record.is_delivery && new_keys.remove(record.event.dedupe_key.as_str()),
                is_contested: record.pins_call && written.contested.contains(call),
                ledger_changed: news.is_some_and(|wave| written.changed.contains(&(call.to_owned(), wave))),
                has_contact: member.caller.is_some() && member.phone.is_some() && !was_erased,
                is_erased: was_erased || *is_erased,
            };
            (member.index, recorded)
        })
    }

    /// Folds the messages into what was found.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when a row that was made or locked is not there.
    pub(crate) fn fold(&self, found: Found) -> Result<Changes<'a>, StorageError> {
        let mut new_keys = self.new_keys(&found.deliveries);
        let mut calls = Rows::new(found.calls, |call| call.vapi_call_id.clone());
        let mut reports = Rows::new(found.reports, |report| report.vapi_call_id.clone());
        let mut contacts = Rows::new(found.contacts, |contact| contact.phone.clone().unwrap_or_default());
        let mut erased: BTreeSet<&str> = BTreeSet::new();
        let mut alarms = Vec::new();
        let mut recorded = Vec::with_capacity(self.members.len());
        for Member { index, record, caller, phone } in &self.members {
            let event = &record.event;
            let was_erased = event.vapi_call_id.as_deref().is_some_and(|call| {
                found.erased.contains(call) || calls.get(call).is_some_and(Call::is_erased)
            });
            let mut outcome = Recorded {
                is_new: record.is_delivery && new_keys.remove(event.dedupe_key.as_str()),
                is_contested: record.pinned_call().is_some_and(|call| found.contested.contains(call)),
                ..Recorded::default()
            };
            let mut contact_id = None;
            if let (Some(phone), Some(caller), false) = (phone, caller, was_erased) {
                let missing = || missing("contacts", "phone", phone);
                contact_id = Some(contacts.change(phone, missing, |contact| {
                    contact.fill(&caller.contact(phone));
                    contact.id.0
                })?);
                outcome.has_contact = true;
            }
            if let (Some(call_id), Some(update)) = (record.ledger_call(), &record.call_update) {
                let missing = || missing("call_logs", "vapi_call_id", call_id);
                outcome.ledger_changed = calls.change(call_id, missing, |call| {
                    let before = call.clone();
                    call.merge(update, contact_id);
                    *call != before
                })?;
                if let (Some(told), false) = (&update.report, was_erased) {
                    let report = reports.find_or_make(call_id, || CallReport::new(call_id.to_owned()));
                    let before = report.clone();
                    report.merge(update.at, told);
                    outcome.ledger_changed |= *report != before;
                }
            }
            outcome.is_erased = was_erased || record.erases();
            if outcome.is_erased {
                erased.extend(event.vapi_call_id.as_deref());
            }
            if let (true, true, Some(detail)) = (outcome.is_contested, outcome.is_new, &record.alarm) {
                alarms.push(Alarm { event, detail });
            }
            recorded.push((*index, outcome));
        }
        Ok(Changes {
            calls: calls.changed(),
            reports: reports
                .changed()
                .into_iter()
                .filter(|report| !erased.contains(report.vapi_call_id.as_str()))
                .collect(),
            contacts: contacts.changed(),
            erased,
            alarms,
            recorded,
        })
    }
}

/// Locked rows by their key, with what they were.
struct Rows<T>(HashMap<String, (T, T)>);

impl<T: Clone + PartialEq> Rows<T> {
    fn new(rows: Vec<T>, key: impl Fn(&T) -> String) -> Self {
        Self(rows.into_iter().map(|row| (key(&row), (row.clone(), row))).collect())
    }

    fn get(&self, key: &str) -> Option<&T> {
        self.0.get(key).map(|(_, row)| row)
    }

    fn change<R>(
        &mut self,
        key: &str,
        missing: impl FnOnce() -> StorageError,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, StorageError> {
        self.0.get_mut(key).map(|(_, row)| change(row)).ok_or_else(missing)
    }

    fn find_or_make(&mut self, key: &str, make: impl FnOnce() -> T) -> &mut T {
        let (_, row) = self.0.entry(key.to_owned()).or_insert_with(|| {
            let row = make();
            (row.clone(), row)
        });
        row
    }

    fn changed(self) -> Vec<T> {
        self.0.into_values().filter(|(before, after)| before != after).map(|(_, after)| after).collect()
    }
}

fn missing(table: &'static str, column: &'static str, row: &str) -> StorageError {
    StorageError::Inconsistent { table, column, row: row.to_owned() }
}
