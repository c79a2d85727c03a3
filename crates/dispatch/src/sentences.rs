//! What assistants say about bookings, in the organization's language.

use chrono::NaiveDateTime;
use scheduling::{Slot, speak};

/// The languages that sentences exist in; any other is answered in English.
#[derive(Clone, Copy)]
enum Language {
    English,
    Spanish,
    German,
    French,
}

impl Language {
    fn of(tag: &str) -> Self {
        match tag.trim().to_ascii_lowercase().split(['-', '_']).next() {
            Some("es") => Self::Spanish,
            Some("de") => Self::German,
            Some("fr") => Self::French,
            _ => Self::English,
        }
    }
}

/// Confirms a booking: "Your consultation for Jane Doe is booked for Tuesday, November 24 at 2:30 PM."
pub(crate) fn booked(name: &str, service: Option<&str>, local: NaiveDateTime, language: &str) -> String {
    let when = speak(local, language);
    let what = service.map(|service| format!(" ({service})")).unwrap_or_default();
    match Language::of(language) {
        Language::English => format!("The appointment{what} for {name} is booked for {when}."),
        Language::Spanish => format!("La cita{what} de {name} está reservada para el {when}."),
        Language::German => format!("Der Termin{what} für {name} ist gebucht: {when}."),
        Language::French => format!("Le rendez-vous{what} de {name} est réservé pour le {when}."),
    }
}

/// Lists free slots, or says that there are none.
pub(crate) fn free(slots: &[Slot], language: &str) -> String {
    let times: Vec<String> = slots.iter().map(|slot| speak(slot.local, language)).collect();
    let times = times.join("; ");
    match (Language::of(language), slots.is_empty()) {
        (Language::English, true) => "There is no free time on that day.".to_owned(),
        (Language::Spanish, true) => "No hay horas libres ese día.".to_owned(),
        (Language::German, true) => "An diesem Tag ist nichts frei.".to_owned(),
        (Language::French, true) => "Il n'y a plus de créneau libre ce jour-là.".to_owned(),
        (Language::English, false) => format!("Free times: {times}."),
        (Language::Spanish, false) => format!("Horas libres: {times}."),
        (Language::German, false) => format!("Freie Zeiten: {times}."),
        (Language::French, false) => format!("Créneaux libres : {times}."),
    }
}
