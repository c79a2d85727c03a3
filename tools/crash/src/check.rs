//! Holds what is stored against what was sent and answered.

mod bookings;
mod ledger;

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use super::fleet::Organization;
use super::journal::{Journal, Sent};
use super::stored::{Stored, StoredEvent};
use super::wire::PATIENCE;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It was acknowledged and is not there.
    Lost,
    /// It is there more than once.
    Doubled,
    /// It is there and nobody sent it, or it is another organization's.
    Foreign,
    /// It contradicts what was sent or answered.
    Wrong,
    /// It was sent again and again and never taken.
    NeverTaken,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Doubled => "doubled",
            Self::Foreign => "foreign",
            Self::Wrong => "wrong",
            Self::NeverTaken => "never taken",
        })
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) fault: Fault,
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn new(fault: Fault, text: impl Into<String>) -> Self {
        Self { fault, text: text.into() }
    }
}

/// Finds everything that is wrong.
pub(crate) fn check(journal: &Journal, organizations: &[Organization], stored: &Stored) -> Vec<Finding> {
    let sent = Record { journal, organizations };
    let mut findings = events(&sent, &stored.events);
    findings.extend(ledger::check(&sent, &stored.calls));
    findings.extend(bookings::check(&sent, &stored.appointments));
    findings.extend(journal.wrong.iter().map(|text| Finding::new(Fault::Wrong, text)));
    let kept = u64::try_from(journal.wrong.len()).unwrap_or(u64::MAX);
    if let more @ 1.. = journal.counts.wrong.saturating_sub(kept) {
        findings.push(Finding::new(Fault::Wrong, format!("{more} more answers were wrong")));
    }
    findings.extend(journal.overdue.iter().map(|(kind, count)| {
        let patience = PATIENCE.as_secs();
        Finding::new(
            Fault::Wrong,
            format!("{count} {kind} were neither answered nor closed within {patience} s"),
        )
    }));
    findings
}

/// The messages sent, with their organizations.
struct Record<'a> {
    journal: &'a Journal,
    organizations: &'a [Organization],
}

impl Record<'_> {
    fn organization(&self, sent: &Sent) -> Uuid {
        self.organizations.get(sent.message.organization).map_or(Uuid::nil(), |it| it.id)
    }
}

/// Each message has one row of its own organization, and there is no other row.
fn events(record: &Record<'_>, stored: &[StoredEvent]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut rows: BTreeMap<&str, u32> = BTreeMap::new();
    for event in stored {
        let marker = event.marker.as_deref().unwrap_or_default();
        let own = record.journal.messages.get(marker).filter(|sent| {
            record.organization(sent) == event.organization
                && sent.message.what.kind() == event.kind
                && event.call.as_deref() == Some(&sent.message.call.to_string())
        });
        match own {
            Some(_) => *rows.entry(marker).or_default() += 1,
            None => findings.push(Finding::new(
                Fault::Foreign,
                format!(
                    "organization {} holds a {} that it was not sent: {marker:?}",
                    event.organization, event.kind
                ),
            )),
        }
    }
    for (marker, sent) in &record.journal.messages {
        let kind = sent.message.what.kind();
        match rows.get(marker.as_str()).copied().unwrap_or(0) {
            0 if sent.is_acknowledged => {
                findings.push(Finding::new(
                    Fault::Lost,
                    format!("{kind} {marker} was acknowledged and is not stored"),
                ));
            }
            0 | 1 => {}
            count => findings
                .push(Finding::new(Fault::Doubled, format!("{kind} {marker} is stored {count} times"))),
        }
        if !sent.is_acknowledged {
            findings.push(Finding::new(Fault::NeverTaken, format!("{kind} {marker} was never acknowledged")));
        }
    }
    findings
}

#[cfg(test)]
mod tests;
