//! Sentences. Names of months and weekdays are the wide forms of Unicode CLDR, as Babel for Python lists them.

use std::collections::BTreeSet;

use phrases::{FieldKind, Language, Phrase};
use scheduling::{Slot, Unbookable};

use crate::{civil, date, utc};

fn moment(at: &str, language: &str) -> String {
    Language::of(language).moment(civil(at))
}

fn unbookable(refusal: &Unbookable, language: &str) -> String {
    Language::of(language).say(&Phrase::Unbookable(refusal))
}

#[test]
fn dates_and_times_in_each_language() {
    for (language, expected) in [
        ("en", "Tuesday, November 24 at 2:30 PM"),
        ("en-US", "Tuesday, November 24 at 2:30 PM"),
        ("en_GB", "Tuesday, 24 November at 2:30 PM"),
        ("EN-au", "Tuesday, 24 November at 2:30 PM"),
        ("en-Latn-NZ", "Tuesday, 24 November at 2:30 PM"),
        ("es", "martes 24 de noviembre a las 14:30"),
        ("es-MX", "martes 24 de noviembre a las 14:30"),
        ("de", "Dienstag, 24. November um 14:30 Uhr"),
        ("fr", "mardi 24 novembre à 14 h 30"),
        ("xx", "Tuesday, November 24 at 2:30 PM"),
        ("", "Tuesday, November 24 at 2:30 PM"),
    ] {
        assert_eq!(moment("2026-11-24T14:30", language), expected, "{language}");
    }
}

#[test]
fn the_ends_of_the_clock() {
    for (at, expected) in [
        ("2026-03-01T00:05", "Sunday, March 1 at 12:05 AM"),
        ("2026-03-01T12:00", "Sunday, March 1 at 12:00 PM"),
        ("2026-03-01T11:59", "Sunday, March 1 at 11:59 AM"),
        ("2026-03-01T23:59", "Sunday, March 1 at 11:59 PM"),
    ] {
        assert_eq!(moment(at, "en"), expected);
    }
    assert_eq!(moment("2026-03-01T01:15", "es"), "domingo 1 de marzo a la 1:15");
    assert_eq!(moment("2026-03-01T09:00", "fr"), "dimanche 1er mars à 9 h");
    assert_eq!(moment("2026-03-01T09:00", "de"), "Sonntag, 1. März um 9 Uhr");
}

#[test]
fn dates_with_their_year() {
    assert_eq!(Language::of("en").date(date("2027-01-15")), "Friday, January 15, 2027");
    assert_eq!(Language::of("es").date(date("2027-01-15")), "viernes 15 de enero de 2027");
    assert_eq!(Language::of("de").date(date("2027-01-15")), "Freitag, 15. Januar 2027");
}

#[test]
fn refusals_are_sentences() {
    let slot = |at: &str| Slot {
        starts_at: utc("2026-11-24T19:00:00Z"),
        ends_at: utc("2026-11-24T19:30:00Z"),
        local: civil(at),
    };
    let taken = Unbookable::Taken {
        alternatives: vec![slot("2026-11-24T14:00"), slot("2026-11-24T15:00"), slot("2026-11-30T14:30")],
    };
    assert_eq!(
        unbookable(&taken, "en"),
        "That time is already taken. I could offer Tuesday, November 24 at 2:00 PM, \
         Tuesday, November 24 at 3:00 PM or Monday, November 30 at 2:30 PM."
    );
    let past = Unbookable::Past { likely: Some(date("2026-11-24")) };
    assert_eq!(
        unbookable(&past, "en"),
        "That date has already passed. Did you mean Tuesday, November 24, 2026?"
    );
    assert_eq!(
        unbookable(&past, "es"),
        "Esa fecha ya ha pasado. ¿Quiso decir el martes 24 de noviembre de 2026?"
    );
    let hours = ["09:00-12:00", "13:00-24:00"].map(|text| text.parse().unwrap()).to_vec();
    assert_eq!(
        unbookable(&Unbookable::Closed { reason: None, hours }, "en"),
        "That is outside our opening hours. That day we are open from 9:00 AM to 12:00 PM and from 1:00 PM to 12:00 AM."
    );
    assert_eq!(
        unbookable(&Unbookable::Closed { reason: Some("Thanksgiving".to_owned()), hours: Vec::new() }, "en"),
        "We are closed that day: Thanksgiving."
    );
}

