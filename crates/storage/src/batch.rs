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
use crate::record::{Entry, EventRow, Record, Recorded};
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

/// What a transaction found for a group.
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
}

/// What is left to write for a group, and what each record did.
pub(crate) struct Changes<'a> {
    pub(crate) calls: Vec<Call>,
    pub(crate) reports: Vec<CallReport>,
    pub(crate) contacts: Vec<Contact>,
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
    for (index, entry) in entries.iter().enumerate() {
        let group = by_org
            .entry(entry.org.as_uuid())
            .or_insert_with(|| Group { org: entry.org, members: Vec::new() });
        let phone = entry.record.caller.as_ref().and_then(|caller| caller.phone(None));
        group.members.push(Member { index, record: &entry.record, phone });
    }
    by_org.into_values().collect()
}

/// What each record did, in the order of the records.
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
        for call in group.calls() {
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
        self.callers().any(|caller| caller.needs_region())
    }

    /// Reads the numbers that need the organization's region.
    pub(crate) fn set_region(&mut self, region: Region) {
        for member in &mut self.members {
            if let (None, Some(caller)) = (&member.phone, &member.record.caller) {
                member.phone = caller.phone(Some(region));
            }
        }
    }

    fn callers(&self) -> impl Iterator<Item = &crate::record::CallerUpdate> {
        self.members.iter().filter_map(|member| member.record.caller.as_ref())
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
        let calls: BTreeSet<_> =
            self.members.iter().filter_map(|member| member.record.ledger_call()).collect();
        calls.into_iter().collect()
    }

    /// The calls whose reports change, sorted.
    pub(crate) fn reported_calls(&self) -> Vec<&'a str> {
        let calls: BTreeSet<_> =
            self.members.iter().filter_map(|member| member.record.reported_call()).collect();
        calls.into_iter().collect()
    }

    /// The calls that are pinned and nothing else, sorted. Those of the ledger are pinned by their rows.
    pub(crate) fn other_calls(&self) -> Vec<&'a str> {
        let ledger: HashSet<_> = self.ledger_calls().into_iter().collect();
        let calls: BTreeSet<_> = self.calls().into_iter().filter(|call| !ledger.contains(call)).collect();
        calls.into_iter().collect()
    }

    /// Every call that is pinned, sorted.
    pub(crate) fn calls(&self) -> Vec<&'a str> {
        let calls = self.members.iter().filter_map(|member| member.record.pinned_call());
        calls.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The numbers whose contacts are found or made, sorted.
    pub(crate) fn phones(&self) -> Vec<&str> {
        let phones: BTreeSet<_> = self.members.iter().filter_map(|member| member.phone.as_deref()).collect();
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
        let mut alarms = Vec::new();
        let mut recorded = Vec::with_capacity(self.members.len());
        for Member { index, record, phone } in &self.members {
            let event = &record.event;
            let mut outcome = Recorded {
                is_new: record.is_delivery && new_keys.remove(event.dedupe_key.as_str()),
                is_contested: record.pinned_call().is_some_and(|call| found.contested.contains(call)),
                ..Recorded::default()
            };
            let mut contact_id = None;
            if let (Some(phone), Some(caller)) = (phone, &record.caller) {
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
                if let Some(told) = &update.report {
                    let report = reports.find_or_make(call_id, || CallReport::new(call_id.to_owned()));
                    let before = report.clone();
                    report.merge(update.at, told);
                    outcome.ledger_changed |= *report != before;
                }
            }
            if let (true, true, Some(detail)) = (outcome.is_contested, outcome.is_new, &record.alarm) {
                alarms.push(Alarm { event, detail });
            }
            recorded.push((*index, outcome));
        }
        Ok(Changes {
            calls: calls.changed(),
            reports: reports.changed(),
            contacts: contacts.changed(),
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
