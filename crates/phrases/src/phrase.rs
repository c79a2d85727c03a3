//! Sentences for callers.

use chrono::NaiveDateTime;
use fluent_bundle::FluentArgs;
use scheduling::{Slot, Unbookable};

use crate::language::Language;

/// One thing that an assistant can say to a caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phrase<'a> {
    /// An appointment was booked.
    Booked {
        /// The person.
        name: &'a str,
        /// The service.
        service: Option<&'a str>,
        /// When, in the organization's zone.
        at: NaiveDateTime,
    },
    /// The free times of a day; none is a sentence too.
    Free(&'a [Slot]),
    /// A wish cannot be met, with alternatives where there are any.
    Unbookable(&'a Unbookable),

    /// No assistant for the call.
    NobodyAnswers,
    /// There is no department to transfer to.
    NowhereToTransfer,
    /// The department is closed.
    DepartmentClosed,
    /// Several departments; which one?
    WhichDepartment(&'a [&'a str]),
    /// There is no assistant to hand over to.
    NobodyToHandOver,

    /// The request is not served here.
    CannotDo,
    /// The organization is switched off.
    NotInService,
    /// Over the organization's allowance.
    Busy,
    /// The store does not answer.
    Unreachable,
    /// The work was not done in time.
    TooSlow,
    /// More tool calls than one message may have run.
    TooManyAtOnce,

    /// An assistant called a tool that does not exist.
    NoSuchTool(&'a str),
    /// The arguments of a tool are no object.
    ArgumentsUnreadable(&'a str),
    /// A tool's argument is missing.
    FieldMissing(&'a str, FieldKind),
    /// A tool's argument does not fit.
    FieldMisfit(&'a str, FieldKind),
}

/// The form of a tool's argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Text of at most so many characters.
    Text(usize),
    /// A date, `YYYY-MM-DD`.
    Date,
    /// A time of day, `HH:MM`.
    Time,
    /// A phone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A whole number between two bounds, both included.
    Integer(i64, i64),
}

impl Language {
    /// Says a phrase.
    #[must_use]
    pub fn say(self, phrase: &Phrase<'_>) -> String {
        phrase.said_in(self)
    }
}

impl Phrase<'_> {
    fn said_in(&self, language: Language) -> String {
        let plain = |key: &str| language.message(key, &FluentArgs::new());
        let with = |key: &str, name: &'static str, value: &str| {
            language.message(key, &FluentArgs::from_iter([(name, value)]))
        };
        match *self {
            Self::Booked { name, service, at } => {
                let mut args = FluentArgs::from_iter([("name", name)]);
                args.set("when", language.moment(at));
                match service {
                    Some(service) => {
                        args.set("service", service);
                        language.message("booked-for-service", &args)
                    }
                    None => language.message("booked", &args),
                }
            }
            Self::Free([]) => plain("nothing-free"),
            Self::Free(slots) => with("free", "times", &moments(language, slots).join("; ")),
            Self::Unbookable(reason) => unbookable(language, reason),
            Self::NobodyAnswers => plain("nobody-answers"),
            Self::NowhereToTransfer => plain("nowhere-to-transfer"),
            Self::DepartmentClosed => plain("department-closed"),
            Self::WhichDepartment(names) => with("which-department", "names", &names.join(", ")),
            Self::NobodyToHandOver => plain("nobody-to-hand-over"),
            Self::CannotDo => plain("cannot-do"),
            Self::NotInService => plain("not-in-service"),
            Self::Busy => plain("busy"),
            Self::Unreachable => plain("unreachable"),
            Self::TooSlow => plain("too-slow"),
            Self::TooManyAtOnce => plain("too-many-at-once"),
            Self::NoSuchTool(name) => with("no-such-tool", "name", name),
            Self::ArgumentsUnreadable(name) => with("arguments-unreadable", "name", name),
            Self::FieldMissing(field, wanted) => about_field(language, "field-missing", field, wanted),
            Self::FieldMisfit(field, wanted) => about_field(language, "field-misfit", field, wanted),
        }
    }
}

fn moments(language: Language, slots: &[Slot]) -> Vec<String> {
    slots.iter().map(|slot| language.moment(slot.local)).collect()
}

fn unbookable(language: Language, reason: &Unbookable) -> String {
    let mut args = FluentArgs::new();
    let key = match reason {
        Unbookable::Length { min, max } => {
            args.set("min", *min);
            args.set("max", *max);
            "wrong-length"
        }
        Unbookable::Past { likely: None } => "past",
        Unbookable::Past { likely: Some(date) } => {
            args.set("date", language.date(*date));
            "past-date"
        }
        Unbookable::TooFarAhead { last } => {
            args.set("date", language.date(*last));
            "too-far-ahead"
        }
        Unbookable::Closed { reason: Some(reason), .. } => {
            args.set("reason", reason.as_str());
            "closed-because"
        }
        Unbookable::Closed { reason: None, hours } if hours.is_empty() => "closed",
        Unbookable::Closed { reason: None, hours } => {
            let ranges: Vec<String> = hours.iter().map(|range| language.range(*range)).collect();
            args.set("hours", language.join(&ranges, "and"));
            "outside-hours"
        }
        Unbookable::DaylightGap { next } => {
            args.set("when", language.moment(*next));
            "daylight-gap"
        }
        Unbookable::Taken { alternatives } if alternatives.is_empty() => "taken-and-nothing-free",
        Unbookable::Taken { alternatives } => {
            args.set("times", language.join(&moments(language, alternatives), "or"));
            "taken"
        }
    };
    language.message(key, &args)
}

fn about_field(language: Language, key: &str, field: &str, wanted: FieldKind) -> String {
    let mut bounds = FluentArgs::new();
    let expected = match wanted {
        FieldKind::Text(max) => {
            bounds.set("max", max);
            "a-text"
        }
        FieldKind::Date => "a-date",
        FieldKind::Time => "a-time",
        FieldKind::Phone => "a-phone-number",
        FieldKind::Email => "an-email-address",
        FieldKind::Integer(min, max) => {
            bounds.set("min", min);
            bounds.set("max", max);
            "a-number"
        }
    };
    let mut args = FluentArgs::from_iter([("field", field)]);
    args.set("expected", language.message(expected, &bounds));
    language.message(key, &args)
}
