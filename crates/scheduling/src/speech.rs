//! Dates, times and refusals as sentences that an assistant can say.
//!
//! English, Spanish, German and French; every other language is answered in English.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

use crate::{OpenRange, Refusal};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tongue {
    /// Month before day.
    American,
    /// Day before month.
    British,
    Spanish,
    German,
    French,
}

impl Tongue {
    /// Reads a language tag such as `en`, `en-GB` or `es_MX`.
    fn of(language: &str) -> Self {
        let lower = language.trim().to_ascii_lowercase().replace('_', "-");
        let mut parts = lower.split('-');
        match (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) {
            ("es", _) => Self::Spanish,
            ("de", _) => Self::German,
            ("fr", _) => Self::French,
            ("en", "gb" | "ie" | "au" | "nz" | "za" | "in") => Self::British,
            _ => Self::American,
        }
    }

    fn weekdays(self) -> [&'static str; 7] {
        match self {
            Self::American | Self::British => {
                ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
            }
            Self::Spanish => ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
            Self::German => ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
            Self::French => ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
        }
    }

    #[rustfmt::skip]
    fn months(self) -> [&'static str; 12] {
        match self {
            Self::American | Self::British => [
                "January", "February", "March", "April", "May", "June",
                "July", "August", "September", "October", "November", "December",
            ],
            Self::Spanish => [
                "enero", "febrero", "marzo", "abril", "mayo", "junio",
                "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
            ],
            Self::German => [
                "Januar", "Februar", "März", "April", "Mai", "Juni",
                "Juli", "August", "September", "Oktober", "November", "Dezember",
            ],
            Self::French => [
                "janvier", "février", "mars", "avril", "mai", "juin",
                "juillet", "août", "septembre", "octobre", "novembre", "décembre",
            ],
        }
    }

    fn day(self, date: NaiveDate) -> String {
        let (weekday, month) = (self.weekday(date), self.month(date));
        let day = date.day();
        match self {
            Self::American => format!("{weekday}, {month} {day}"),
            Self::British => format!("{weekday}, {day} {month}"),
            Self::Spanish => format!("{weekday} {day} de {month}"),
            Self::German => format!("{weekday}, {day}. {month}"),
            Self::French => format!("{weekday} {} {month}", french_ordinal(day)),
        }
    }

    fn day_with_year(self, date: NaiveDate) -> String {
        let (day, year) = (self.day(date), date.year());
        match self {
            Self::American => format!("{day}, {year}"),
            Self::Spanish => format!("{day} de {year}"),
            Self::British | Self::German | Self::French => format!("{day} {year}"),
        }
    }

    /// A minute of the day, 0 to 1440.
    fn clock(self, minute_of_day: u32) -> String {
        let (hour, minute) = (minute_of_day / 60, minute_of_day % 60);
        match self {
            Self::American | Self::British => {
                let half = if hour % 24 < 12 { "AM" } else { "PM" };
                let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
                format!("{hour}:{minute:02} {half}")
            }
            Self::Spanish => format!("{hour}:{minute:02}"),
            Self::German if minute == 0 => format!("{hour} Uhr"),
            Self::German => format!("{hour}:{minute:02} Uhr"),
            Self::French if minute == 0 => format!("{hour} h"),
            Self::French => format!("{hour} h {minute:02}"),
        }
    }

    fn day_at(self, local: NaiveDateTime) -> String {
        let day = self.day(local.date());
        let clock = self.clock(local.hour() * 60 + local.minute());
        let at = match self {
            Self::American | Self::British => "at",
            Self::Spanish if local.hour() == 1 => "a la",
            Self::Spanish => "a las",
            Self::German => "um",
            Self::French => "à",
        };
        format!("{day} {at} {clock}")
    }

