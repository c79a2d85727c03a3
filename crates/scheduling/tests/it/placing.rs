//! One wish at a time.

use scheduling::{Calendar, Closure, OpenRange, OpeningHours, Placement, Unbookable, place};
use uuid::Uuid;

use crate::support::{CHAIR, ROOM, busy, civil, date, office, resource, service, utc, wish};

/// A Monday morning in New York, 7:00.
const NOW: &str = "2026-11-02T12:00:00Z";

fn refused(calendar: &Calendar, day: &str, at: &str, minutes: u16) -> Unbookable {
    place(calendar, &wish(day, at, minutes), &[], utc(NOW)).unwrap_err()
}

fn ranges(texts: &[&str]) -> Vec<OpenRange> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn a_fitting_wish_gets_the_implicit_seat() {
    let found = place(&office(), &wish("2026-11-24", "14:30", 45), &[], utc(NOW)).unwrap();
    let expected = Placement {
        resource_id: Uuid::nil(),
        seat: 0,
        starts_at: utc("2026-11-24T19:30:00Z"),
        ends_at: utc("2026-11-24T20:15:00Z"),
        blocked_until: utc("2026-11-24T20:15:00Z"),
    };
    assert_eq!(found, [expected]);
}

#[test]
fn seats_come_in_declared_order_and_taken_ones_are_left_out() {
    let mut calendar = office();
    calendar.resources = vec![resource(CHAIR, "chair", 2), resource(ROOM, "room", 1)];
    let taken = [busy(CHAIR, 0, "2026-11-24T19:00:00Z", "2026-11-24T19:45:00Z")];
    let found = place(&calendar, &wish("2026-11-24", "14:30", 30), &taken, utc(NOW)).unwrap();
    let seats: Vec<(Uuid, u16)> = found.iter().map(|p| (p.resource_id, p.seat)).collect();
    assert_eq!(seats, [(CHAIR, 1), (ROOM, 0)]);
}

#[test]
fn a_service_goes_to_its_own_resources_with_its_buffer() {
    let mut calendar = office();
    calendar.resources = vec![resource(CHAIR, "chair", 1), resource(ROOM, "Room", 1)];
    calendar.services = vec![service("X-ray", 30, 15, &["room"])];
    let mut request = wish("2026-11-24", "14:30", 30);
    request.service = Some(" x-RAY ".to_owned());
    let found = place(&calendar, &request, &[], utc(NOW)).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].resource_id, ROOM);
    assert_eq!(found[0].ends_at, utc("2026-11-24T20:00:00Z"));
    assert_eq!(found[0].blocked_until, utc("2026-11-24T20:15:00Z"));

    // The buffer would run into the next appointment, though the appointment itself would not.
    let next = [busy(ROOM, 0, "2026-11-24T20:10:00Z", "2026-11-24T20:40:00Z")];
    assert!(matches!(place(&calendar, &request, &next, utc(NOW)), Err(Unbookable::Taken { .. })));
    request.service = Some("unknown".to_owned());
    assert_eq!(place(&calendar, &request, &next, utc(NOW)).unwrap().len(), 2);
}

#[test]
fn appointments_may_touch() {
    let around = [
        busy(Uuid::nil(), 0, "2026-11-24T19:00:00Z", "2026-11-24T19:30:00Z"),
        busy(Uuid::nil(), 0, "2026-11-24T20:00:00Z", "2026-11-24T20:30:00Z"),
    ];
    assert_eq!(place(&office(), &wish("2026-11-24", "14:30", 30), &around, utc(NOW)).unwrap().len(), 1);
}

#[test]
fn a_taken_slot_offers_the_nearest_ones_of_that_day() {
    let taken = [busy(Uuid::nil(), 0, "2026-11-24T19:30:00Z", "2026-11-24T20:00:00Z")];
    let Err(Unbookable::Taken { alternatives }) =
        place(&office(), &wish("2026-11-24", "14:30", 30), &taken, utc(NOW))
    else {
        panic!("not taken")
    };
    let locals: Vec<_> = alternatives.iter().map(|slot| slot.local).collect();
    assert_eq!(locals, ["2026-11-24T14:00", "2026-11-24T15:00", "2026-11-24T13:30"].map(civil));
}

