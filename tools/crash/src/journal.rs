//! The messages sent and their answers: the memory against which the database is held.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::plan::{Message, What};

/// How many wrong answers are kept word for word; the rest is counted.
const KEPT: usize = 20;

/// Everything that was sent.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// By the name of the one row that each message must have.
    pub(crate) messages: BTreeMap<String, Sent>,
    pub(crate) counts: Counts,
    /// The first wrong answers.
    pub(crate) wrong: Vec<String>,
    /// How many of each kind were overdue.
    pub(crate) overdue: BTreeMap<&'static str, u32>,
}

/// One message that was sent at least once.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The message, or the first sent of two reports.
    pub(crate) message: Arc<Message>,
    pub(crate) is_acknowledged: bool,
    /// The answers to a tool call; more than one entry is a contradiction.
    pub(crate) answers: BTreeSet<String>,
    /// The reports of the call: the transcript of each, and whether that report was acknowledged.
    pub(crate) transcripts: BTreeMap<String, bool>,
}

/// How much was sent, and how it was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) deliveries: u64,
    pub(crate) acknowledged: u64,
    /// Answered with 503, or with a tool call's error.
    pub(crate) refused: u64,
    /// Tool calls that were answered with 503, because nobody could say whose they are.
    pub(crate) unproven: u64,
    /// The connection was refused, or ended without an answer.
    pub(crate) unanswered: u64,
    /// Neither answered nor closed in time.
    pub(crate) overdue: u64,
    pub(crate) wrong: u64,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { deliveries, acknowledged, refused, unproven, unanswered, overdue, wrong } = self;
        write!(
            f,
            "{deliveries} deliveries: {acknowledged} acknowledged, {refused} refused, {unproven} unproven, \
             {unanswered} cut off, {overdue} overdue, {wrong} answered wrongly"
        )
    }
}

impl Journal {
    /// Notes that a delivery is about to leave.
    pub(crate) fn sending(&mut self, message: &Arc<Message>) {
        self.counts.deliveries += 1;
        let sent = self.entry(message);
        if matches!(message.what, What::Report { .. }) {
            sent.transcripts.entry(message.transcript()).or_insert(false);
        }
    }

    /// Notes that a message was taken, and what a tool call was told.
    pub(crate) fn acknowledged(&mut self, message: &Arc<Message>, answer: Option<String>) {
        self.counts.acknowledged += 1;
        let sent = self.entry(message);
        sent.is_acknowledged = true;
        sent.answers.extend(answer);
        if matches!(message.what, What::Report { .. }) {
            sent.transcripts.insert(message.transcript(), true);
        }
    }

    /// Notes an answer that must not be.
    pub(crate) fn wrong(&mut self, text: String) {
        self.counts.wrong += 1;
        if self.wrong.len() < KEPT {
            self.wrong.push(text);
        }
    }

    /// Notes a request that was neither answered nor closed in time.
    pub(crate) fn overdue(&mut self, message: &Message) {
        self.counts.overdue += 1;
        *self.overdue.entry(message.what.kind()).or_default() += 1;
    }

    fn entry(&mut self, message: &Arc<Message>) -> &mut Sent {
        self.messages.entry(message.marker.clone()).or_insert_with(|| Sent {
            message: Arc::clone(message),
            is_acknowledged: false,
            answers: BTreeSet::new(),
            transcripts: BTreeMap::new(),
        })
    }
}
