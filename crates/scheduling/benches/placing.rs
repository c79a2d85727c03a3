//! The cost of placing an appointment, and of finding another time, beside a full book.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot read its own input has to stop")]

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use criterion::Criterion;
use scheduling::{
    Busy, Calendar, OpeningHours, Resource, Service, SlotRequest, Unbookable, alternatives, free_slots, place,
};
use uuid::Uuid;

const NOW: &str = "2026-11-21T15:00:00Z";
const SEATS: u16 = 8;

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
}

/// Open every day from 8 to 18 in New York, four rooms of two seats, and a service with a buffer.
fn clinic() -> Calendar {
    let mut calendar = Calendar::new(chrono_tz::America::New_York);
    let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .map(|day| (day, vec!["08:00-12:00", "12:00-18:00"]));
    calendar.opening_hours = OpeningHours::parse(days).unwrap();
    calendar.resources = (0..u128::from(SEATS / 2))
        .map(|room| Resource { id: Uuid::from_u128(room + 1), name: format!("room {room}"), capacity: 2 })
        .collect();
    calendar.services =
        vec![Service { name: "Check-up".to_owned(), minutes: 30, buffer_minutes: 0, resources: Vec::new() }];
    calendar
}

/// Every seat taken from 8 to 18, half-hour by half-hour, on this many days from 23 November on.
fn full(days: u32) -> Vec<Busy> {
    let mut busy = Vec::new();
    for day in 0..days {
        let opens = date(23 + day).and_time(NaiveTime::MIN).and_utc() + TimeDelta::hours(8 + 5);
        for seat in 0..SEATS {
            busy.extend((0..20).map(|slot| {
                let from = opens + TimeDelta::minutes(30 * slot);
                Busy {
                    resource_id: Uuid::from_u128(u128::from(seat / 2) + 1),
                    seat: seat % 2,
                    from,
                    to: from + TimeDelta::minutes(30),
                }
            }));
        }
    }
    busy
}

fn wish(day: u32) -> SlotRequest {
    let time = NaiveTime::from_hms_opt(14, 30, 0).unwrap();
    SlotRequest { date: date(day), time, minutes: 30, service: Some("check-up".to_owned()) }
}

fn placing(criterion: &mut Criterion) {
    let now: DateTime<Utc> = NOW.parse().unwrap();
    let calendar = clinic();
    let mut group = criterion.benchmark_group("place");

    let day = full(1);
    let week = full(7);
    assert_eq!(place(&calendar, &wish(23), &[], now).unwrap().len(), usize::from(SEATS));
    group.bench_function("empty_day", |bench| {
        bench.iter(|| place(&calendar, black_box(&wish(23)), &[], now).is_ok());
    });
    // All seats but one are taken at the wished time, and everything else is full.
    let mut last_seat = day.clone();
    let wished = wish(23).date.and_time(wish(23).time).and_utc() + TimeDelta::hours(5);
    let taken = last_seat.iter().position(|busy| busy.from == wished).unwrap();
    last_seat.swap_remove(taken);
    assert_eq!(place(&calendar, &wish(23), &last_seat, now).unwrap().len(), 1);
    group.bench_function("last_seat_of_a_full_day", |bench| {
        bench.iter(|| place(&calendar, black_box(&wish(23)), &last_seat, now).is_ok());
    });
    for (name, busy, next) in
        [("full_day_with_alternatives", &day, 24), ("full_week_with_alternatives", &week, 30)]
    {
        let Err(Unbookable::Taken { alternatives }) = place(&calendar, &wish(23), busy, now) else {
            panic!("the day is not full");
        };
        assert_eq!(alternatives.iter().map(|slot| slot.local.date()).collect::<Vec<_>>(), [date(next); 3]);
        group.bench_function(name, |bench| {
            bench.iter(|| place(&calendar, black_box(&wish(23)), busy, now).is_err());
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("find");
    group.bench_function("free_slots_of_an_empty_day", |bench| {
        bench.iter(|| free_slots(&calendar, date(23), 30, Some("check-up"), black_box(&[]), now, 20));
    });
    group.bench_function("free_slots_of_a_full_day", |bench| {
        bench.iter(|| free_slots(&calendar, date(23), 30, Some("check-up"), black_box(&day), now, 20));
    });
    group.bench_function("alternatives_beside_a_full_week", |bench| {
        bench.iter(|| alternatives(&calendar, black_box(&wish(23)), &week, now, 3));
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(5_000)
        .configure_from_args();
    placing(&mut criterion);
    criterion.final_summary();
}
