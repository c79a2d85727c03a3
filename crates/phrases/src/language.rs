//! A language: its message file, and dates and times as it says them.

use std::sync::LazyLock;

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use fluent_bundle::{FluentArgs, FluentError, FluentResource, FluentValue, bundle};
use intl_memoizer::concurrent::IntlLangMemoizer;
use scheduling::OpenRange;
use unic_langid::LanguageIdentifier;

type Bundle = bundle::FluentBundle<FluentResource, IntlLangMemoizer>;

/// Every message file: the language's code, and the file's text.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Spoken where a language has no file.
const FALLBACK: &str = "en";

static BUNDLES: LazyLock<Vec<(&'static str, Bundle)>> =
    LazyLock::new(|| FILES.iter().map(|(code, text)| (*code, bundle_of(code, text))).collect());

fn bundle_of(code: &str, text: &str) -> Bundle {
    let locale: LanguageIdentifier = code.parse().unwrap_or_default();
    let mut bundle = Bundle::new_concurrent(vec![locale]);
    // Marks of direction around inserted texts would be read aloud, or shown.
    bundle.set_use_isolating(false);
    // A mistake in a file loses the message it stands in; the tests do not let one pass.
    let resource = FluentResource::try_new((*text).to_owned()).unwrap_or_else(|(readable, _)| readable);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A language that callers are spoken to in, and the region whose habits it follows.
#[derive(Clone, Copy)]
pub struct Language {
    code: &'static str,
    bundle: Option<&'static Bundle>,
    region: [u8; 2],
}

impl Language {
    /// The language of a tag such as `en`, `en-GB` or `es_MX`; English for one that has no message file.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        let mut parts = tag.trim().split(['-', '_']);
        let code = parts.next().unwrap_or_default();
        let region = parts
            .find_map(|part| <[u8; 2]>::try_from(part.as_bytes()).ok())
            .filter(|region| region.iter().all(u8::is_ascii_alphabetic))
            .map_or([0; 2], |region| region.map(|letter| letter.to_ascii_uppercase()));
        let find = |wanted: &str| BUNDLES.iter().find(|(code, _)| code.eq_ignore_ascii_case(wanted));
        match find(code).or_else(|| find(FALLBACK)) {
            Some((code, bundle)) => Self { code, bundle: Some(bundle), region },
            None => Self { code: FALLBACK, bundle: None, region },
        }
    }

    /// Every language that has a message file.
    pub fn all() -> impl Iterator<Item = Self> {
        FILES.iter().map(|(code, _)| Self::of(code))
    }

    /// The language's code, such as `es`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.code
    }

    /// Says a civil date and time: "Tuesday, November 24 at 2:30 PM".
    #[must_use]
    pub fn moment(self, local: NaiveDateTime) -> String {
        let mut args = self.args_of_date(local.date());
        set_clock(&mut args, local.hour() * 60 + local.minute());
        self.message("moment", &args)
    }

    /// Says a civil date with its year: "Tuesday, November 24, 2026".
    #[must_use]
    pub fn date(self, date: NaiveDate) -> String {
        self.message("date-and-year", &self.args_of_date(date))
    }

    /// Says hours of a day: "from 9:00 AM to 5:00 PM".
    pub(crate) fn range(self, range: OpenRange) -> String {
        let clock = |minute_of_day: u16| {
            let mut args = FluentArgs::new();
            set_clock(&mut args, minute_of_day.into());
            self.message("clock", &args)
        };
        let mut args = FluentArgs::new();
        args.set("from", clock(range.opens_minute()));
        args.set("to", clock(range.closes_minute()));
        self.message("range", &args)
    }

    /// Joins parts as a sentence does, by the message `word`: "a, b or c".
    pub(crate) fn join(self, parts: &[String], word: &str) -> String {
        match parts {
            [] => String::new(),
            [one] => one.clone(),
            [head @ .., last] => {
                let mut args = FluentArgs::new();
                args.set("list", head.join(", "));
                args.set("last", last.as_str());
                self.message(word, &args)
            }
        }
    }

    /// A message of the file with its arguments.
    pub(crate) fn message(self, key: &str, args: &FluentArgs<'_>) -> String {
        self.try_message(key, args, &mut Vec::new())
    }

    fn try_message(self, key: &str, args: &FluentArgs<'_>, errors: &mut Vec<FluentError>) -> String {
        let pattern = self.bundle.and_then(|bundle| Some((bundle, bundle.get_message(key)?.value()?)));
        let text = pattern.map_or_else(
            || key.to_owned(),
            |(bundle, pattern)| bundle.format_pattern(pattern, Some(args), errors).into_owned(),
        );
        // No error here may silence a caller's answer; while testing it may not go by unseen.
        debug_assert!(pattern.is_some() && errors.is_empty(), "{}: {key}: {errors:?}", self.code);
        text
    }

    fn args_of_date(self, date: NaiveDate) -> FluentArgs<'static> {
        let mut args = FluentArgs::new();
        args.set("weekday", date.weekday().number_from_monday());
        args.set("day", date.day());
        args.set("month", date.month());
        args.set("year", date.year());
        let region = self.region.map(char::from).iter().collect::<String>();
        args.set("region", FluentValue::from(region));
        args
    }
}

/// A minute of the day, 0 to 1440.
fn set_clock(args: &mut FluentArgs<'_>, minute_of_day: u32) {
    let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
    args.set("hour", hour);
    args.set("hour12", if hour % 12 == 0 { 12 } else { hour % 12 });
    args.set("half", if hour % 24 < 12 { "am" } else { "pm" });
    args.set("minute", minute);
    args.set("minutes", format!("{minute:02}"));
}
