//! Every identifier has one owner.

use crate::support::{mistakes, read, sentences};

/// Two organizations, `a` and `b`, with these fields.
fn two(a: &str, b: &str) -> Vec<String> {
    sentences(read(&format!(
        "[[organizations]]\nslug = \"a\"\nname = \"A\"\n{a}\n[[organizations]]\nslug = \"b\"\nname = \"B\"\n{b}"
    )))
}

#[test]
fn two_organizations_share_nothing() {
    let same = |fields: &str| two(fields, fields);
    assert_eq!(
        same(r#"assistants = [{ id = "asst_1" }]"#),
        [
            r#"organization b, assistants[0].id: "asst_1" already belongs to organization a (assistants[0].id)"#
        ]
    );
    assert_eq!(
        same(r#"squads = ["s"]"#),
        [r#"organization b, squads[0]: "s" already belongs to organization a (squads[0])"#]
    );
    assert_eq!(
        same(r#"phone_numbers = [{ id = "p" }]"#),
        [
            r#"organization b, phone_numbers[0].id: "p" already belongs to organization a (phone_numbers[0].id)"#
        ]
    );
    assert_eq!(
        same(r#"id = "46cf2995-2bee-44e3-838b-24151486fe4e""#),
        [
            r#"organization b, id: "46cf2995-2bee-44e3-838b-24151486fe4e" already belongs to organization a (id)"#
        ]
    );
    // One account at the provider serves many organizations of an agency.
    assert_eq!(same(r#"vapi_org_id = "v""#), Vec::<String>::new());
    assert_eq!(
        same(r#"credentials = [{ label = "x", preset = "bearer", secret = "a secret" }]"#),
        Vec::<String>::new()
    );
}

#[test]
fn numbers_are_compared_in_their_normal_form() {
    assert_eq!(
        two(
            r#"phone_numbers = [{ number = "(555) 201-0100" }]"#,
            r#"phone_numbers = [{ id = "p", number = "+1 555 201 0100" }]"#
        ),
        [
            r#"organization b, phone_numbers[0].number: "+15552010100" already belongs to organization a (phone_numbers[0].number)"#
        ]
    );
    assert_eq!(
        two(
            r#"phone_numbers = [{ sip_uri = "sip:Front@x.org" }]"#,
            r#"phone_numbers = [{ sip_uri = "SIP:front@X.org" }]"#
        )
        .len(),
        1
    );
    // Numbers that are absent are nobody's.
    assert_eq!(
        two(r#"phone_numbers = [{ id = "p" }]"#, r#"phone_numbers = [{ id = "q" }]"#),
        Vec::<String>::new()
    );
}

#[test]
fn one_organization_names_each_once() {
    assert_eq!(
        mistakes(r#"assistants = [{ id = "x" }, { id = "x" }]"#),
        [r#"assistants[1].id: "x" already belongs to this organization (assistants[0].id)"#]
    );
    let twice = "[[organizations]]\nslug = \"a\"\nname = \"A\"\n".repeat(2);
    let found = sentences(read(&twice));
    assert_eq!(found[0], r#"organization a, slug: "a" already belongs to organization a (slug)"#);
}

#[test]
fn routes_stay_at_home() {
    // Also when the owner comes later in the file.
    let found = two(
        r#"phone_numbers = [{ id = "p", route = { assistant = "theirs" }, fallback_assistant = "theirs" },
                            { id = "q", route = { squad = "team" } }]"#,
        "assistants = [{ id = \"theirs\" }]\nsquads = [\"team\"]",
    );
    assert_eq!(
        found,
        [
            r#"organization a, phone_numbers[0].route.assistant: "theirs" belongs to organization b"#,
            r#"organization a, phone_numbers[0].fallback_assistant: "theirs" belongs to organization b"#,
            r#"organization a, phone_numbers[1].route.squad: "team" belongs to organization b"#,
        ]
    );
    let own = "assistants = [{ id = \"ours\" }]\nphone_numbers = [{ id = \"p\", route = { assistant = \"ours\" } }, { id = \"q\", route = { assistant = \"undeclared\" } }]";
    assert_eq!(mistakes(own), Vec::<String>::new());
}
