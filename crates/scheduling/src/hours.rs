//! Opening hours: for each weekday, the ranges of civil time in which appointments may lie.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDateTime, Timelike, Weekday};

/// Minutes of a whole day; as a closing time it is written "24:00".
const DAY: u16 = 24 * 60;

/// Half-open range of civil time within one day, in whole minutes: `[opens, closes)`.
///
/// Its text form is `09:00-17:00`. A closing time of `24:00` is the end of the day, which no time of day can express.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpenRange {
    opens: u16,
    closes: u16,
}

impl OpenRange {
    /// The whole day.
    pub const ALL_DAY: Self = Self { opens: 0, closes: DAY };

    /// Makes a range from minutes after midnight; `None` unless `opens < closes <= 1440`.
    #[must_use]
    pub fn from_minutes(opens: u16, closes: u16) -> Option<Self> {
        (opens < closes && closes <= DAY).then_some(Self { opens, closes })
    }

    /// Minutes after midnight at which the range begins: 0 to 1439.
    #[must_use]
    pub fn opens_minute(self) -> u16 {
        self.opens
    }

    /// Minutes after midnight at which the range ends: 1 to 1440, itself outside the range.
    #[must_use]
    pub fn closes_minute(self) -> u16 {
        self.closes
    }
}

impl fmt::Display for OpenRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opens, closes } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", opens / 60, opens % 60, closes / 60, closes % 60)
    }
}

impl FromStr for OpenRange {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        let malformed = || HoursError::Malformed { text: text.to_owned() };
        let (opens, closes) = text.split_once('-').ok_or_else(malformed)?;
        let opens = minute_of_day(opens).ok_or_else(malformed)?;
        let closes = minute_of_day(closes).ok_or_else(malformed)?;
        Self::from_minutes(opens, closes).ok_or_else(|| HoursError::Backwards { text: text.to_owned() })
    }
}

/// Reads `HH:MM` or `H:MM`, up to and including `24:00`.
fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let digits = |part: &str, lengths: &[usize]| {
        (lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u16>().ok())
            .flatten()
    };
    let (hours, minutes) = (digits(hours, &[1, 2])?, digits(minutes, &[2])?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= DAY).then_some(total)
}

/// Opening hours of a week: sorted ranges for each weekday that do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours {
    days: [Vec<OpenRange>; 7],
}

impl OpeningHours {
    /// Open around the clock on every day: what an organization has that declares nothing.
    #[must_use]
    pub fn always() -> Self {
        Self { days: std::array::from_fn(|_| vec![OpenRange::ALL_DAY]) }
    }

