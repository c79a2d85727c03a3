//! The load: calls of several organizations, made up from the seed.

use std::sync::Arc;

use chrono::{Days, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use super::dice::Dice;

/// The states of a call in the order of its life; a call reaches some of them.
pub(crate) const STATUSES: [&str; 4] = ["queued", "ringing", "in-progress", "ended"];

/// The length of every booked appointment.
pub(crate) const MINUTES: i64 = 15;

/// The days on which appointments are booked, and how many of them begin on one day.
const DAYS: u64 = 350;
const PER_DAY: u64 = 96;

/// A message's content, as far as anything depends on it.
#[derive(Clone, Debug)]
pub(crate) enum What {
    /// A `status-update`: the index of its state.
    Status(usize),
    /// A `transcript`.
    Transcript,
    /// A `conversation-update`.
    Conversation,
    /// An `end-of-call-report`; a fuller one may come before or after a poorer one.
    Report {
        /// Whether this is the fuller of the two.
        is_fuller: bool,
    },
    /// A `tool-calls` message with one `bookAppointment`.
    Booking(Booking),
}

impl What {
    /// The kind as it stands in `message.type` and in the inbox.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "status-update",
            Self::Transcript => "transcript",
            Self::Conversation => "conversation-update",
            Self::Report { .. } => "end-of-call-report",
            Self::Booking(_) => "tool-calls",
        }
    }
}

/// One wish for an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) tool_call_id: String,
    pub(crate) starts_at: NaiveDateTime,
    pub(crate) patient: String,
    /// Another call wishes for the same time: one of the two gets it.
    pub(crate) is_contested: bool,
}

impl Booking {
    /// The sentence that confirms it and nothing else.
    pub(crate) fn confirmation(&self) -> String {
        let when = self.starts_at.format("%A, %B %-d at %-I:%M %p");
        format!("The appointment for {} is booked for {when}.", self.patient)
    }
}

/// One message. Its deliveries differ in bytes and mean the same.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Names the one row that the inbox must hold for it. Both reports of a call are one row.
    pub(crate) marker: String,
    /// The index of its organization.
    pub(crate) organization: usize,
    pub(crate) call: Uuid,
    pub(crate) timestamp_ms: i64,
    pub(crate) what: What,
}

impl Message {
    /// The conversation that a report tells.
    pub(crate) fn transcript(&self) -> String {
        let short = format!("AI: How can I help you?\nUser: This is call {}.", self.call);
        match self.what {
            What::Report { is_fuller: true } => format!("{short}\nAI: Thank you, and goodbye."),
            _ => short,
        }
    }
}

/// Messages without end.
#[derive(Debug)]
pub(crate) struct Plan {
    dice: Dice,
    organizations: usize,
    started: NaiveDateTime,
    rounds: u64,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(dice: &Dice, organizations: usize) -> Self {
        Self { dice: dice.fork(2), organizations, started: Utc::now().naive_utc(), rounds: 0 }
    }

    /// The next two calls of one organization, in the order in which they are to be sent. Neighbours are meant to be
    /// under way at the same time: the same tool call twice, or two wishes for one time.
    pub(crate) fn next(&mut self) -> Vec<Arc<Message>> {
        let organization = self.dice.below(self.organizations);
        let calls = [self.dice.uuid(), self.dice.uuid()];
        let mut groups: Vec<Vec<Arc<Message>>> = Vec::new();
        for call in calls {
            let mut talk =
                Talk { organization, call, messages: 0, started: self.started, groups: &mut groups };
            talk.fill(&mut self.dice);
        }
        self.add_bookings(organization, calls, &mut groups);
        self.rounds += 1;
        self.dice.shuffle(&mut groups);
        groups.into_iter().flatten().collect()
    }

    fn add_bookings(&mut self, organization: usize, calls: [Uuid; 2], groups: &mut Vec<Vec<Arc<Message>>>) {
        // Each round has a time of its own, whatever its organization: none is wished for by accident.
        let Some(starts_at) = self.time(self.rounds) else { return };
        let is_contested = self.dice.percent(30);
        let wishing = if is_contested { calls.len() } else { 1 };
        let mut wishes = Vec::new();
        for call in calls.into_iter().take(wishing) {
            let tool_call_id = format!("call_{:016x}", self.dice.number());
            let booking =
                Booking { tool_call_id, starts_at, patient: format!("Caller {call}"), is_contested };
            wishes.push(Arc::new(Message {
                marker: format!("{call}-{}", booking.tool_call_id),
                organization,
                call,
                timestamp_ms: self.started.and_utc().timestamp_millis(),
                what: What::Booking(booking),
            }));
        }
        if self.dice.percent(25) {
            let again = wishes.clone();
            wishes.extend(again);
        }
        groups.push(wishes);
    }

