//! How a scenario ended, in one line.

use std::fmt;
use std::time::Duration;

use super::check::{self, Fault, Finding};
use super::fleet::Organization;
use super::journal::{Counts, Journal};
use super::plan::What;
use super::stored::Stored;

/// The result of a scenario: the messages sent, and the events in between.
pub(crate) struct Played {
    pub(crate) journal: Journal,
    /// The events and the figures measured: "50 kills".
    pub(crate) notes: Vec<String>,
    /// Faults beside the messages: a process that ended, memory that grew.
    pub(crate) findings: Vec<Finding>,
}

impl Played {
    /// The result of a scenario in which the database never was away: every tool call has its sentence then.
    pub(crate) fn with_database(journal: Journal, notes: Vec<String>) -> Self {
        let unproven = journal.counts.unproven;
        let mut findings = Vec::new();
        if unproven > 0 {
            let text = format!("{unproven} tool calls were turned away although the database was there");
            findings.push(Finding::new(Fault::Wrong, text));
        }
        Self { journal, notes, findings }
    }
}

/// A scenario that has been checked.
pub(crate) struct Outcome {
    title: String,
    took: Duration,
    notes: Vec<String>,
    messages: usize,
    counts: Counts,
    confirmed: usize,
    declined: usize,
    rows: [usize; 3],
    pub(crate) findings: Vec<Finding>,
}

impl Outcome {
    /// Checks what was stored.
    pub(crate) fn new(
        title: &str,
        took: Duration,
        organizations: &[Organization],
        played: Played,
        stored: &Stored,
    ) -> Self {
        let Played { journal, notes, mut findings } = played;
        findings.extend(check::check(&journal, organizations, stored));
        let bookings = || {
            journal.messages.values().filter_map(|sent| match &sent.message.what {
                What::Booking(booking) if sent.is_acknowledged => {
                    Some(sent.answers.contains(&booking.confirmation()))
                }
                _ => None,
            })
        };
        Self {
            title: title.to_owned(),
            took,
            notes,
            messages: journal.messages.len(),
            counts: journal.counts,
            confirmed: bookings().filter(|is_confirmed| *is_confirmed).count(),
            declined: bookings().filter(|is_confirmed| !is_confirmed).count(),
            rows: [stored.events.len(), stored.calls.len(), stored.appointments.len()],
            findings,
        }
    }

    /// Whether nothing at all is wrong, and something was put to the test.
    pub(crate) fn is_good(&self) -> bool {
        self.findings.is_empty() && self.counts.acknowledged > 0 && self.confirmed > 0
    }

    /// How many findings are of a kind.
    pub(crate) fn count(&self, fault: Fault) -> usize {
        self.findings.iter().filter(|finding| finding.fault == fault).count()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [events, calls, appointments] = self.rows;
        write!(
            f,
            "{} {}: {}; {} messages in {}; {} bookings confirmed, {} declined; stored {events} messages, {calls} \
             calls, {appointments} appointments; {} s: {} lost, {} doubled, {} foreign, {} wrong, {} never taken",
            if self.is_good() { "ok    " } else { "FAILED" },
            self.title,
            self.notes.join(", "),
            self.messages,
            self.counts,
            self.confirmed,
            self.declined,
            self.took.as_secs(),
            self.count(Fault::Lost),
            self.count(Fault::Doubled),
            self.count(Fault::Foreign),
            self.count(Fault::Wrong),
            self.count(Fault::NeverTaken),
        )
    }
}