    fn weekday(self, date: NaiveDate) -> &'static str {
        pick(&self.weekdays(), date.weekday().num_days_from_monday())
    }

    fn month(self, date: NaiveDate) -> &'static str {
        pick(&self.months(), date.month0())
    }

    fn or(self) -> &'static str {
        match self {
            Self::American | Self::British => "or",
            Self::Spanish => "o",
            Self::German => "oder",
            Self::French => "ou",
        }
    }

    fn and(self) -> &'static str {
        match self {
            Self::American | Self::British => "and",
            Self::Spanish => "y",
            Self::German => "und",
            Self::French => "et",
        }
    }

    fn range(self, range: OpenRange) -> String {
        let (opens, closes) =
            (self.clock(range.opens_minute().into()), self.clock(range.closes_minute().into()));
        match self {
            Self::American | Self::British => format!("from {opens} to {closes}"),
            Self::Spanish => format!("de {opens} a {closes}"),
            Self::German => format!("von {opens} bis {closes}"),
            Self::French => format!("de {opens} à {closes}"),
        }
    }
}

fn pick(names: &[&'static str], index: u32) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index).copied()).unwrap_or_default()
}

fn french_ordinal(day: u32) -> String {
    if day == 1 { "1er".to_owned() } else { day.to_string() }
}

/// Joins parts as a sentence does: "a, b or c".
fn join(parts: &[String], word: &str) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} {word} {last}", head.join(", ")),
    }
}

/// Says a civil date and time: "Tuesday, November 24 at 2:30 PM".
///
/// `language` is a tag such as `en`, `en-GB` or `es`; one that is not spoken here is answered in American English.
#[must_use]
pub fn speak(local: NaiveDateTime, language: &str) -> String {
    Tongue::of(language).day_at(local)
}

/// Says a civil date with its year: "Tuesday, November 24, 2026".
#[must_use]
pub fn speak_date(date: NaiveDate, language: &str) -> String {
    Tongue::of(language).day_with_year(date)
}

/// Says a refusal in one or two sentences, alternatives included.
#[must_use]
pub fn speak_refusal(refusal: &Refusal, language: &str) -> String {
    let tongue = Tongue::of(language);
    match refusal {
        Refusal::Length { min, max } => match tongue {
            Tongue::American | Tongue::British => {
                format!("An appointment can take {min} to {max} minutes.")
            }
            Tongue::Spanish => format!("Una cita puede durar de {min} a {max} minutos."),
            Tongue::German => format!("Ein Termin kann {min} bis {max} Minuten dauern."),
            Tongue::French => format!("Un rendez-vous peut durer de {min} à {max} minutes."),
        },
        Refusal::Past { likely: None } => match tongue {
            Tongue::American | Tongue::British => {
                "That time has already passed. Which other time would suit you?"
            }
            Tongue::Spanish => "Esa hora ya ha pasado. ¿Qué otra hora le vendría bien?",
            Tongue::German => "Diese Zeit ist schon vorbei. Welche andere Zeit würde Ihnen passen?",
            Tongue::French => "Cette heure est déjà passée. Quelle autre heure vous conviendrait ?",
        }
        .to_owned(),
        Refusal::Past { likely: Some(date) } => {
            let date = tongue.day_with_year(*date);
            match tongue {
                Tongue::American | Tongue::British => {
                    format!("That date has already passed. Did you mean {date}?")
                }
                Tongue::Spanish => format!("Esa fecha ya ha pasado. ¿Quiso decir el {date}?"),
                Tongue::German => format!("Dieses Datum ist schon vorbei. Meinten Sie {date}?"),
                Tongue::French => format!("Cette date est déjà passée. Vouliez-vous dire le {date} ?"),
            }
        }
        Refusal::TooFarAhead { last } => {
            let last = tongue.day_with_year(*last);
            match tongue {
                Tongue::American | Tongue::British => {
                    format!("That date is too far ahead. Appointments can be booked until {last}.")
                }
                Tongue::Spanish => {
                    format!("Esa fecha está demasiado lejos. Se puede reservar hasta el {last}.")
                }
                Tongue::German => {
                    format!("Dieses Datum liegt zu weit in der Zukunft. Buchbar ist bis {last}.")
                }
                Tongue::French => format!("Cette date est trop éloignée. On peut réserver jusqu'au {last}."),
            }
        }
        Refusal::Closed { reason, hours } => closed(tongue, reason.as_deref(), hours),
        Refusal::DaylightGap { next } => {
            let next = tongue.day_at(*next);
            match tongue {
                Tongue::American | Tongue::British => format!(
                    "That time does not exist because the clocks change that night. The next possible time is {next}."
                ),
                Tongue::Spanish => {
                    format!(
                        "Esa hora no existe por el cambio de hora. La siguiente hora posible es el {next}."
                    )
                }
                Tongue::German => format!(
                    "Diese Zeit gibt es wegen der Zeitumstellung nicht. Die nächste mögliche Zeit ist {next}."
                ),
                Tongue::French => format!(
                    "Cette heure n'existe pas à cause du changement d'heure. La prochaine heure possible est {next}."
                ),
            }
        }
        Refusal::Taken { alternatives } => {
            let times: Vec<String> = alternatives.iter().map(|slot| tongue.day_at(slot.local)).collect();
            taken(tongue, &times)
        }
    }
}