    /// The bookable time of a number; none when all are given away.
    fn time(&self, number: u64) -> Option<NaiveDateTime> {
        let (day, place) = (number % DAYS, number / DAYS);
        if place >= PER_DAY {
            return None;
        }
        let midnight = self.started.date().checked_add_days(Days::new(2 + day))?.and_time(NaiveTime::MIN);
        midnight.checked_add_signed(TimeDelta::minutes(MINUTES * i64::try_from(place).ok()?))
    }
}

/// Adds the messages of one call, each a group of its own.
struct Talk<'a> {
    organization: usize,
    call: Uuid,
    messages: i64,
    started: NaiveDateTime,
    groups: &'a mut Vec<Vec<Arc<Message>>>,
}

impl Talk<'_> {
    fn fill(&mut self, dice: &mut Dice) {
        let reached = 2 + dice.below(STATUSES.len() - 1);
        for status in 0..reached {
            self.add(&format!("status-{status}"), What::Status(status));
        }
        for turn in 0..1 + dice.below(3) {
            self.add(&format!("transcript-{turn}"), What::Transcript);
        }
        if dice.percent(40) {
            self.add("conversation", What::Conversation);
        }
        if dice.percent(70) {
            self.add("report", What::Report { is_fuller: false });
            if dice.percent(50) {
                self.add("report", What::Report { is_fuller: true });
            }
        }
    }

    fn add(&mut self, name: &str, what: What) {
        self.messages += 1;
        self.groups.push(vec![Arc::new(Message {
            marker: format!("{}-{name}", self.call),
            organization: self.organization,
            call: self.call,
            timestamp_ms: self.started.and_utc().timestamp_millis() + self.messages,
            what,
        })]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn rounds(seed: u64, count: usize) -> Vec<Arc<Message>> {
        let mut plan = Plan::new(&Dice::new(seed), 4);
        (0..count).flat_map(|_| plan.next()).collect()
    }

    #[test]
    fn a_seed_gives_the_same_messages() {
        let markers = |seed| rounds(seed, 20).iter().map(|it| it.marker.clone()).collect::<Vec<_>>();
        assert_eq!(markers(5), markers(5));
        assert_ne!(markers(5), markers(6));
    }

    #[test]
    fn every_kind_occurs_and_a_time_is_shared_by_contestants_alone() {
        let messages = rounds(11, 200);
        let kinds: BTreeSet<_> = messages.iter().map(|it| it.what.kind()).collect();
        assert_eq!(kinds.len(), 5);
        let mut wishes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for message in &messages {
            if let What::Booking(booking) = &message.what {
                let wish = (booking.tool_call_id.clone(), booking.is_contested);
                wishes.entry(booking.starts_at).or_default().insert(wish);
            }
        }
        assert!(wishes.values().any(|them| them.len() == 2) && wishes.values().any(|them| them.len() == 1));
        for them in wishes.values() {
            assert!(them.iter().all(|(_, is_contested)| *is_contested == (them.len() == 2)));
        }
    }

    #[test]
    fn the_confirmation_is_spoken_in_american_english() {
        let booking = Booking {
            tool_call_id: "t".to_owned(),
            starts_at: "2026-11-24T14:30:00".parse().unwrap(),
            patient: "Jane Doe".to_owned(),
            is_contested: false,
        };
        let spoken = "The appointment for Jane Doe is booked for Tuesday, November 24 at 2:30 PM.";
        assert_eq!(booking.confirmation(), spoken);
    }

    #[test]
    fn times_run_out_instead_of_being_given_twice() {
        let plan = Plan::new(&Dice::new(1), 1);
        let times: BTreeSet<_> = (0..DAYS * PER_DAY).filter_map(|number| plan.time(number)).collect();
        assert_eq!(times.len(), 33_600);
        assert_eq!(plan.time(DAYS * PER_DAY), None);
    }
}
