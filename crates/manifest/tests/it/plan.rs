//! The changes that a file would make.

use manifest::{Action, Plan, plan};
use serde_json::json;
use signature::SecretKey;
use tenant::{Organization, Section};

use crate::support::read;

/// The organizations of a file.
fn file(text: &str) -> Vec<Organization> {
    read(text).unwrap().organizations
}

/// One organization with every section filled.
const FULL: &str = r#"
[[organizations]]
slug = "lakeside-law"
name = "Lakeside Law"
timezone = "Europe/Berlin"
region = "DE"
secondary_languages = ["de"]
vapi_org_id = "account-1"
assistants = [{ id = "asst_1", name = "Sarah", role = "inbound" }]
squads = ["squad_1"]
phone_numbers = [{ id = "pn_1", number = "+4930123456", route = { assistant = "asst_1" } }]
credentials = [{ label = "2026", preset = "x-vapi-signature", secret = "s3cret of 2026", not_after = "2027-01-31T00:00:00Z" }]
services = [{ name = "consultation", minutes = 30 }]
resources = [{ name = "room", capacity = 2 }]
opening_hours = { mon = ["09:00-17:00"] }
closures = [{ from = "2026-12-24", to = "2026-12-26", reason = "Christmas" }]
transfers = [{ department = "billing", number = "+49309999999" }]
settings = { booking_days_ahead = 90 }
limits = { waiting = 60 }
"#;

