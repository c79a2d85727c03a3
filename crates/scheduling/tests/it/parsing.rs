//! Dates and times as assistants send them.

use chrono::{NaiveDate, NaiveTime};
use proptest::prelude::*;
use scheduling::{parse_date, parse_time};

#[test]
fn dates() {
    assert_eq!(parse_date("2026-11-24"), NaiveDate::from_ymd_opt(2026, 11, 24));
    assert_eq!(parse_date(" 2028-02-29 "), NaiveDate::from_ymd_opt(2028, 2, 29));
    for text in [
        "",
        "2026-02-29",
        "2026-13-01",
        "26-11-24",
        "2026-1-1",
        "11/24/2026",
        "tomorrow",
        "+026-11-24",
        "2026-11-24-",
        "2026-11-24T10:00",
    ] {
        assert_eq!(parse_date(text), None, "{text}");
    }
}

#[test]
fn times() {
    let read = |text| parse_time(text).map(|time| time.format("%H:%M:%S").to_string());
    for (text, expected) in [
        ("14:30", "14:30:00"),
        ("9:05", "09:05:00"),
        ("00:00", "00:00:00"),
        ("14:30:15", "14:30:15"),
        ("2:30 PM", "14:30:00"),
        ("2:30pm", "14:30:00"),
        ("2:30 p.m.", "14:30:00"),
        ("2 pm", "14:00:00"),
        ("12:00 AM", "00:00:00"),
        ("12:15 pm", "12:15:00"),
        ("11:59 a.m.", "11:59:00"),
    ] {
        assert_eq!(read(text).as_deref(), Some(expected), "{text}");
    }
    for text in [
        "",
        "14",
        "24:00",
        "14:60",
        "14:5",
        "13:00 PM",
        "0:30 am",
        "14.30",
        "half past two",
        "14:30:00:00",
        "-1:30",
        "pm",
        ":30",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = (parse_date(&text), parse_time(&text));
    }

    #[test]
    fn every_minute_reads_back_in_both_clocks(hour in 0_u32..24, minute in 0_u32..60) {
        let expected = NaiveTime::from_hms_opt(hour, minute, 0);
        let half = if hour < 12 { "AM" } else { "PM" };
        let twelve = match hour % 12 { 0 => 12, other => other };
        prop_assert_eq!(parse_time(&format!("{hour:02}:{minute:02}")), expected);
        prop_assert_eq!(parse_time(&format!("{twelve}:{minute:02} {half}")), expected);
    }
}