    /// Reads days with their ranges, such as `("mon", ["09:00-12:00", "13:00-17:00"])`.
    ///
    /// Days are English names or their first three letters, in any case; a day that is not named is closed. No day at
    /// all means that nothing was declared: [`OpeningHours::always`].
    ///
    /// # Errors
    /// Unknown or repeated days, ranges that are malformed, end before they begin or overlap, and days that all are empty.
    pub fn parse<D, R, I, T>(days: I) -> Result<Self, HoursError>
    where
        I: IntoIterator<Item = (D, R)>,
        D: AsRef<str>,
        R: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for (name, ranges) in days {
            let name = name.as_ref();
            let day = parse_weekday(name).ok_or_else(|| HoursError::UnknownDay { day: name.to_owned() })?;
            if !seen.insert(day.num_days_from_monday()) {
                return Err(HoursError::RepeatedDay { day: weekday_name(day) });
            }
            for range in ranges {
                rows.push((day, range.as_ref().parse()?));
            }
        }
        if rows.is_empty() && !seen.is_empty() {
            return Err(HoursError::NeverOpen);
        }
        Self::from_rows(rows)
    }

    /// Builds hours from stored rows in any order; no row at all is [`OpeningHours::always`].
    ///
    /// # Errors
    /// [`HoursError::Overlap`] when two ranges of one day overlap.
    pub fn from_rows(rows: impl IntoIterator<Item = (Weekday, OpenRange)>) -> Result<Self, HoursError> {
        let mut days: [Vec<OpenRange>; 7] = std::array::from_fn(|_| Vec::new());
        let mut any = false;
        for (day, range) in rows {
            any = true;
            if let Some(ranges) = days.get_mut(index(day)) {
                ranges.push(range);
            }
        }
        if !any {
            return Ok(Self::always());
        }
        for (ranges, day) in days.iter_mut().zip(WEEK) {
            ranges.sort_unstable();
            let clash = ranges.iter().zip(ranges.iter().skip(1)).find(|(one, next)| next.opens < one.closes);
            if let Some((one, next)) = clash {
                return Err(HoursError::Overlap { day: weekday_name(day), one: *one, other: *next });
            }
        }
        Ok(Self { days })
    }

    /// The ranges of a weekday in ascending order; empty when it is closed.
    #[must_use]
    pub fn on(&self, day: Weekday) -> &[OpenRange] {
        self.days.get(index(day)).map_or(&[], Vec::as_slice)
    }

    /// Every range with its weekday, Monday first; [`OpeningHours::from_rows`] reads it back.
    pub fn rows(&self) -> impl Iterator<Item = (Weekday, OpenRange)> + '_ {
        WEEK.into_iter().flat_map(|day| self.on(day).iter().map(move |range| (day, *range)))
    }

    /// Whether a civil time lies inside an opening range of its day.
    #[must_use]
    pub fn is_open_at(&self, local: NaiveDateTime) -> bool {
        let minute = local.hour() * 60 + local.minute();
        self.on(local.weekday())
            .iter()
            .any(|range| (u32::from(range.opens)..u32::from(range.closes)).contains(&minute))
    }

    /// Whether every day is open around the clock.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.days.iter().all(|ranges| ranges.as_slice() == [OpenRange::ALL_DAY])
    }
}

impl Default for OpeningHours {
    fn default() -> Self {
        Self::always()
    }
}

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

fn index(day: Weekday) -> usize {
    usize::try_from(day.num_days_from_monday()).unwrap_or_default()
}

/// The three-letter name of a weekday: `mon` to `sun`.
#[must_use]
pub fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "mon",
        Weekday::Tue => "tue",
        Weekday::Wed => "wed",
        Weekday::Thu => "thu",
        Weekday::Fri => "fri",
        Weekday::Sat => "sat",
        Weekday::Sun => "sun",
    }
}

/// Reads an English weekday, as its full name or its first three letters, in any case.
#[must_use]
pub fn parse_weekday(text: &str) -> Option<Weekday> {
    text.trim().parse().ok()
}

/// Why opening hours cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoursError {
    /// The name is no weekday.
    #[error("{day:?} is not a weekday (mon to sun)")]
    UnknownDay {
        /// The name as it was given.
        day: String,
    },
    /// The same weekday was given twice, perhaps once by its full name.
    #[error("{day} is given twice")]
    RepeatedDay {
        /// The weekday's three-letter name.
        day: &'static str,
    },
    /// The range is not written as `HH:MM-HH:MM`.
    #[error("{text:?} is not a range such as 09:00-17:00")]
    Malformed {
        /// The range as it was given.
        text: String,
    },
    /// The range ends when or before it begins.
    #[error("{text:?} does not close after it opens; the end of the day is 24:00")]
    Backwards {
        /// The range as it was given.
        text: String,
    },
    /// Two ranges of one day overlap.
    #[error("{one} and {other} overlap on {day}")]
    Overlap {
        /// The weekday's three-letter name.
        day: &'static str,
        /// The range that begins first.
        one: OpenRange,
        /// The range that begins inside it.
        other: OpenRange,
    },
    /// Days are named, and all of them are empty.
    #[error("no day has a range; leave opening hours out to be open at all times")]
    NeverOpen,
}
