//! `docs/organizations-file.md`, derived from the types of the form and their comments.

use std::collections::HashSet;
use std::fmt::Write;

use serde_json::Value;

use super::File;
use crate::{Manifest, Source};

const EXAMPLE: &str = r#"[[organizations]]
slug = "northgate-dental"
name = "Northgate Dental"
timezone = "America/New_York"
assistants = [{ id = "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad", name = "Sarah", role = "inbound" }]
phone_numbers = [{ number = "+15552010100", route = { assistant = "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad" } }]
credentials = [{ label = "2026", preset = "x-vapi-signature", secret_env = "NORTHGATE_SECRET" }]
services = [{ name = "consultation", minutes = 30 }]
opening_hours = { mon = ["09:00-17:00"], tue = ["09:00-12:00", "13:00-17:00"] }
transfers = [{ department = "billing", number = "+15552010199" }]
settings = { booking_days_ahead = 90 }
"#;

const INTRODUCTION: &str = "\
Read by `vapi-gateway apply`: TOML, or JSON with the same keys when the name ends in `.json`. A key that is not listed is
an error. A key that is not marked as required may be left out.

This page is derived from the code, and a test compares the two. `UPDATE_DOCS=1 cargo test -p manifest reference` writes it.
";

/// The page.
fn page() -> String {
    let schema = Value::from(schemars::schema_for!(File));
    let mut page =
        format!("# The organizations file\n\n{INTRODUCTION}\n```toml\n{EXAMPLE}```\n\n## The file\n\n");
    // Parts come in the order in which the page first names them.
    let mut parts = table(&mut page, &schema);
    let mut written = HashSet::new();
    let mut next = 0;
    while let Some(part) = parts.get(next).cloned() {
        next += 1;
        if written.insert(part.clone()) {
            let schema = &schema["$defs"][&part];
            let about = schema["description"].as_str().unwrap_or_else(|| panic!("{part} has no comment"));
            write!(page, "\n## {}\n\n{}\n\n", title(&part), line(about)).unwrap();
            parts.extend(table(&mut page, schema));
        }
    }
    page
}

/// Writes the keys of one table, required ones first; the parts that it names.
fn table(page: &mut String, schema: &Value) -> Vec<String> {
    let mut parts = Vec::new();
    page.push_str("| key | value | meaning |\n| --- | --- | --- |\n");
    let is_required =
        |key: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
    let mut keys: Vec<(&String, &Value)> = schema["properties"].as_object().unwrap().iter().collect();
    keys.sort_by_key(|(key, _)| !is_required(key));
    for (key, schema_of_key) in keys {
        let value = value(schema_of_key, &mut parts);
        let required = if is_required(key) { ", required" } else { "" };
        let about = schema_of_key["description"].as_str().unwrap_or_else(|| panic!("{key} has no comment"));
        writeln!(page, "| `{key}` | {value}{required} | {} |", line(about)).unwrap();
    }
    parts
}

/// A key's possible values, in words.
fn value(schema: &Value, parts: &mut Vec<String>) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let part = reference.trim_start_matches("#/$defs/").to_owned();
        let title = title(&part);
        let link = format!("[{title}](#{})", title.replace(' ', "-"));
        parts.push(part);
        return link;
    }
    if let Some(first) = schema["anyOf"].as_array().and_then(|any| any.first()) {
        return value(first, parts);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => &kinds[0],
        kind => kind,
    };
    match kind.as_str() {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => format!("list of {}", value(&schema["items"], parts)),
        Some("object") => {
            format!("table of {}", value(&schema["additionalProperties"], parts).replacen("list", "lists", 1))
        }
        _ => panic!("no word for {schema}"),
    }
}

/// `FilePhoneNumber` as `phone number`.
fn title(part: &str) -> String {
    let mut title = String::new();
    for letter in part.trim_start_matches("File").chars() {
        if letter.is_uppercase() && !title.is_empty() {
            title.push(' ');
        }
        title.extend(letter.to_lowercase());
    }
    title
}

fn line(comment: &str) -> String {
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_reference_says_what_the_types_say() {
    test_support::assert_page("organizations-file.md", &page(), "manifest");
}

#[test]
fn the_example_of_the_reference_is_a_file() {
    let vars = |key: &str| (key == "NORTHGATE_SECRET").then(|| "northgate secret".to_owned());
    let manifest = Manifest::from_toml(EXAMPLE, &Source::new(&vars, ".")).unwrap();
    assert_eq!(manifest.organizations[0].profile.settings.booking_days_ahead, Some(90));
    assert!(manifest.organizations[0].profile.settings.other.is_empty());
}
