//! The times offered.

use chrono::NaiveDateTime;
use scheduling::{Calendar, OpeningHours, Slot, alternatives, free_slots};
use uuid::Uuid;

use crate::support::{busy, civil, date, office, service, utc, wish};

const NOW: &str = "2026-11-02T12:00:00Z";

fn locals(slots: &[Slot]) -> Vec<NaiveDateTime> {
    slots.iter().map(|slot| slot.local).collect()
}

#[test]
fn a_day_offers_its_half_hours() {
    let slots = free_slots(&office(), date("2026-11-24"), 60, None, &[], utc(NOW), 100);
    let expected = ["09:00", "09:30", "10:00", "10:30", "11:00"]
        .into_iter()
        .chain(["13:00", "13:30", "14:00", "14:30", "15:00", "15:30", "16:00"])
        .map(|at| civil(&format!("2026-11-24T{at}")));
    assert_eq!(locals(&slots), expected.collect::<Vec<_>>());
    assert_eq!(slots[0].starts_at, utc("2026-11-24T14:00:00Z"));
    assert_eq!(slots[0].ends_at, utc("2026-11-24T15:00:00Z"));
    assert_eq!(free_slots(&office(), date("2026-11-24"), 60, None, &[], utc(NOW), 2).len(), 2);
}

#[test]
fn quarter_hours_when_length_or_opening_needs_them() {
    let mut calendar = Calendar::new(chrono_tz::UTC);
    calendar.opening_hours = OpeningHours::parse([("tue", ["09:10-10:30"])]).unwrap();
    let slots = free_slots(&calendar, date("2026-11-24"), 30, None, &[], utc(NOW), 100);
    let expected = ["09:15", "09:30", "09:45", "10:00"].map(|at| civil(&format!("2026-11-24T{at}")));
    assert_eq!(locals(&slots), expected);
    calendar.opening_hours = OpeningHours::parse([("tue", ["09:00-10:00"])]).unwrap();
    let slots = free_slots(&calendar, date("2026-11-24"), 45, None, &[], utc(NOW), 100);
    assert_eq!(locals(&slots), ["09:00", "09:15"].map(|at| civil(&format!("2026-11-24T{at}"))));
}

#[test]
fn today_begins_now_and_other_days_out_of_reach_are_empty() {
    let slots = free_slots(&office(), date("2026-11-02"), 30, None, &[], utc("2026-11-02T21:01:00Z"), 100);
    assert_eq!(locals(&slots), [civil("2026-11-02T16:30")]);
    for day in ["2026-11-01", "2026-11-25", "2027-11-08"] {
        assert_eq!(free_slots(&office(), date(day), 30, None, &[], utc(NOW), 100), [], "{day}");
    }
    assert_eq!(free_slots(&office(), date("2026-11-24"), 241, None, &[], utc(NOW), 100), []);
}

#[test]
fn skipped_times_are_not_offered() {
    let mut calendar = Calendar::new(chrono_tz::America::New_York);
    calendar.opening_hours = OpeningHours::parse([("sun", ["01:00-04:00"])]).unwrap();
    let slots = free_slots(&calendar, date("2026-03-08"), 30, None, &[], utc("2026-03-01T00:00:00Z"), 100);
    let expected = ["01:00", "01:30", "03:00", "03:30"].map(|at| civil(&format!("2026-03-08T{at}")));
    assert_eq!(locals(&slots), expected);
}

#[test]
fn buffers_count() {
    let mut calendar = office();
    calendar.services = vec![service("cleaning", 30, 30, &[])];
    let taken = [busy(Uuid::nil(), 0, "2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z")];
    let slots = free_slots(&calendar, date("2026-11-24"), 30, Some("cleaning"), &taken, utc(NOW), 3);
    assert_eq!(locals(&slots), ["09:00", "11:00", "11:30"].map(|at| civil(&format!("2026-11-24T{at}"))));
}

#[test]
fn alternatives_go_on_with_the_next_open_days() {
    // The whole of Tuesday is taken but for its last half-hour; the next open day is Monday.
    let taken = [busy(Uuid::nil(), 0, "2026-11-24T05:00:00Z", "2026-11-24T21:30:00Z")];
    let found = alternatives(&office(), &wish("2026-11-24", "10:00", 30), &taken, utc(NOW), 4);
    let expected = ["2026-11-24T16:30", "2026-11-30T10:00", "2026-11-30T09:30", "2026-11-30T10:30"];
    assert_eq!(locals(&found), expected.map(civil));
}

#[test]
fn alternatives_stop_after_two_weeks_and_at_the_booking_limit() {
    let wished = wish("2026-11-03", "10:00", 30);
    let until = |to| [busy(Uuid::nil(), 0, "2026-11-01T00:00:00Z", to)];
    // Monday the 16th is the fourteenth day from the wished one, Tuesday the 17th the fifteenth.
    let found = alternatives(&office(), &wished, &until("2026-11-16T21:00:00Z"), utc(NOW), 3);
    assert_eq!(locals(&found), ["2026-11-16T16:00", "2026-11-16T16:30"].map(civil));
    assert_eq!(alternatives(&office(), &wished, &until("2026-11-17T05:00:00Z"), utc(NOW), 3), []);
    let mut calendar = office();
    calendar.booking_days_ahead = 13;
    assert_eq!(alternatives(&calendar, &wished, &until("2026-11-16T05:00:00Z"), utc(NOW), 3), []);
}

#[test]
fn a_past_wish_is_looked_for_from_today_on_and_the_wished_time_is_never_offered() {
    let found = alternatives(&office(), &wish("2026-10-26", "10:00", 30), &[], utc(NOW), 1);
    assert_eq!(locals(&found), [civil("2026-11-02T10:00")]);
    let found = alternatives(&office(), &wish("2026-11-03", "10:00", 30), &[], utc(NOW), 2);
    assert_eq!(locals(&found), ["2026-11-03T09:30", "2026-11-03T10:30"].map(civil));
}
