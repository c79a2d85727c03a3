//! Every language has every message, with the same arguments.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
use fluent_syntax::parser::parse;
use phrases::Language;

/// The messages of each file, each with what it takes.
fn files() -> BTreeMap<String, BTreeMap<String, BTreeSet<String>>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("messages");
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let resource = parse(fs::read_to_string(&path).unwrap()).unwrap();
        let mut messages = BTreeMap::new();
        for entry in &resource.body {
            let Entry::Message(message) = entry else { continue };
            let mut taken = BTreeSet::new();
            variables(message.value.as_ref().unwrap(), &mut taken);
            let is_first = messages.insert(message.id.name.clone(), taken).is_none();
            assert!(is_first, "{} stands twice in {}", message.id.name, path.display());
        }
        files.insert(path.file_stem().unwrap().to_string_lossy().into_owned(), messages);
    }
    files
}

/// The arguments that stand in a pattern itself, and in what it chooses from.
fn variables(pattern: &Pattern<String>, taken: &mut BTreeSet<String>) {
    let mut inline = |expression: &InlineExpression<String>| {
        if let InlineExpression::VariableReference { id } = expression {
            taken.insert(id.name.clone());
        }
    };
    let mut deeper = Vec::new();
    for element in &pattern.elements {
        let PatternElement::Placeable { expression } = element else { continue };
        match expression {
            Expression::Inline(expression) => inline(expression),
            Expression::Select { selector, variants } => {
                inline(selector);
                deeper.extend(variants.iter().map(|variant| &variant.value));
            }
        }
    }
    for pattern in deeper {
        variables(pattern, taken);
    }
}

/// A part of other messages that a file makes for itself.
const OF_ONE_LANGUAGE: [&str; 1] = ["day-before-month"];

/// Every file says dates and times, each with the arguments that its language needs.
const SAID_ITS_OWN_WAY: [&str; 4] = ["date", "date-and-year", "clock", "moment"];

#[test]
fn every_language_has_every_message_with_the_same_arguments() {
    let files = files();
    let english = files.get("en").unwrap();
    assert!(english.len() > 40, "the messages were read");
    for (language, messages) in &files {
        for (key, taken) in english {
            let Some(own) = messages.get(key) else {
                assert!(OF_ONE_LANGUAGE.contains(&key.as_str()), "{language} lacks {key}");
                continue;
            };
            assert!(
                SAID_ITS_OWN_WAY.contains(&key.as_str()) || own == taken,
                "{language}: {key} takes {own:?}, not {taken:?}"
            );
        }
        let unknown: Vec<&String> = messages.keys().filter(|key| !english.contains_key(*key)).collect();
        assert!(unknown.is_empty(), "{language} has {unknown:?}, which nothing says");
    }
}

#[test]
fn every_file_is_a_language_that_is_spoken() {
    let spoken: BTreeSet<String> = Language::all().map(|language| language.code().to_owned()).collect();
    assert_eq!(spoken, files().into_keys().collect());
    for language in &spoken {
        assert_eq!(Language::of(language).code(), language);
        assert_eq!(Language::of(&format!("{}_XX", language.to_uppercase())).code(), language);
    }
}
