//! Opening hours as operators write them.

use chrono::Weekday;
use scheduling::{HoursError, OpenRange, OpeningHours};

fn parse(days: &[(&str, &[&str])]) -> Result<OpeningHours, HoursError> {
    OpeningHours::parse(days.iter().map(|(day, ranges)| (*day, ranges.iter().copied())))
}

fn range(opens: u16, closes: u16) -> OpenRange {
    OpenRange::from_minutes(opens, closes).unwrap()
}

#[test]
fn ranges_are_sorted_and_other_days_are_closed() {
    let hours = parse(&[("tue", &["13:00-17:00", "9:00-12:00"]), ("Sunday", &["00:00-24:00"])]).unwrap();
    assert_eq!(hours.on(Weekday::Tue), [range(540, 720), range(780, 1020)]);
    assert_eq!(hours.on(Weekday::Sun), [OpenRange::ALL_DAY]);
    assert_eq!(hours.on(Weekday::Mon), []);
    assert!(!hours.is_always());
}

#[test]
fn touching_ranges_do_not_overlap() {
    let hours = parse(&[("mon", &["09:00-12:00", "12:00-13:00"])]).unwrap();
    assert_eq!(hours.on(Weekday::Mon).len(), 2);
}

#[test]
fn nothing_declared_is_always_open() {
    assert!(parse(&[]).unwrap().is_always());
    assert!(OpeningHours::from_rows([]).unwrap().is_always());
    assert_eq!(OpeningHours::always().on(Weekday::Sat), [OpenRange::ALL_DAY]);
}

#[test]
fn rows_read_back() {
    let hours = parse(&[("fri", &["22:00-24:00"]), ("mon", &["09:00-12:00", "13:00-17:00"])]).unwrap();
    assert_eq!(OpeningHours::from_rows(hours.rows()).unwrap(), hours);
    let texts: Vec<String> = hours.rows().map(|(_, range)| range.to_string()).collect();
    assert_eq!(texts, ["09:00-12:00", "13:00-17:00", "22:00-24:00"]);
}

#[test]
fn mistakes_are_named() {
    let error = |days: &[(&str, &[&str])]| parse(days).unwrap_err().to_string();
    assert_eq!(error(&[("moon", &["09:00-12:00"])]), "\"moon\" is not a weekday (mon to sun)");
    assert_eq!(error(&[("mon", &["09:00-12:00"]), ("Monday", &["13:00-14:00"])]), "mon is given twice");
    assert_eq!(
        error(&[("mon", &["09:00-12:00", "11:59-14:00"])]),
        "09:00-12:00 and 11:59-14:00 overlap on mon"
    );
    assert_eq!(
        error(&[("sat", &["22:00-02:00"])]),
        "\"22:00-02:00\" does not close after it opens; the end of the day is 24:00"
    );
    assert_eq!(error(&[("sat", &[])]), "no day has a range; leave opening hours out to be open at all times");
    for text in [
        "",
        "-",
        "9-17",
        "09:00",
        "09:00-24:01",
        "09:60-10:00",
        "09:00-+9:30",
        "09:00 to 10:00",
        "009:00-10:00",
    ] {
        assert!(matches!(error(&[("sat", &[text])]), e if e.contains("is not a range")), "{text}");
    }
}
