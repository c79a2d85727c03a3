//! Dates and times as assistants write them.

use chrono::{NaiveDate, NaiveTime};

/// Reads a date written as `YYYY-MM-DD`; anything else, and dates that do not exist, are `None`.
#[must_use]
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.trim().split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(number(year, 4..=4)?.try_into().ok()?, number(month, 2..=2)?, number(day, 2..=2)?)
}

/// Reads a time of day: `14:30`, `9:05`, `14:30:00`, `2:30 PM`, `2pm`, `2:30 p.m.`; anything else is `None`.
#[must_use]
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    let lower = text.trim().to_ascii_lowercase();
    let (clock, half) = split_half(&lower);
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 1..=2)?;
    let minute = parts.next();
    let second = parts.next().map_or(Some(0), |part| number(part, 2..=2))?;
    if parts.next().is_some() {
        return None;
    }
    let hour = match half {
        // A bare hour without am or pm could be a day, a length or anything else.
        None => minute.map(|_| hour)?,
        Some(afternoon) => (1..=12).contains(&hour).then_some(hour % 12 + if afternoon { 12 } else { 0 })?,
    };
    let minute = minute.map_or(Some(0), |part| number(part, 2..=2))?;
    NaiveTime::from_hms_opt(hour, minute, second)
}

/// Splits off `am` or `pm` in its spellings; true is the afternoon.
fn split_half(text: &str) -> (&str, Option<bool>) {
    for (suffix, afternoon) in [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)] {
        if let Some(clock) = text.strip_suffix(suffix) {
            return (clock.trim_end(), Some(afternoon));
        }
    }
    (text, None)
}

fn number(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (length.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}
