//! Bookings: what was confirmed is there once, and nothing else is.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};
use uuid::Uuid;

use super::{Fault, Finding, Record};
use crate::journal::Sent;
use crate::plan::{Booking, MINUTES, What};
use crate::stored::StoredAppointment;

/// Checks every booking.
pub(super) fn check(record: &Record<'_>, stored: &[StoredAppointment]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wishes: BTreeMap<(Uuid, String, &str), (&Sent, &Booking)> = BTreeMap::new();
    for sent in record.journal.messages.values() {
        if let What::Booking(booking) = &sent.message.what {
            let key =
                (record.organization(sent), sent.message.call.to_string(), booking.tool_call_id.as_str());
            wishes.insert(key, (sent, booking));
        }
    }
    let mut made: BTreeMap<&str, u32> = BTreeMap::new();
    for appointment in stored {
        let call = appointment.call.clone().unwrap_or_default();
        let id = appointment.tool_call_id.as_deref().unwrap_or_default();
        let wish = wishes.get(&(appointment.organization, call, id));
        match wish.filter(|(_, booking)| is_as_wished(booking, appointment)) {
            Some((_, booking)) => *made.entry(&booking.tool_call_id).or_default() += 1,
            None => findings.push(Finding::new(
                Fault::Foreign,
                format!(
                    "organization {} holds an appointment that nobody asked for: {id:?}",
                    appointment.organization
                ),
            )),
        }
    }
    for (sent, booking) in wishes.values() {
        let count = made.get(booking.tool_call_id.as_str()).copied().unwrap_or(0);
        findings.extend(of_one(sent, booking, count));
    }
    findings.extend(undecided(&wishes));
    findings.extend(overlaps(stored));
    findings
}

fn is_as_wished(booking: &Booking, appointment: &StoredAppointment) -> bool {
    appointment.starts_at == booking.starts_at
        && appointment.ends_at - appointment.starts_at == TimeDelta::minutes(MINUTES)
}

fn is_confirmed(sent: &Sent, booking: &Booking) -> bool {
    sent.answers.contains(&booking.confirmation())
}

/// One wish: answered the same each time, and made once exactly if that was confirmed.
fn of_one(sent: &Sent, booking: &Booking, count: u32) -> Option<Finding> {
    let id = &booking.tool_call_id;
    if sent.answers.len() > 1 {
        let text = format!("tool call {id} was answered differently: {:?}", sent.answers);
        return Some(Finding::new(Fault::Wrong, text));
    }
    let is_confirmed = is_confirmed(sent, booking);
    match count {
        0 if is_confirmed => {
            Some(Finding::new(Fault::Lost, format!("booking {id} was confirmed and is not there")))
        }
        1 if !is_confirmed && sent.is_acknowledged => {
            Some(Finding::new(Fault::Wrong, format!("booking {id} was declined and is there")))
        }
        2.. => Some(Finding::new(Fault::Doubled, format!("booking {id} is there {count} times"))),
        _ => None,
    }
}

/// Of the wishes for one time, all of them answered, one is confirmed.
fn undecided(wishes: &BTreeMap<(Uuid, String, &str), (&Sent, &Booking)>) -> Vec<Finding> {
    let mut times: BTreeMap<(Uuid, NaiveDateTime), Vec<(&Sent, &Booking)>> = BTreeMap::new();
    for ((organization, _, _), (sent, booking)) in wishes {
        times.entry((*organization, booking.starts_at)).or_default().push((sent, booking));
    }
    let mut findings = Vec::new();
    for ((_, time), wishes) in times {
        let confirmed = wishes.iter().filter(|(sent, booking)| is_confirmed(sent, booking)).count();
        let is_decided = wishes.iter().all(|(sent, _)| sent.is_acknowledged);
        match confirmed {
            0 if is_decided => {
                findings
                    .push(Finding::new(Fault::Wrong, format!("{time} was free and declined to everybody")));
            }
            0 | 1 => {}
            count => {
                findings.push(Finding::new(Fault::Doubled, format!("{time} was confirmed to {count} calls")));
            }
        }
    }
    findings
}

/// No two appointments take the same place at the same time.
fn overlaps(stored: &[StoredAppointment]) -> Vec<Finding> {
    let mut places: BTreeMap<(Uuid, &str, i64), Vec<&StoredAppointment>> = BTreeMap::new();
    for appointment in stored.iter().filter(|it| it.status == "booked") {
        let place = (appointment.organization, appointment.resource.as_str(), appointment.seat);
        places.entry(place).or_default().push(appointment);
    }
    let mut findings = Vec::new();
    for ((organization, ..), mut appointments) in places {
        appointments.sort_by_key(|it| (it.starts_at, it.ends_at));
        for pair in appointments.windows(2) {
            if let [earlier, later] = pair
                && later.starts_at < earlier.ends_at
            {
                let text = format!("organization {organization} has two appointments at {}", later.starts_at);
                findings.push(Finding::new(Fault::Doubled, text));
            }
        }
    }
    findings
}