/// The full organization with one text put in the place of another.
fn full_with(old: &str, new: &str) -> Vec<Organization> {
    assert!(FULL.contains(old), "{old}");
    file(&FULL.replace(old, new))
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_stored_as_declared_needs_nothing() {
    let same = plan(&file(FULL), &file(FULL), true).unwrap();
    assert!(same.is_empty() && same.kept.is_empty());
    assert_eq!(same.to_string(), "Nothing to change.");
    assert!(plan(&[], &[], true).unwrap().is_empty());
}

#[test]
fn a_new_organization_is_made_with_all_its_parts() {
    let new = plan(&[], &file(FULL), false).unwrap();
    assert_eq!(
        lines(&new),
        [
            "+ lakeside-law organization (Lakeside Law, Europe/Berlin, region DE)",
            "+ lakeside-law assistant asst_1 (Sarah, inbound)",
            "+ lakeside-law squad squad_1",
            "+ lakeside-law phone number pn_1 (+4930123456, to assistant asst_1)",
            "+ lakeside-law credential 2026 (hmac, until 2027-01-31T00:00:00Z)",
            "+ lakeside-law service consultation (30 minutes)",
            "+ lakeside-law resource room (capacity 2)",
            "+ lakeside-law opening hours (mon 09:00-17:00)",
            "+ lakeside-law closure 2026-12-24..2026-12-26 (Christmas)",
            "+ lakeside-law transfer billing (+49309999999)",
        ]
    );
    assert!(new.to_string().ends_with("\n10 to add, 0 to change, 0 to remove."), "{new}");
    assert!(!format!("{new:?}{new}").contains("s3cret"));
}

#[test]
fn every_part_that_differs_is_one_change() {
    for (old, new, expected) in [
        ("name = \"Lakeside Law\"", "name = \"Law\"", "organization (name \"Lakeside Law\" -> \"Law\")"),
        ("Europe/Berlin", "UTC", "organization (timezone Europe/Berlin -> UTC)"),
        ("region = \"DE\"", "region = \"AT\"", "organization (region \"DE\" -> \"AT\")"),
        ("[\"de\"]", "[]", "organization (secondary_languages \"[de]\" -> \"[]\")"),
        ("vapi_org_id = \"account-1\"", "", "organization (vapi_org_id account-1 -> none)"),
        ("booking_days_ahead = 90", "booking_days_ahead = 91", "organization (settings.booking_days_ahead)"),
        ("waiting = 60", "streams = 5", "organization (limits.waiting 60 -> none, limits.streams none -> 5)"),
        ("name = \"Sarah\"", "name = \"Sara\"", "assistant asst_1 (name \"Sarah\" -> \"Sara\")"),
        (
            "number = \"+4930123456\"",
            "sip_uri = \"sip:a@x\"",
            "phone number pn_1 (number +4930123456 -> none, sip_uri none -> sip:a@x)",
        ),
        (", route = { assistant = \"asst_1\" }", "", "phone number pn_1 (route to assistant asst_1 -> none)"),
        ("x-vapi-signature", "bearer", "credential 2026 (recipe)"),
        ("s3cret", "s4cret", "credential 2026 (secret)"),
        (
            "2027-01-31",
            "2027-02-28",
            "credential 2026 (not_after 2027-01-31T00:00:00Z -> 2027-02-28T00:00:00Z)",
        ),
        (
            "minutes = 30",
            "minutes = 45, buffer_minutes = 5",
            "service consultation (minutes 30 -> 45, buffer_minutes 0 -> 5)",
        ),
        (
            "\"consultation\"",
            "\"Consultation\"",
            "service Consultation (name \"consultation\" -> \"Consultation\")",
        ),
        ("capacity = 2", "capacity = 3", "resource room (capacity 2 -> 3)"),
        ("09:00-17:00", "09:00-18:00", "opening hours (now mon 09:00-18:00)"),
        ("Christmas", "Holidays", "closure 2026-12-24..2026-12-26 (reason Christmas -> Holidays)"),
        ("+49309999999", "+49308888888", "transfer billing (number +49309999999 -> +49308888888)"),
    ] {
        let changed = plan(&file(FULL), &full_with(old, new), false).unwrap();
        assert_eq!(lines(&changed), [format!("~ lakeside-law {expected}")], "{new}");
        assert!(changed.kept.is_empty());
    }
}

#[test]
fn what_the_file_leaves_out_is_kept_or_pruned() {
    let bare = file(
        "[[organizations]]\nslug = \"lakeside-law\"\nname = \"Lakeside Law\"\ntimezone = \"Europe/Berlin\"\n\
         region = \"DE\"\nsecondary_languages = [\"de\"]\nvapi_org_id = \"account-1\"\n\
         settings = { booking_days_ahead = 90 }\nlimits = { waiting = 60 }",
    );
    let kept = plan(&file(FULL), &bare, false).unwrap();
    assert!(kept.is_empty());
    let sections: Vec<Section> = kept.kept.iter().map(|kept| kept.entry.section()).collect();
    assert_eq!(
        sections,
        [
            Section::Assistants,
            Section::Squads,
            Section::PhoneNumbers,
            Section::Credentials,
            Section::Services,
            Section::Resources,
            Section::OpeningHours,
            Section::Closures,
            Section::Transfers,
        ]
    );
    let printed = kept.to_string();
    assert!(printed.starts_with("= lakeside-law assistant asst_1\n"), "{printed}");
    assert!(
        printed
            .ends_with("\nNothing to change; 9 kept that the file does not declare (--prune removes them).")
    );

    let pruned = plan(&file(FULL), &bare, true).unwrap();
    assert!(pruned.kept.is_empty());
    assert_eq!(pruned.changes.iter().map(|change| change.entry().section()).collect::<Vec<_>>(), sections);
    assert!(pruned.changes.iter().all(|change| change.action() == Action::Remove));
    assert!(
        pruned
            .to_string()
            .contains("\n- lakeside-law phone number pn_1 (+4930123456, to assistant asst_1)\n")
    );
}

#[test]
fn organizations_out_of_the_file_are_left_alone_unless_pruned() {
    let other = "[[organizations]]\nslug = \"northgate\"\nname = \"Northgate\"";
    let stored = file(&format!("{other}\n{FULL}"));
    let untouched = plan(&stored, &file(FULL), false).unwrap();
    assert!(untouched.is_empty() && untouched.kept.is_empty());
    assert_eq!(
        lines(&plan(&stored, &file(FULL), true).unwrap()),
        ["- northgate organization (Northgate, with everything that is stored for it)"]
    );
}

#[test]
fn organizations_are_known_by_id_then_slug() {
    let of = |fields: &str| file(&format!("[[organizations]]\nname = \"A\"\n{fields}"));
    let id = "46cf2995-2bee-44e3-838b-24151486fe4e";
    let stored = of(&format!("id = \"{id}\"\nslug = \"north\""));
    let renamed = plan(&stored, &of(&format!("id = \"{id}\"\nslug = \"south\"")), false).unwrap();
    assert_eq!(lines(&renamed), ["~ south organization (slug \"north\" -> \"south\")"]);
    assert_eq!(renamed.changes[0].organization_id.to_string(), id);
    // Made elsewhere under an id of its own: the file need not name it.
    let by_slug = plan(&stored, &of("slug = \"north\"\nsquads = [\"s\"]"), false).unwrap();
    assert_eq!(lines(&by_slug), ["+ north squad s"]);
    assert_eq!(by_slug.changes[0].organization_id.to_string(), id);

    let other = "b0a5c2a4-52cf-4a4b-9d6c-5a4a1f0f6f2f";
    for prune in [false, true] {
        let error = plan(&stored, &of(&format!("id = \"{other}\"\nslug = \"north\"")), prune).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("organization north, slug: \"north\" already belongs to organization {id}")
        );
    }
    let swapped = file(&format!(
        "[[organizations]]\nname = \"A\"\nid = \"{id}\"\nslug = \"south\"\n\
         [[organizations]]\nname = \"B\"\nid = \"{other}\"\nslug = \"north\""
    ));
    assert_eq!(
        lines(&plan(&stored, &swapped, false).unwrap()),
        ["~ south organization (slug \"north\" -> \"south\")", "+ north organization (B, UTC, region US)"]
    );
}

