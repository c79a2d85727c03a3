//! Text that people send stands in a sentence as it is.

use phrases::{Language, Phrase};

use crate::civil;

#[test]
fn what_is_sent_is_never_read_as_a_message() {
    let at = civil("2026-11-24T14:30");
    for name in [
        "{ booked }",
        "{ $service }",
        "-term",
        "# note\nbooked = gone",
        "{",
        "}",
        "\u{2068}",
        "O'Brien \"Bo\"",
        "5",
        "",
    ] {
        for language in Language::all() {
            let sentence = language.say(&Phrase::Booked { name, service: Some(name), at });
            assert!(sentence.matches(name).count() >= 2, "{}: {sentence}", language.code());
            assert!(language.say(&Phrase::NoSuchTool(name)).contains(name));
        }
    }
}

#[test]
fn any_tag_is_some_language() {
    for tag in ["", "-", "en--", "klingon", "de-", "de-1996", "zh-Hant-TW", "\u{0}", "es\u{301}", "🦀", "_GB"]
    {
        assert!(Language::all().any(|language| language.code() == Language::of(tag).code()), "{tag:?}");
    }
    assert_eq!(Language::of("zh-Hant-TW").code(), "en");
    assert_eq!(Language::of("de-Latn-AT").code(), "de");
}