fn taken(tongue: Tongue, times: &[String]) -> String {
    let list = join(times, tongue.or());
    match (tongue, times.is_empty()) {
        (Tongue::American | Tongue::British, false) => {
            format!("That time is already taken. I could offer {list}.")
        }
        (Tongue::American | Tongue::British, true) => {
            "That time is already taken, and nothing is free in the two weeks after it.".to_owned()
        }
        (Tongue::Spanish, false) => format!("Esa hora ya está ocupada. Puedo ofrecerle {list}."),
        (Tongue::Spanish, true) => {
            "Esa hora ya está ocupada y no hay nada libre en las dos semanas siguientes.".to_owned()
        }
        (Tongue::German, false) => format!("Diese Zeit ist schon vergeben. Frei wäre {list}."),
        (Tongue::German, true) => {
            "Diese Zeit ist schon vergeben, und in den zwei Wochen danach ist nichts frei.".to_owned()
        }
        (Tongue::French, false) => format!("Cette heure est déjà prise. Je peux vous proposer {list}."),
        (Tongue::French, true) => {
            "Cette heure est déjà prise et rien n'est libre dans les deux semaines qui suivent.".to_owned()
        }
    }
}

fn closed(tongue: Tongue, reason: Option<&str>, hours: &[OpenRange]) -> String {
    let ranges: Vec<String> = hours.iter().map(|range| tongue.range(*range)).collect();
    let list = join(&ranges, tongue.and());
    match (tongue, reason, hours.is_empty()) {
        (Tongue::American | Tongue::British, Some(reason), _) => format!("We are closed that day: {reason}."),
        (Tongue::American | Tongue::British, None, true) => "We are closed that day.".to_owned(),
        (Tongue::American | Tongue::British, None, false) => {
            format!("That is outside our opening hours. That day we are open {list}.")
        }
        (Tongue::Spanish, Some(reason), _) => format!("Ese día está cerrado: {reason}."),
        (Tongue::Spanish, None, true) => "Ese día está cerrado.".to_owned(),
        (Tongue::Spanish, None, false) => {
            format!("Eso queda fuera del horario. Ese día abrimos {list}.")
        }
        (Tongue::German, Some(reason), _) => format!("An diesem Tag ist geschlossen: {reason}."),
        (Tongue::German, None, true) => "An diesem Tag ist geschlossen.".to_owned(),
        (Tongue::German, None, false) => {
            format!("Das liegt außerhalb der Öffnungszeiten. Geöffnet ist an diesem Tag {list}.")
        }
        (Tongue::French, Some(reason), _) => format!("Nous sommes fermés ce jour-là : {reason}."),
        (Tongue::French, None, true) => "Nous sommes fermés ce jour-là.".to_owned(),
        (Tongue::French, None, false) => {
            format!("C'est en dehors de nos horaires. Ce jour-là, nous sommes ouverts {list}.")
        }
    }
}
