//! Sentences. Month and weekday names were checked against Unicode CLDR's wide forms.

use scheduling::{Refusal, Slot, speak, speak_date, speak_refusal};

use crate::support::{civil, date, utc};

#[test]
fn dates_and_times_in_each_language() {
    let afternoon = civil("2026-11-24T14:30");
    for (language, expected) in [
        ("en", "Tuesday, November 24 at 2:30 PM"),
        ("en-US", "Tuesday, November 24 at 2:30 PM"),
        ("en_GB", "Tuesday, 24 November at 2:30 PM"),
        ("es", "martes 24 de noviembre a las 14:30"),
        ("es-MX", "martes 24 de noviembre a las 14:30"),
        ("de", "Dienstag, 24. November um 14:30 Uhr"),
        ("fr", "mardi 24 novembre à 14 h 30"),
        ("xx", "Tuesday, November 24 at 2:30 PM"),
        ("", "Tuesday, November 24 at 2:30 PM"),
    ] {
        assert_eq!(speak(afternoon, language), expected, "{language}");
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
        assert_eq!(speak(civil(at), "en"), expected);
    }
    assert_eq!(speak(civil("2026-03-01T01:15"), "es"), "domingo 1 de marzo a la 1:15");
    assert_eq!(speak(civil("2026-03-01T09:00"), "fr"), "dimanche 1er mars à 9 h");
    assert_eq!(speak(civil("2026-03-01T09:00"), "de"), "Sonntag, 1. März um 9 Uhr");
}

#[test]
fn dates_with_their_year() {
    assert_eq!(speak_date(date("2027-01-15"), "en"), "Friday, January 15, 2027");
    assert_eq!(speak_date(date("2027-01-15"), "es"), "viernes 15 de enero de 2027");
    assert_eq!(speak_date(date("2027-01-15"), "de"), "Freitag, 15. Januar 2027");
}

#[test]
fn refusals_are_sentences() {
    let slot = |at: &str| Slot {
        starts_at: utc("2026-11-24T19:00:00Z"),
        ends_at: utc("2026-11-24T19:30:00Z"),
        local: civil(at),
    };
    let taken = Refusal::Taken {
        alternatives: vec![slot("2026-11-24T14:00"), slot("2026-11-24T15:00"), slot("2026-11-30T14:30")],
    };
    assert_eq!(
        speak_refusal(&taken, "en"),
        "That time is already taken. I could offer Tuesday, November 24 at 2:00 PM, \
         Tuesday, November 24 at 3:00 PM or Monday, November 30 at 2:30 PM."
    );
    let past = Refusal::Past { likely: Some(date("2026-11-24")) };
    assert_eq!(
        speak_refusal(&past, "en"),
        "That date has already passed. Did you mean Tuesday, November 24, 2026?"
    );
    assert_eq!(
        speak_refusal(&past, "es"),
        "Esa fecha ya ha pasado. ¿Quiso decir el martes 24 de noviembre de 2026?"
    );
    let hours = ["09:00-12:00", "13:00-24:00"].map(|text| text.parse().unwrap()).to_vec();
    assert_eq!(
        speak_refusal(&Refusal::Closed { reason: None, hours }, "en"),
        "That is outside our opening hours. That day we are open from 9:00 AM to 12:00 PM and from 1:00 PM to 12:00 AM."
    );
    assert_eq!(
        speak_refusal(&Refusal::Closed { reason: Some("Thanksgiving".to_owned()), hours: Vec::new() }, "en"),
        "We are closed that day: Thanksgiving."
    );
}

#[test]
fn every_refusal_is_one_line_in_every_language() {
    let all = [
        Refusal::Length { min: 15, max: 240 },
        Refusal::Past { likely: None },
        Refusal::Past { likely: Some(date("2026-11-24")) },
        Refusal::TooFarAhead { last: date("2027-11-24") },
        Refusal::Closed { reason: None, hours: Vec::new() },
        Refusal::DaylightGap { next: civil("2026-03-08T03:00") },
        Refusal::Taken { alternatives: Vec::new() },
    ];
    for refusal in &all {
        let mut seen = std::collections::BTreeSet::new();
        for language in ["en", "es", "de", "fr"] {
            let sentence = speak_refusal(refusal, language);
            assert!(sentence.ends_with(['.', '?']) && !sentence.contains('\n'), "{sentence}");
            assert!(seen.insert(sentence), "{language} repeats another language for {refusal:?}");
        }
    }
}