#[test]
fn appointments_of_unlisted_resources_take_a_seat_away() {
    let mut calendar = office();
    calendar.resources = vec![resource(CHAIR, "chair", 1), resource(ROOM, "room", 1)];
    let one = busy(Uuid::nil(), 0, "2026-11-24T19:30:00Z", "2026-11-24T20:00:00Z");
    let request = wish("2026-11-24", "14:30", 30);
    let found = place(&calendar, &request, &[one], utc(NOW)).unwrap();
    assert_eq!(found.iter().map(|p| p.resource_id).collect::<Vec<_>>(), [CHAIR]);
    assert!(matches!(place(&calendar, &request, &[one, one], utc(NOW)), Err(Unbookable::Taken { .. })));

    // The other way round: the resources were removed, and one appointment at a time is left.
    let of_removed = busy(ROOM, 3, "2026-11-24T19:30:00Z", "2026-11-24T20:00:00Z");
    assert!(matches!(place(&office(), &request, &[of_removed], utc(NOW)), Err(Unbookable::Taken { .. })));
}

#[test]
fn past_dates_name_the_likely_one() {
    let likely = |day: &str| match refused(&office(), day, "10:00", 30) {
        Unbookable::Past { likely } => likely,
        other => panic!("{other:?}"),
    };
    assert_eq!(likely("2024-11-24"), Some(date("2026-11-24")));
    assert_eq!(likely("2025-11-02"), Some(date("2026-11-02")));
    assert_eq!(likely("2026-01-15"), Some(date("2027-01-15")));
    assert_eq!(likely("2024-02-29"), None, "neither 2026 nor 2027 has that day");
    // Earlier today, nothing better is known.
    assert_eq!(refused(&office(), "2026-11-02", "06:59", 30), Unbookable::Past { likely: None });
}

#[test]
fn the_likely_date_is_one_that_can_be_booked() {
    let mut calendar = office();
    calendar.booking_days_ahead = 30;
    assert_eq!(refused(&calendar, "2026-01-15", "10:00", 30), Unbookable::Past { likely: None });
}

#[test]
fn bookings_reach_as_far_as_set() {
    let mut calendar = office();
    calendar.booking_days_ahead = 7;
    assert!(place(&calendar, &wish("2026-11-09", "10:00", 30), &[], utc(NOW)).is_ok());
    assert_eq!(
        refused(&calendar, "2026-11-10", "10:00", 30),
        Unbookable::TooFarAhead { last: date("2026-11-09") }
    );
    assert_eq!(
        refused(&office(), "2027-11-03", "10:00", 30),
        Unbookable::TooFarAhead { last: date("2027-11-02") }
    );
    assert!(matches!(refused(&office(), "9999-12-31", "10:00", 30), Unbookable::TooFarAhead { .. }));
}

#[test]
fn today_is_the_organizations_own() {
    // 03:00 UTC on Tuesday is still Monday evening in New York.
    let monday_evening = utc("2026-11-03T03:00:00Z");
    let mut calendar = Calendar::new(chrono_tz::America::New_York);
    assert!(place(&calendar, &wish("2026-11-02", "22:30", 30), &[], monday_evening).is_ok());
    calendar.timezone = chrono_tz::Asia::Tokyo;
    assert!(matches!(
        place(&calendar, &wish("2026-11-02", "22:30", 30), &[], monday_evening),
        Err(Unbookable::Past { .. })
    ));
}

#[test]
fn outside_opening_hours_is_closed() {
    let tuesday = ranges(&["09:00-12:00", "13:00-17:00"]);
    let closed = |hours: &[OpenRange]| Unbookable::Closed { reason: None, hours: hours.to_vec() };
    assert_eq!(refused(&office(), "2026-11-24", "08:45", 30), closed(&tuesday));
    assert_eq!(refused(&office(), "2026-11-24", "11:45", 30), closed(&tuesday), "over the lunch break");
    assert_eq!(refused(&office(), "2026-11-24", "16:45", 30), closed(&tuesday));
    assert_eq!(refused(&office(), "2026-11-25", "10:00", 30), closed(&[]), "a Wednesday");
    assert!(place(&office(), &wish("2026-11-24", "11:30", 30), &[], utc(NOW)).is_ok());
}