#[test]
fn a_credential_without_a_secret_keeps_the_stored_one() {
    let without = full_with(", secret = \"s3cret of 2026\"", "");
    assert!(plan(&file(FULL), &without, false).unwrap().is_empty());

    let error = plan(&[], &without, false).unwrap_err();
    let absent =
        "organization lakeside-law, credentials[0] \"2026\": it has no secret, and none is stored for it";
    assert_eq!(error.to_string(), absent);
    assert_eq!(plan(&full_with("\"2026\"", "\"2025\""), &without, false).unwrap_err().to_string(), absent);

    let mut closed = file(FULL);
    closed[0].credentials[0].secret = None;
    let error = plan(&closed, &without, false).unwrap_err().to_string();
    assert!(error.ends_with("its stored secret cannot be opened, so the file has to give one"), "{error}");
    assert_eq!(
        lines(&plan(&closed, &file(FULL), false).unwrap()),
        ["~ lakeside-law credential 2026 (secret)"]
    );

    let mut wanted = full_with("x-vapi-signature\", secret = \"s3cret of 2026\"", "standard-webhooks\"");
    let mut stored = file(FULL);
    stored[0].credentials[0].secret = Some(SecretKey::new("hidden!").unwrap());
    let error = plan(&stored, &wanted, false).unwrap_err().to_string();
    assert!(
        error.ends_with("its stored secret does not go with the new recipe: the secret is not base64"),
        "{error}"
    );
    wanted[0].credentials[0].secret = Some(SecretKey::new("aGlkZGVu").unwrap());
    assert_eq!(
        lines(&plan(&stored, &wanted, false).unwrap()),
        ["~ lakeside-law credential 2026 (recipe, secret)"]
    );
}

#[test]
fn instants_are_compared_as_databases_keep_them() {
    let finer = full_with("2027-01-31T00:00:00Z", "2027-01-31T00:00:00.000000999Z");
    assert!(plan(&file(FULL), &finer, false).unwrap().is_empty());
}

#[test]
fn numbers_are_known_by_any_of_their_names() {
    let numbers = |numbers: &str| {
        file(&format!("[[organizations]]\nslug = \"a\"\nname = \"A\"\nphone_numbers = [{numbers}]"))
    };
    let changes = |stored: &str, wanted: &str, prune| {
        let plan = plan(&numbers(stored), &numbers(wanted), prune).unwrap();
        let kept: Vec<String> = plan.kept.iter().map(ToString::to_string).collect();
        (lines(&plan), kept)
    };
    let none = Vec::<String>::new;
    assert_eq!(
        changes("{ number = \"+15552010100\" }", "{ id = \"p\", number = \"+15552010100\" }", false),
        (vec!["~ a phone number p (id none -> p)".to_owned()], none())
    );
    // A second row that says nothing of its own is neither kept nor pruned.
    let (twice, once) =
        ("{ id = \"p\" }, { number = \"+15552010100\" }", "{ id = \"p\", number = \"+15552010100\" }");
    for prune in [false, true] {
        assert_eq!(
            changes(twice, once, prune),
            (vec!["~ a phone number p (number none -> +15552010100)".to_owned()], none())
        );
    }
    // One stored number is never two declared ones.
    assert_eq!(
        changes(once, twice, false),
        (
            vec![
                "~ a phone number p (number +15552010100 -> none)".to_owned(),
                "+ a phone number +15552010100".to_owned()
            ],
            none()
        )
    );
    // The id is the stronger name.
    let crossed = "{ id = \"q\", number = \"+15552010100\" }, { id = \"p\", number = \"+15552010101\" }";
    let stored = "{ id = \"p\", number = \"+15552010100\" }, { id = \"q\", number = \"+15552010101\" }";
    assert_eq!(changes(stored, crossed, false).0.len(), 2);
    assert!(changes(stored, crossed, false).0.iter().all(|line| line.starts_with('~')));
    assert_eq!(
        changes(stored, "{ id = \"q\", number = \"+15552010101\" }", false),
        (none(), vec!["= a phone number p".to_owned()])
    );
}

