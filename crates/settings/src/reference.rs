//! `docs/configuration.md`, derived from the sections.

use std::fmt::Write;

use crate::page::{Page, Row, Shown};
use crate::settings::SECTIONS;
use crate::*;

macro_rules! named {
    ($($kind:ty)+) => { $(impl Shown for $kind {
        fn shown(&self) -> String {
            format!("`{}`", format!("{self:?}").to_lowercase())
        }
    })+ };
}

named!(Environment Synchronous Switch LogFormat);

const INTRODUCTION: &str = "\
Read in layers, the last one wins: the defaults below, `gateway.toml`, `.env`, `.env.local`, the environment. In the two
`.env` files and in the environment a setting is written `GATEWAY__SECTION__KEY` (lists separated by commas) or by its
everyday name where it has one; in `gateway.toml` it is `key` under `[section]`. An unknown key is an error that names it.
An empty value is not set.

This page is derived from the code, and a test compares the two. `UPDATE_DOCS=1 cargo test -p settings reference` writes it.
";

const ENVIRONMENT: &str = "\
`production` demands a master key, and TLS or a trusted proxy that says `X-Forwarded-Proto: https`.";

fn page() -> String {
    let mut page = format!("# Configuration\n\n{INTRODUCTION}");
    let top = Page {
        about: "At the top, under no section.",
        rows: vec![Row { default: Environment::default().shown(), meaning: ENVIRONMENT }],
    };
    let pages = [
        top,
        DatabaseSettings::page(),
        ServerSettings::page(),
        ResolverSettings::page(),
        LimitsSettings::page(),
        AuthSettings::page(),
        QuarantineSettings::page(),
        RetentionSettings::page(),
        LogSettings::page(),
    ];
    for ((section, keys), part) in SECTIONS.iter().zip(pages) {
        let title = if section.is_empty() { "The deployment" } else { section };
        write!(page, "\n## {title}\n\n{}\n\n", part.about.trim()).unwrap();
        page.push_str("| key | everyday name | default | meaning |\n| --- | --- | --- | --- |\n");
        for (key, row) in keys.iter().zip(part.rows) {
            let everyday =
                if key.everyday.is_empty() { String::new() } else { format!("`{}`", key.everyday) };
            writeln!(page, "| `{}` | {everyday} | {} | {} |", key.name, row.default, row.meaning.trim())
                .unwrap();
        }
    }
    page
}

#[test]
fn the_page_says_what_the_sections_say() {
    test_support::assert_page("configuration.md", &page(), "settings");
}

/// The fields that a type asks for, out of its own complaint about one that it does not know.
fn fields(section: &str) -> Vec<String> {
    let key = if section.is_empty() { "zz".to_owned() } else { format!("{section}.zz") };
    let config = config::Config::builder().set_override(key, "1").unwrap().build().unwrap();
    let complaint = config.try_deserialize::<Settings>().unwrap_err().to_string();
    let (_, expected) = complaint.split_once("expected").unwrap();
    let (expected, _) = expected.split_once(" for key").unwrap_or((expected, ""));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn no_section_is_left_out() {
    let (top, sections) = SECTIONS.split_first().unwrap();
    let mut named: Vec<_> = top.1.iter().map(|key| key.name).collect();
    named.extend(sections.iter().map(|(section, _)| *section));
    assert_eq!(fields(""), named);
    for (section, keys) in sections {
        assert_eq!(fields(section), keys.iter().map(|key| key.name).collect::<Vec<_>>());
    }
}
