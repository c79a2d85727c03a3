//! Records of many messages in one transaction: what is the same on both databases.
//!
//! A transaction takes the records by organization, each organization inside its own setting. It first writes what
//! needs no look at what is there (inbox, pins, empty rows for new calls and contacts), locks the rows of the calls
//! and contacts, folds the messages into them here, and writes back what changed. Everything is taken in the order
//! of its keys, so that two nodes never wait for each other in a circle.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use org_resolver::OrgId;
use serde_json::Value;
use tenant::phone::Region;

use crate::error::StorageError;
use crate::record::{CallerUpdate, Entry, EventRow, Record, Recorded};
use crate::repo::{Call, CallReport, Contact};

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
    pub(crate) first: &'a EventRow,
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
pub(crate) fn in_order<'a>(changes: impl IntoIterator<Item = Changes<'a>>) -> Vec<Recorded> {
    let mut recorded: Vec<_> = changes.into_iter().flat_map(|changes| changes.recorded).collect();
    recorded.sort_unstable_by_key(|(index, _)| *index);
    recorded.into_iter().map(|(_, recorded)| recorded).collect()
}

/// The calls that organizations of the batch share with each other. Their pins are written at this moment, and none of
/// them was there before the other.
pub(crate) fn meetings(groups: &[Group<'_>]) -> HashMap<OrgId, HashSet<String>> {
    let mut owners = HashMap::<&str, Vec<OrgId>>::new();
    for group in groups {
        for call in group.sorted(Record::pinned_call) {
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
                .or_insert(Delivery { first: event, fullest: event, count: 1 });
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

    /// True when a record erases its call.
    pub(crate) fn erases(&self) -> bool {
        self.members.iter().any(|member| member.record.erases())
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

    /// Folds the messages into what was found.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] when a row that was made or locked is not there.
    pub(crate) fn fold(&self, found: Found) -> Result<Changes<'a>, StorageError> {
        let sent = self.deliveries();
        let mut new_keys: HashSet<&str> = sent
            .iter()
            .zip(found.deliveries)
            .filter(|(delivery, stored)| delivery.count == *stored)
            .map(|(delivery, _)| delivery.first.dedupe_key.as_str())
            .collect();
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
