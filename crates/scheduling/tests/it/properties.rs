//! True for every calendar: nothing offered or placed overlaps, lies outside the hours or in the past.

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use scheduling::{
    Busy, Calendar, OpenRange, OpeningHours, SlotRequest, Unbookable, alternatives, free_slots,
    parse_weekday, place,
};
use uuid::Uuid;

use crate::support::{resource, service, utc};

const ZONES: [Tz; 4] = [
    chrono_tz::America::New_York,
    chrono_tz::Europe::Berlin,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Asia::Kolkata,
];

fn calendars() -> impl Strategy<Value = Calendar> {
    let hours = prop::collection::vec((0_u8..7, 0_u16..1440, 15_u16..900), 0..8);
    let resources = prop::collection::vec(1_u16..3, 0..3);
    (prop::sample::select(&ZONES), hours, resources, 0_u16..60).prop_map(
        |(zone, hours, resources, buffer)| {
            let mut calendar = Calendar::new(zone);
            let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
            let mut rows: Vec<(chrono::Weekday, OpenRange)> = Vec::new();
            for (day, opens, length) in hours {
                let day = parse_weekday(names[usize::from(day)]).unwrap();
                let range = OpenRange::from_minutes(opens, (opens + length).min(1440)).unwrap();
                let mut with = rows.clone();
                with.push((day, range));
                if OpeningHours::from_rows(with.iter().copied()).is_ok() {
                    rows = with;
                }
            }
            calendar.opening_hours = OpeningHours::from_rows(rows).unwrap();
            for (index, capacity) in (1_u128..).zip(resources) {
                calendar.resources.push(resource(Uuid::from_u128(index), &index.to_string(), capacity));
            }
            calendar.services = vec![service("cut", 45, buffer, &[])];
            calendar
        },
    )
}

fn busies(now: DateTime<Utc>) -> impl Strategy<Value = Vec<Busy>> {
    prop::collection::vec((0_u128..4, 0_u16..2, 0_i64..20_000, 1_i64..2_000), 0..30).prop_map(move |all| {
        all.into_iter()
            .map(|(id, seat, from, length)| {
                let from = now + TimeDelta::minutes(from);
                Busy { resource_id: Uuid::from_u128(id), seat, from, to: from + TimeDelta::minutes(length) }
            })
            .collect()
    })
}

const STARTS: [&str; 4] =
    ["2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-10-25T00:00:00Z"];

/// Instants around the clock changes of spring and autumn.
fn instants() -> impl Strategy<Value = DateTime<Utc>> {
    (prop::sample::select(&STARTS), 0_i64..20_000)
        .prop_map(|(start, plus)| utc(start) + TimeDelta::minutes(plus))
}

fn cases() -> impl Strategy<Value = (Calendar, DateTime<Utc>, Vec<Busy>, SlotRequest)> {
    let request = (0_u64..20, 0_u32..96, 15_u16..=240, any::<bool>());
    (calendars(), instants(), request).prop_flat_map(|(calendar, now, (days, quarter, minutes, named))| {
        let request = SlotRequest {
            date: calendar.today(now) + Days::new(days),
            time: NaiveTime::from_num_seconds_from_midnight_opt(quarter * 900, 0).unwrap(),
            minutes,
            service: named.then(|| "cut".to_owned()),
        };
        (Just(calendar), Just(now), busies(now), Just(request))
    })
}

/// Whether an interval lies in an opening range, judged by the wall clock at both ends.
///
/// Only for days without a clock change, where wall clock and elapsed time agree.
fn on_the_wall(calendar: &Calendar, from: DateTime<Utc>, to: DateTime<Utc>) -> bool {
    let (from, to) = (from.with_timezone(&calendar.timezone), to.with_timezone(&calendar.timezone));
    let minute = |at: &DateTime<Tz>| at.hour() * 60 + at.minute();
    let next_day = from.date_naive() + Days::new(1);
    let end = if to.date_naive() == next_day && minute(&to) == 0 { 1440 } else { minute(&to) };
    (to.date_naive() == from.date_naive() || end == 1440)
        && calendar.opening_hours.on(from.weekday()).iter().any(|range| {
            u32::from(range.opens_minute()) <= minute(&from) && end <= u32::from(range.closes_minute())
        })
}

fn clock_changes_on(calendar: &Calendar, at: DateTime<Utc>) -> bool {
    let offset = |hours| {
        use chrono::Offset;
        (at + TimeDelta::hours(hours)).with_timezone(&calendar.timezone).offset().fix()
    };
    (-30..=30).any(|hours| offset(hours) != offset(0))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn placements_are_free_open_and_ahead((calendar, now, busy, request) in cases()) {
        match place(&calendar, &request, &busy, now) {
            Ok(placements) => {
                prop_assert!(!placements.is_empty());
                for one in &placements {
                    prop_assert!(one.starts_at >= now);
                    prop_assert_eq!(one.ends_at - one.starts_at, TimeDelta::minutes(request.minutes.into()));
                    prop_assert!(one.blocked_until >= one.ends_at);
                    let local = one.starts_at.with_timezone(&calendar.timezone).naive_local();
                    prop_assert_eq!(local, request.date.and_time(request.time));
                    prop_assert!(clock_changes_on(&calendar, one.starts_at) || on_the_wall(&calendar, one.starts_at, one.ends_at));
                    prop_assert!(!busy.iter().any(|b| b.resource_id == one.resource_id && b.seat == one.seat
                        && b.from < one.blocked_until && one.starts_at < b.to));
                }
                let mut seats: Vec<_> = placements.iter().map(|p| (p.resource_id, p.seat)).collect();
                seats.sort_unstable();
                seats.dedup();
                prop_assert_eq!(seats.len(), placements.len());
            }
            Err(Unbookable::Taken { alternatives }) => prop_assert!(alternatives.len() <= 3),
            Err(_) => {}
        }
    }

    #[test]
    fn what_is_offered_can_be_placed((calendar, now, busy, request) in cases()) {
        let service = request.service.as_deref();
        let mut offered = free_slots(&calendar, request.date, request.minutes, service, &busy, now, 200);
        prop_assert!(offered.is_sorted_by_key(|slot| slot.starts_at));
        let near = alternatives(&calendar, &request, &busy, now, 3);
        prop_assert!(near.len() <= 3);
        offered.extend(near);
        for slot in offered {
            let again = SlotRequest { date: slot.local.date(), time: slot.local.time(), ..request.clone() };
            let placed = place(&calendar, &again, &busy, now);
            prop_assert!(placed.as_ref().is_ok_and(|p| p[0].starts_at == slot.starts_at && p[0].ends_at == slot.ends_at), "{:?} {:?}", slot, placed);
        }
    }

    #[test]
    fn booking_until_refused_never_double_books((calendar, now, _, request) in cases()) {
        let seats = calendar.resources.iter().map(|r| usize::from(r.capacity)).sum::<usize>().max(1);
        let mut busy = Vec::new();
        while let Ok(placements) = place(&calendar, &request, &busy, now) {
            let one = placements[0];
            busy.push(Busy { resource_id: one.resource_id, seat: one.seat, from: one.starts_at, to: one.blocked_until });
            prop_assert!(busy.len() <= seats);
        }
        prop_assert!(busy.is_empty() || busy.len() == seats);
    }
}