#[test]
fn weekdays_and_months_of_a_year() {
    for (language, expected) in [
        ("en", "January February March April May June July August September October November December"),
        ("es", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
        ("de", "Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        ("fr", "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    ] {
        for (month, name) in (1..=12).zip(expected.split(' ')) {
            let said = moment(&format!("2026-{month:02}-09T09:30"), language);
            assert!(said.contains(&format!(" {name} ")), "{language}: {said}");
        }
    }
    for (language, expected) in [
        ("en", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
        ("es", "lunes martes miércoles jueves viernes sábado domingo"),
        ("de", "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
        ("fr", "lundi mardi mercredi jeudi vendredi samedi dimanche"),
    ] {
        // The 23rd of November 2026 is a Monday.
        for (day, name) in (23..=29).zip(expected.split(' ')) {
            let said = moment(&format!("2026-11-{day}T09:30"), language);
            assert!(said.starts_with(name), "{language}: {said}");
        }
    }
}

#[test]
fn every_phrase_is_one_line_of_its_own_in_every_language() {
    let slot = Slot {
        starts_at: utc("2026-11-24T19:00:00Z"),
        ends_at: utc("2026-11-24T19:30:00Z"),
        local: civil("2026-11-24T14:00"),
    };
    let slots = vec![slot, slot];
    let at = civil("2026-11-24T14:30");
    let refusals = [
        Unbookable::Length { min: 15, max: 240 },
        Unbookable::Past { likely: None },
        Unbookable::Past { likely: Some(date("2026-11-24")) },
        Unbookable::TooFarAhead { last: date("2027-11-24") },
        Unbookable::Closed { reason: None, hours: Vec::new() },
        Unbookable::Closed { reason: Some("X".to_owned()), hours: Vec::new() },
        Unbookable::Closed {
            reason: None,
            hours: vec!["09:00-12:00".parse().unwrap(), "13:00-24:00".parse().unwrap()],
        },
        Unbookable::DaylightGap { next: civil("2026-03-08T03:00") },
        Unbookable::Taken { alternatives: Vec::new() },
        Unbookable::Taken { alternatives: slots.clone() },
    ];
    let mut phrases: Vec<Phrase<'_>> = refusals.iter().map(Phrase::Unbookable).collect();
    phrases.extend([
        Phrase::Booked { name: "Jane", service: None, at },
        Phrase::Booked { name: "Jane", service: Some("X"), at },
        Phrase::Free(&slots),
        Phrase::Free(&[]),
        Phrase::NobodyAnswers,
        Phrase::NowhereToTransfer,
        Phrase::DepartmentClosed,
        Phrase::WhichDepartment(&["X", "Y"]),
        Phrase::NobodyToHandOver,
        Phrase::CannotDo,
        Phrase::NotInService,
        Phrase::Busy,
        Phrase::Unreachable,
        Phrase::TooSlow,
        Phrase::TooManyAtOnce,
        Phrase::NoSuchTool("X"),
        Phrase::ArgumentsUnreadable("X"),
    ]);
    for expected in [
        FieldKind::Text(200),
        FieldKind::Date,
        FieldKind::Time,
        FieldKind::Phone,
        FieldKind::Email,
        FieldKind::Integer(15, 240),
    ] {
        phrases.extend([Phrase::FieldMissing("x", expected), Phrase::FieldMisfit("x", expected)]);
    }
    let mut seen = BTreeSet::new();
    for language in Language::all() {
        for phrase in &phrases {
            let sentence = language.say(phrase);
            assert!(sentence.ends_with(['.', '?']), "{sentence}");
            assert!(!sentence.contains(['\n', '{', '}', '$', '\u{2068}']), "{sentence}");
            assert!(sentence.len() > 15, "{}: {sentence} is no sentence", language.code());
            assert!(seen.insert(sentence), "{} repeats a sentence for {phrase:?}", language.code());
        }
    }
}
