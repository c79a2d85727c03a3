//! The checker checked: a recorded run in which nothing is wrong, and the same with one thing wrong.

use std::sync::Arc;

use super::*;
use crate::dice::Dice;
use crate::plan::{Booking, Message, What};
use crate::stored::{StoredAppointment, StoredCall};

const TAKEN: &str = "That time is already taken, and nothing is free in the two weeks after it.";

/// Two organizations; a call in the first with a state, two reports and a booking that another call wished for too.
struct Run {
    journal: Journal,
    organizations: Vec<Organization>,
    stored: Stored,
}

fn call(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn message(marker: &str, call_number: u128, what: What) -> Arc<Message> {
    let (marker, call) = (marker.to_owned(), call(call_number));
    Arc::new(Message { marker, organization: 0, call, timestamp_ms: 1, what })
}

fn wish(id: &str, call_number: u128) -> (Arc<Message>, Booking) {
    let booking = Booking {
        tool_call_id: id.to_owned(),
        starts_at: "2026-11-24T14:30:00".parse().unwrap(),
        patient: format!("Caller {call_number}"),
        is_contested: true,
    };
    (message(&format!("booking-{call_number}"), call_number, What::Booking(booking.clone())), booking)
}

fn report(is_fuller: bool) -> Arc<Message> {
    message("report", 1, What::Report { is_fuller })
}

impl Run {
    fn good() -> Self {
        let mut dice = Dice::new(1);
        let organizations = vec![Organization::new(&mut dice), Organization::new(&mut dice)];
        let mut run = Self { journal: Journal::default(), organizations, stored: Stored::default() };
        run.take(&message("status", 1, What::Status(2)), None);
        run.take(&message("transcript", 1, What::Transcript), None);
        run.take(&report(true), None);
        run.take(&report(false), None);
        let ((first, won), (second, _)) = (wish("t-1", 1), wish("t-2", 2));
        run.take(&first, Some(&won.confirmation()));
        run.take(&second, Some(TAKEN));
        for (kind, marker, call_number) in [
            ("status-update", "status", 1),
            ("transcript", "transcript", 1),
            ("end-of-call-report", "report", 1),
            ("tool-calls", "booking-1", 1),
            ("tool-calls", "booking-2", 2),
        ] {
            run.store(0, kind, marker, call_number);
        }
        let organization = run.organizations[0].id;
        let (status, transcript) = ("ended".to_owned(), Some(report(true).transcript()));
        run.stored.calls.push(StoredCall { organization, call: call(1).to_string(), status, transcript });
        let (status, transcript) = ("unknown".to_owned(), None);
        run.stored.calls.push(StoredCall { organization, call: call(2).to_string(), status, transcript });
        run.stored.appointments.push(StoredAppointment {
            organization,
            call: Some(call(1).to_string()),
            tool_call_id: Some("t-1".to_owned()),
            starts_at: won.starts_at,
            ends_at: won.starts_at + chrono::TimeDelta::minutes(15),
            resource: Uuid::nil().to_string(),
            seat: 0,
            status: "booked".to_owned(),
        });
        run
    }

    fn take(&mut self, message: &Arc<Message>, answer: Option<&str>) {
        self.journal.sending(message);
        self.journal.acknowledged(message, answer.map(str::to_owned));
    }

    fn store(&mut self, organization: usize, kind: &str, marker: &str, call_number: u128) {
        self.stored.events.push(StoredEvent {
            organization: self.organizations[organization].id,
            kind: kind.to_owned(),
            call: Some(call(call_number).to_string()),
            marker: Some(marker.to_owned()),
        });
    }

    fn drop_event(&mut self, marker: &str) {
        self.stored.events.retain(|event| event.marker.as_deref() != Some(marker));
    }

    #[track_caller]
    fn expect(&self, expected: &[Fault]) {
        let mut faults: Vec<Fault> = self.findings().iter().map(|finding| finding.fault).collect();
        faults.sort_unstable();
        assert_eq!(faults, expected, "{:?}", self.findings());
    }

    fn findings(&self) -> Vec<Finding> {
        check(&self.journal, &self.organizations, &self.stored)
    }
}

#[test]
fn nothing_is_wrong_with_a_good_run() {
    Run::good().expect(&[]);
}

#[test]
fn a_lost_message_is_found() {
    let mut run = Run::good();
    run.drop_event("transcript");
    run.expect(&[Fault::Lost]);
    assert!(run.findings()[0].text.contains("transcript"));
}

#[test]
fn a_message_that_is_stored_twice_is_found() {
    let mut run = Run::good();
    run.store(0, "status-update", "status", 1);
    run.expect(&[Fault::Doubled]);
}

#[test]
fn a_row_that_nobody_sent_is_found() {
    let mut run = Run::good();
    run.store(0, "status-update", "from-nowhere", 1);
    run.expect(&[Fault::Foreign]);
    let mut run = Run::good();
    run.stored.events[0].marker = None;
    run.expect(&[Fault::Lost, Fault::Foreign]);
}

#[test]
fn a_row_of_another_organization_is_found_and_does_not_count_for_its_own() {
    let mut run = Run::good();
    run.drop_event("status");
    run.store(1, "status-update", "status", 1);
    run.expect(&[Fault::Lost, Fault::Foreign]);
}

#[test]
fn what_was_not_acknowledged_may_be_stored_or_not_and_is_reported_as_never_taken() {
    let unanswered = message("unanswered", 1, What::Transcript);
    let mut run = Run::good();
    run.journal.sending(&unanswered);
    run.expect(&[Fault::NeverTaken]);
    run.store(0, "transcript", "unanswered", 1);
    run.expect(&[Fault::NeverTaken]);
}

#[test]
fn a_call_that_moved_back_or_beyond_is_found() {
    for status in ["in-progress", "levitating"] {
        let mut run = Run::good();
        run.stored.calls[0].status = status.to_owned();
        run.expect(&[Fault::Wrong]);
    }
    let mut run = Run::good();
    run.stored.calls[1].status = "queued".to_owned();
    run.expect(&[Fault::Wrong]);
}

#[test]
fn a_poorer_transcript_is_a_loss_and_a_strange_one_foreign() {
    let mut run = Run::good();
    run.stored.calls[0].transcript = Some(report(false).transcript());
    run.expect(&[Fault::Lost]);
    let mut run = Run::good();
    run.stored.calls[0].transcript = Some("x".repeat(1_000));
    run.expect(&[Fault::Foreign]);
}

#[test]
fn a_call_without_a_row_with_two_or_of_nobody_is_found() {
    let mut run = Run::good();
    run.stored.calls.remove(1);
    run.expect(&[Fault::Lost]);
    let mut run = Run::good();
    let again = run.stored.calls[0].clone();
    run.stored.calls.push(again);
    run.expect(&[Fault::Doubled]);
    let mut run = Run::good();
    run.stored.calls[1].organization = run.organizations[1].id;
    run.expect(&[Fault::Lost, Fault::Foreign]);
}

#[test]
fn a_lost_booking_is_found() {
    let mut run = Run::good();
    run.stored.appointments.clear();
    run.expect(&[Fault::Lost]);
}

#[test]
fn a_doubled_booking_is_found_by_its_id_and_by_its_place() {
    let mut run = Run::good();
    let again = run.stored.appointments[0].clone();
    run.stored.appointments.push(again);
    run.expect(&[Fault::Doubled, Fault::Doubled]);
    run.stored.appointments[1].seat = 1;
    run.expect(&[Fault::Doubled]);
}

#[test]
fn the_loser_of_a_race_must_have_nothing() {
    let mut run = Run::good();
    let mut second = run.stored.appointments[0].clone();
    second.call = Some(call(2).to_string());
    second.tool_call_id = Some("t-2".to_owned());
    run.stored.appointments.push(second);
    run.expect(&[Fault::Doubled, Fault::Wrong]);
}

#[test]
fn a_time_that_two_calls_were_promised_or_nobody_got_is_found() {
    let (second, booking) = wish("t-2", 2);
    let mut run = Run::good();
    run.journal.messages.remove("booking-2");
    run.take(&second, Some(&booking.confirmation()));
    run.expect(&[Fault::Lost, Fault::Doubled]);

    let (first, _) = wish("t-1", 1);
    let mut run = Run::good();
    run.journal.messages.remove("booking-1");
    run.take(&first, Some(TAKEN));
    run.stored.appointments.clear();
    run.expect(&[Fault::Wrong]);
}

#[test]
fn an_appointment_that_nobody_asked_for_is_found() {
    let mut run = Run::good();
    run.stored.appointments[0].tool_call_id = Some("t-9".to_owned());
    run.expect(&[Fault::Lost, Fault::Foreign]);
    let mut run = Run::good();
    run.stored.appointments[0].starts_at -= chrono::TimeDelta::minutes(15);
    run.expect(&[Fault::Lost, Fault::Foreign]);
}

#[test]
fn a_tool_call_that_is_answered_in_two_ways_is_found() {
    let (first, _) = wish("t-1", 1);
    let mut run = Run::good();
    run.take(&first, Some(TAKEN));
    run.expect(&[Fault::Wrong]);
}

#[test]
fn wrong_and_overdue_answers_are_found() {
    let mut run = Run::good();
    run.journal.wrong("500".to_owned());
    run.expect(&[Fault::Wrong]);
    run.journal.overdue(&report(true));
    run.expect(&[Fault::Wrong, Fault::Wrong]);
}
