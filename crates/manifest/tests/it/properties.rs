//! No text panics, and what is declared once is found whole.

use manifest::{Manifest, ManifestError, Source};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{problems, vars};

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(|n| json!(n)),
        "\\PC{0,12}".prop_map(Value::String),
        prop::sample::select(
            &["+15552010100", "sip:a@b", "hmac", "bearer", "UTC", "DE", "09:00-17:00", "2026-12-24"][..]
        )
        .prop_map(|text| json!(text)),
    ]
}

fn object(keys: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(prop::sample::select(keys).prop_map(str::to_owned), scalar(), 0..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

const KEYS: &[&str] = &[
    "id",
    "label",
    "name",
    "number",
    "sip_uri",
    "preset",
    "scheme",
    "secret",
    "prefix",
    "header",
    "algorithm",
    "not_after",
    "minutes",
    "capacity",
    "from",
    "to",
    "department",
    "route",
    "assistant",
    "mon",
    "waiting",
];

const LISTS: &[&str] = &[
    "assistants",
    "phone_numbers",
    "credentials",
    "services",
    "resources",
    "closures",
    "transfers",
    "squads",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
        let source = Source::new(&vars, ".");
        let _ = (Manifest::from_toml(&text, &source), Manifest::from_json(&text, &source));
    }

    #[test]
    fn any_values_are_read_or_refused(
        fields in prop::collection::btree_map(prop::sample::select(LISTS), prop::collection::vec(object(KEYS), 0..3), 0..4),
        scalars in object(&["id", "timezone", "region", "active", "primary_language", "vapi_org_id", "opening_hours", "settings", "limits"]),
        slug in "[a-z-]{0,6}",
    ) {
        let mut organization = scalars;
        organization["slug"] = json!(slug);
        organization["name"] = json!("A");
        for (list, values) in fields {
            organization[list] = json!(values);
        }
        let text = json!({ "organizations": [organization] }).to_string();
        match Manifest::from_json(&text, &Source::new(&vars, ".")) {
            Ok(manifest) => prop_assert_eq!(manifest.organizations.len(), 1),
            Err(ManifestError::Invalid(problems)) => prop_assert!(!problems.is_empty()),
            Err(ManifestError::Form { .. }) => {}
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn many_organizations_keep_their_own(count in 1_usize..40, shared in prop::option::of((0_usize..40, 0_usize..40))) {
        let id = |index: usize| match shared {
            Some((one, other)) if index == one => format!("asst_{other}"),
            _ => format!("asst_{index}"),
        };
        let organizations: Vec<Value> = (0..count)
            .map(|index| json!({ "slug": format!("org-{index}"), "name": "A", "assistants": [{ "id": id(index) }] }))
            .collect();
        let text = json!({ "organizations": organizations }).to_string();
        let clash = shared.is_some_and(|(one, other)| one != other && one < count && other < count);
        match Manifest::from_json(&text, &Source::new(&vars, ".")) {
            Ok(manifest) => {
                prop_assert!(!clash);
                for (index, organization) in manifest.organizations.iter().enumerate() {
                    prop_assert_eq!(&organization.assistants[0].id, &id(index));
                }
            }
            Err(error) => {
                prop_assert!(clash, "{error}");
                prop_assert_eq!(problems(&error).len(), 1);
            }
        }
    }
}
