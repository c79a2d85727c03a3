//! Numbers in one form, held against examples that the database triggers are held against too.

use proptest::prelude::*;
use serde::Deserialize;
use tenant::phone::{Region, normalise};

#[derive(Deserialize)]
struct Example {
    raw: String,
    region: String,
    result: Option<String>,
}

#[test]
fn the_examples_hold() {
    let examples: Vec<Example> = serde_json::from_str(include_str!("../phone_examples.json")).unwrap();
    assert!(examples.len() >= 20);
    for Example { raw, region, result } in examples {
        let region: Region = region.parse().unwrap();
        assert_eq!(normalise(&raw, Some(region)), result, "{raw:?} in {region}");
    }
}

#[test]
fn without_a_region_only_international_forms_count() {
    assert_eq!(normalise("+1-555-0123", None).as_deref(), Some("+15550123"));
    assert_eq!(normalise("(555) 201-0101", None), None);
    assert_eq!(normalise("SIP:Front@SIP.vapi.ai", None).as_deref(), Some("sip:front@sip.vapi.ai"));
    for nothing in ["", "+", "+123456", "+1234567890123456", "anonymous", "sip:", "+1555abc0123"] {
        assert_eq!(normalise(nothing, None), None, "{nothing:?}");
    }
}

proptest! {
    #[test]
    fn a_normalised_number_stays_as_it_is(raw in "\\PC{0,40}") {
        let region: Region = "US".parse().unwrap();
        if let Some(once) = normalise(&raw, Some(region)) {
            let twice = normalise(&once, Some(region));
            prop_assert_eq!(twice.as_deref(), Some(once.as_str()));
            prop_assert_eq!(normalise(&once, None), twice);
        }
    }
}
