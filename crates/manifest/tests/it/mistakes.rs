//! Every mistake has its sentence.

use manifest::{Manifest, ManifestError, Source};

use crate::support::{mistakes, problems, read, sentences, vars};

#[test]
fn one_field_at_a_time() {
    for (fields, expected) in [
        (r#"id = "46cf2995""#, r#"id: "46cf2995" is not a UUID"#),
        (r#"id = "00000000-0000-0000-0000-000000000000""#, "id: the nil UUID names no organization"),
        (r#"timezone = "New York""#, r#"timezone: "New York" is not an IANA time zone"#),
        (r#"region = "XX""#, r#"region: "XX" is no region with a numbering plan"#),
        (
            r#"primary_language = "english""#,
            r#"primary_language: "english" is not a language tag such as en or es-MX"#,
        ),
        (
            r#"secondary_languages = ["es", ""]"#,
            r#"secondary_languages[1]: "" is not a language tag such as en or es-MX"#,
        ),
        (r#"vapi_org_id = " ""#, "vapi_org_id: it is empty"),
        (r#"assistants = [{ id = "" }]"#, "assistants[0].id: it is empty"),
        (r#"assistants = [{ id = "*" }]"#, r#"assistants[0].id: "*" is not an id"#),
        (r#"squads = ["a b"]"#, r#"squads[0]: "a b" is not an id"#),
        (
            r#"phone_numbers = [{ label = "front" }]"#,
            "phone_numbers[0]: it needs an id, a number or a sip_uri",
        ),
        (
            r#"phone_numbers = [{ number = "12" }]"#,
            r#"phone_numbers[0].number: "12" is not a phone number of region US"#,
        ),
        (
            r#"phone_numbers = [{ number = "sip:a@b" }]"#,
            r#"phone_numbers[0].number: "sip:a@b" is not a phone number of region US"#,
        ),
        (
            r#"phone_numbers = [{ sip_uri = "+15552010100" }]"#,
            r#"phone_numbers[0].sip_uri: "+15552010100" is not a SIP URI such as sip:front@example.com"#,
        ),
        (
            r#"phone_numbers = [{ id = "a", route = { } }]"#,
            "phone_numbers[0].route: it needs exactly one of assistant, squad and destination",
        ),
        (
            r#"phone_numbers = [{ id = "a", route = { assistant = "b", squad = "c" } }]"#,
            "phone_numbers[0].route: it needs exactly one of assistant, squad and destination",
        ),
        (
            r#"phone_numbers = [{ id = "a", route = { destination = "front desk" } }]"#,
            r#"phone_numbers[0].route.destination: "front desk" is not a phone number of region US"#,
        ),
        (r#"services = [{ name = "a", minutes = 4 }]"#, "services[0].minutes: 4 is not between 5 and 480"),
        (
            r#"services = [{ name = "a", buffer_minutes = 241 }]"#,
            "services[0].buffer_minutes: 241 is not between 0 and 240",
        ),
        (r#"services = [{ name = "a" }, { name = " A" }]"#, r#"services[1].name: "A" is given twice"#),
        (
            r#"resources = [{ name = "a", capacity = 0 }]"#,
            "resources[0].capacity: 0 is not between 1 and 1000",
        ),
        (
            r#"opening_hours = { mon = ["9 to 5"] }"#,
            r#"opening_hours: "9 to 5" is not a range such as 09:00-17:00"#,
        ),
        (
            r#"closures = [{ from = "24.12.2026" }]"#,
            r#"closures[0].from: "24.12.2026" is not a date such as 2026-12-24"#,
        ),
        (
            r#"closures = [{ from = 2026-12-24, to = 2026-12-23 }]"#,
            "closures[0].to: 2026-12-23 is before 2026-12-24",
        ),
        (r#"transfers = [{ department = "a" }]"#, "transfers[0]: it needs either a number or a sip_uri"),
        (
            r#"settings = { booking_days_ahead = 0 }"#,
            "settings.booking_days_ahead: it is not an integer between 1 and 3650",
        ),
        (
            r#"settings = { endpointing_timeout_seconds = "1" }"#,
            "settings.endpointing_timeout_seconds: it is not a number between 0 and 15",
        ),
        (
            r#"settings = { unavailable_sentence = " " }"#,
            "settings.unavailable_sentence: it is not a sentence",
        ),
        (
            r#"limits = { waiting = 0 }"#,
            "limits.waiting: 0 would refuse every message; use active = false for that",
        ),
    ] {
        assert_eq!(mistakes(fields), [expected], "{fields}");
    }
}

#[test]
fn slugs_and_names() {
    let slug = |slug: &str| sentences(read(&format!("[[organizations]]\nslug = \"{slug}\"\nname = \"A\"")));
    for good in ["a", "0", "northgate-dental", "a--b-", &"a".repeat(63)] {
        assert_eq!(slug(good), Vec::<String>::new());
    }
    for bad in ["-a", "A", "a_b", "a b", "ä", &"a".repeat(64)] {
        let expected =
            format!("organization {bad}, slug: {bad:?} is not made of a-z, 0-9 and -, 1 to 63 of them");
        assert_eq!(slug(bad), [expected]);
    }
    assert_eq!(
        slug(""),
        ["organization number 1, slug: \"\" is not made of a-z, 0-9 and -, 1 to 63 of them"]
    );
    for uuid in ["46cf2995-2bee-44e3-838b-24151486fe4e", "46cf29952bee44e3838b24151486fe4e"] {
        assert_eq!(slug(uuid), [format!("organization {uuid}, slug: {uuid:?} has the form of a UUID")]);
    }
    assert_eq!(
        sentences(read("[[organizations]]\nslug = \"a\"\nname = \" \"")),
        ["organization a, name: it is empty"]
    );
}

#[test]
fn all_are_collected_over_all_organizations() {
    let error = read(
        r#"
        [[organizations]]
        slug = "a"
        name = ""
        timezone = "Mars"
        region = "XX"
        phone_numbers = [{ number = "555" }, { number = "+12" }]
        [[organizations]]
        slug = "b"
        name = "B"
        credentials = [{ label = "x", preset = "nothing" }]
        "#,
    )
    .unwrap_err();
    let fields: Vec<_> =
        problems(&error).iter().map(|p| (p.organization.as_str(), p.field.as_str())).collect();
    // A national form is left alone while the region is wrong, for it may well be right.
    let expected = [
        ("a", "name"),
        ("a", "timezone"),
        ("a", "region"),
        ("a", "phone_numbers[1].number"),
        ("b", "credentials[0].preset"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(error.to_string().lines().count(), 5);
}

#[test]
fn the_form_is_strict() {
    let form = |text: &str| match read(text) {
        Err(error @ ManifestError::Form { .. }) => error.to_string(),
        other => panic!("{text}: {other:?}"),
    };
    assert!(form("").contains("missing field `organizations`"));
    assert!(form("organisations = []").contains("unknown field `organisations`"));
    assert!(form("[[organizations]]\nname = \"A\"").contains("missing field `slug`"));
    let base = "[[organizations]]\nslug = \"a\"\nname = \"A\"\n";
    for (fields, unknown) in [
        ("time_zone = \"UTC\"", "time_zone"),
        ("assistants = [{ id = \"a\", nam = \"b\" }]", "nam"),
        ("phone_numbers = [{ id = \"a\", route = { assistent = \"b\" } }]", "assistent"),
        ("credentials = [{ label = \"a\", key = \"b\" }]", "key"),
        ("limits = { all = 1 }", "all"),
    ] {
        assert!(form(&format!("{base}{fields}")).contains(&format!("unknown field `{unknown}`")), "{fields}");
    }
    assert!(form(&format!("{base}limits = {{ waiting = -1 }}")).contains("-1"));
    assert!(form("[[organizations]]\nslug = \"a\"\nname = 5").starts_with("line 3, column 8: "));
    let json = Manifest::from_json("{\"organizations\":\n null}", &Source::new(&vars, "."));
    assert_eq!(json.unwrap_err().to_string(), "line 2, column 5: invalid type: null, expected a sequence");
}

#[test]
fn a_wrong_form_shows_no_secret() {
    let shown = |secret: &str, extra: &str| {
        let toml = format!(
            "[[organizations]]\nslug = \"a\"\nname = \"A\"\ncredentials = [{{ secret = {secret}, label = \"x\"{extra} }}]"
        );
        let json = format!(
            r#"{{"organizations":[{{"slug":"a","name":"A","credentials":[{{"secret":{secret},"label":"x"{}}}]}}]}}"#,
            extra.replace(", ", ",\"").replace(" = ", "\":")
        );
        let source = Source::new(&vars, ".");
        [Manifest::from_toml(&toml, &source).unwrap_err(), Manifest::from_json(&json, &source).unwrap_err()]
            .map(|error| format!("{error} {error:?}"))
    };
    for text in shown("\"48151623\"", ", labl = \"y\"") {
        assert!(text.contains("labl") && !text.contains("48151623"), "{text}");
    }
    for secret in ["48151623", "-48151623", "48151623.5"] {
        for text in shown(secret, "") {
            assert!(text.contains("a secret is written in quotes") && !text.contains("48151623"), "{text}");
        }
    }
}