#[test]
fn a_second_owner_is_found_before_anything_is_written() {
    let two = |a: &str, b: &str| {
        file(&format!(
            "[[organizations]]\nslug = \"a\"\nname = \"A\"\n{a}\n[[organizations]]\nslug = \"b\"\nname = \"B\"\n{b}"
        ))
    };
    for (fields, field, value) in [
        ("assistants = [{ id = \"x\" }]", "assistants", "x"),
        ("squads = [\"x\"]", "squads", "x"),
        ("phone_numbers = [{ id = \"x\" }]", "phone_numbers", "x"),
        ("phone_numbers = [{ id = \"y\", number = \"+15552010100\" }]", "phone_numbers", "+15552010100"),
        ("phone_numbers = [{ sip_uri = \"sip:a@x\" }]", "phone_numbers", "sip:a@x"),
    ] {
        let stored = two(fields, "");
        let moved = two("", fields);
        let error = plan(&stored, &moved, false).unwrap_err();
        let sentence = format!("organization b, {field}: {value:?} already belongs to organization a");
        assert!(error.to_string().contains(&sentence), "{error}");
        // Also when its owner is not in the file at all.
        let error = plan(&stored, &moved[1..], false).unwrap_err();
        assert!(error.to_string().contains(&sentence), "{error}");
        let pruned = plan(&stored, &moved, true).unwrap();
        let actions: Vec<Action> = pruned.changes.iter().map(|change| change.action()).collect();
        assert_eq!(actions, [Action::Remove, Action::Create], "{pruned}");
    }
    // A number that its owner gives up for another one is free.
    let number = |number: &str| format!("phone_numbers = [{{ id = \"p\", number = \"{number}\" }}]");
    let stored = two(&number("+15552010100"), "");
    let wanted = two(&number("+15552010101"), "phone_numbers = [{ number = \"+15552010100\" }]");
    assert_eq!(plan(&stored, &wanted, false).unwrap().changes.len(), 2);
}

#[test]
fn all_problems_are_told_at_once() {
    let stored = file("[[organizations]]\nslug = \"a\"\nname = \"A\"\nsquads = [\"x\"]");
    let wanted = file(
        "[[organizations]]\nslug = \"b\"\nname = \"B\"\nsquads = [\"x\"]\n\
         credentials = [{ label = \"l\", preset = \"bearer\" }]",
    );
    let error = plan(&stored, &wanted, false).unwrap_err();
    assert_eq!(error.problems.len(), 2);
    assert_eq!(error.to_string().lines().count(), 2);
}

#[test]
fn plans_are_readable_by_machines() {
    let mut wanted = file(FULL);
    wanted[0].squads.clear();
    wanted[0].assistants[0].name = "Sara".to_owned();
    let id = wanted[0].id.to_string();
    let shown = serde_json::to_value(plan(&file(FULL), &wanted, false).unwrap()).unwrap();
    assert_eq!(
        shown,
        json!({
            "changes": [{
                "organization": "lakeside-law", "organization_id": id, "action": "update",
                "section": "assistants", "subject": "asst_1", "detail": "name \"Sarah\" -> \"Sara\"",
            }],
            "kept": [{
                "organization": "lakeside-law", "organization_id": id, "section": "squads", "subject": "squad_1",
            }],
        })
    );
}

#[test]
fn knowledge_is_known_by_its_path() {
    let knowledge = |title: &str, content: &str| {
        let mut organizations = file(FULL);
        organizations[0].knowledge = vec![tenant::Document {
            path: "docs/a.md".to_owned(),
            title: title.to_owned(),
            content: content.to_owned(),
        }];
        organizations
    };
    let changed = plan(&knowledge("A", "one"), &knowledge("B", "two"), false).unwrap();
    assert_eq!(lines(&changed), ["~ lakeside-law knowledge docs/a.md (title \"A\" -> \"B\", content)"]);
    // PostgreSQL keeps no NUL, so a text that differs in nothing else is the same one.
    assert!(plan(&knowledge("A", "one"), &knowledge("A", "o\0ne"), false).unwrap().is_empty());
}