#[test]
fn closures_say_why() {
    let mut calendar = office();
    calendar.closures = vec![Closure {
        from: date("2026-11-23"),
        to: date("2026-11-24"),
        reason: Some("renovation".to_owned()),
    }];
    let closed = Unbookable::Closed { reason: Some("renovation".to_owned()), hours: Vec::new() };
    assert_eq!(refused(&calendar, "2026-11-23", "10:00", 30), closed);
    assert_eq!(refused(&calendar, "2026-11-24", "10:00", 30), closed);
    assert!(place(&calendar, &wish("2026-11-30", "10:00", 30), &[], utc(NOW)).is_ok());
}

#[test]
fn midnight_is_never_crossed() {
    let always = Calendar::new(chrono_tz::America::New_York);
    assert!(place(&always, &wish("2026-11-24", "23:30", 30), &[], utc(NOW)).is_ok());
    assert!(matches!(refused(&always, "2026-11-24", "23:45", 30), Unbookable::Closed { .. }));
}

#[test]
fn skipped_times_are_refused_and_doubled_ones_taken_first() {
    let place_at = |zone, day, at| {
        place(&Calendar::new(zone), &wish(day, at, 30), &[], utc("2026-01-05T00:00:00Z"))
            .map(|found| found[0].starts_at)
    };
    let new_york = chrono_tz::America::New_York;
    let gap = |next| Err(Unbookable::DaylightGap { next: civil(next) });
    assert_eq!(place_at(new_york, "2026-03-08", "02:30"), gap("2026-03-08T03:00"));
    assert_eq!(place_at(chrono_tz::Europe::Berlin, "2026-03-29", "02:00"), gap("2026-03-29T03:00"));
    assert_eq!(place_at(chrono_tz::Australia::Lord_Howe, "2026-10-04", "02:15"), gap("2026-10-04T02:30"));
    assert_eq!(place_at(new_york, "2026-11-01", "01:30"), Ok(utc("2026-11-01T05:30:00Z")));
    assert_eq!(place_at(chrono_tz::Europe::Berlin, "2026-10-25", "02:30"), Ok(utc("2026-10-25T00:30:00Z")));
    assert_eq!(
        place_at(chrono_tz::Australia::Lord_Howe, "2026-04-05", "01:45"),
        Ok(utc("2026-04-04T14:45:00Z"))
    );
}

#[test]
fn lengths_are_elapsed_time() {
    let mut calendar = Calendar::new(chrono_tz::America::New_York);
    calendar.opening_hours = OpeningHours::parse([("sun", ["00:00-03:00"])]).unwrap();
    // In the night of the change to winter time, 00:30 to 03:00 lasts three and a half hours.
    let found =
        place(&calendar, &wish("2026-11-01", "00:30", 210), &[], utc("2026-10-05T00:00:00Z")).unwrap();
    assert_eq!(found[0].ends_at, utc("2026-11-01T08:00:00Z"));
    // In the night of the change to summer time it lasts one and a half.
    let spring =
        |minutes| place(&calendar, &wish("2026-03-08", "00:30", minutes), &[], utc("2026-03-01T00:00:00Z"));
    assert_eq!(spring(90).unwrap()[0].ends_at, utc("2026-03-08T07:00:00Z"));
    assert!(matches!(spring(105), Err(Unbookable::Closed { .. })));
}

#[test]
fn lengths_have_bounds_and_defaults() {
    let mut calendar = office();
    calendar.services = vec![service("cleaning", 60, 0, &[])];
    for minutes in [0, 14, 241, u16::MAX] {
        assert_eq!(
            refused(&calendar, "2026-11-23", "10:00", minutes),
            Unbookable::Length { min: 15, max: 240 }
        );
    }
    calendar.services.push(service("surgery", 300, 0, &[]));
    let mut long = wish("2026-11-23", "10:00", 300);
    assert!(matches!(place(&calendar, &long, &[], utc(NOW)), Err(Unbookable::Length { .. })));
    long.service = Some("surgery".to_owned());
    assert!(
        place(&calendar, &long, &[], utc(NOW)).is_ok(),
        "a service may be longer than what can be asked for"
    );
    assert_eq!(calendar.minutes_for(Some("Cleaning"), None), 60);
    assert_eq!(calendar.minutes_for(Some("Cleaning"), Some(15)), 15);
    assert_eq!(calendar.minutes_for(Some("unknown"), None), 30);
    assert_eq!(calendar.minutes_for(None, None), 30);
}
