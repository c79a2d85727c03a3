//! Recipes, secrets and times of credentials.

use signature::{Encoding, HmacRecipe, PayloadFormat, Preset, Scheme};

use crate::support::{mistakes, one, read};

/// The one credential of an organization that declares `parts`.
fn credential(parts: &str) -> tenant::CredentialSpec {
    one(&format!("credentials = [{{ label = \"a\", {parts} }}]")).unwrap().credentials.remove(0)
}

/// The mistakes of one credential.
fn wrong(parts: &str) -> Vec<String> {
    mistakes(&format!("credentials = [{{ label = \"a\", {parts} }}]"))
}

#[test]
fn every_preset_has_its_scheme() {
    for preset in Preset::ALL {
        assert_eq!(credential(&format!("preset = \"{preset}\"")).scheme, preset.scheme());
    }
}

#[test]
fn hmac_starts_from_the_providers_defaults() {
    assert_eq!(credential("scheme = \"hmac\"").scheme, Preset::VapiHmac.scheme());
    let body_only = HmacRecipe {
        timestamp_header: None,
        encoding: Encoding::Base64,
        include_timestamp: false,
        payload_format: PayloadFormat::parse("{body}").unwrap(),
        ..HmacRecipe::default()
    };
    assert_eq!(
        credential(
            r#"scheme = "hmac", encoding = "base64", include_timestamp = false, payload_format = "{body}""#
        )
        .scheme,
        Scheme::Hmac(body_only)
    );
}

#[test]
fn bearer_takes_its_prefix_as_a_word() {
    let bearer = |header: &str, prefix: Option<&str>| Scheme::Bearer {
        header: header.to_owned(),
        prefix: prefix.map(str::to_owned),
    };
    assert_eq!(credential("scheme = \"bearer\"").scheme, bearer("authorization", Some("Bearer ")));
    assert_eq!(
        credential("scheme = \"bearer\", prefix = \"Token\", header = \"X-Auth\"").scheme,
        bearer("x-auth", Some("Token "))
    );
    assert_eq!(
        credential("scheme = \"bearer\", prefix = \"Bearer \"").scheme,
        bearer("authorization", Some("Bearer "))
    );
    assert_eq!(credential("scheme = \"bearer\", prefix = \"\"").scheme, bearer("authorization", None));
}

#[test]
fn without_a_secret_the_stored_one_is_kept() {
    assert!(credential("preset = \"bearer\"").secret.is_none());
}

#[test]
fn secrets_are_trimmed_and_may_not_be_guessed() {
    let trimmed = credential("preset = \"bearer\", secret = \" 16 characters at\\n\"");
    assert_eq!(trimmed.secret.unwrap().expose(), b"16 characters at");
    for short in ["a", "seven77", "  seven77  ", "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"] {
        assert_eq!(
            wrong(&format!("preset = \"bearer\", secret = \"{short}\"")),
            ["credentials[0].secret: it has fewer than 8 characters"],
            "{short}"
        );
    }
    let warnings = |secret: &str| {
        let credential = format!("{{ label = \"a\", preset = \"bearer\", secret = \"{secret}\" }}");
        let head = "[[organizations]]\nslug = \"lakeside-law\"\nname = \"Lakeside Law\"\n";
        let manifest = read(&format!("{head}credentials = [{credential}]")).unwrap();
        manifest.warnings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let warned = warnings("8 or more");
    assert!(
        warned.len() == 1 && warned[0].contains("fewer than 16") && !warned[0].contains("8 or more"),
        "{warned:?}"
    );
    assert_eq!(warnings("16 characters at"), [""; 0]);
}

#[test]
fn times_may_be_text_or_bare() {
    let spec = credential(
        r#"preset = "bearer", not_before = 2026-01-01T00:00:00Z, not_after = "2026-02-01T01:00:00+01:00""#,
    );
    assert_eq!(spec.not_before, Some("2026-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(spec.not_after, Some("2026-02-01T00:00:00Z".parse().unwrap()));
    assert_eq!(
        wrong(r#"preset = "bearer", not_after = "2026-02-01""#),
        ["credentials[0].not_after: \"2026-02-01\" is not an instant such as 2027-01-31T00:00:00Z"]
    );
    assert_eq!(
        wrong(r#"preset = "bearer", not_before = 2026-01-01T00:00:00Z, not_after = 2026-01-01T00:00:00Z"#),
        ["credentials[0].not_after: it is not later than not_before"]
    );
}

#[test]
fn secrets_that_are_missing_or_do_not_fit_are_named() {
    assert_eq!(
        wrong(r#"preset = "bearer", secret_env = "ABSENT""#),
        ["credentials[0].secret_env: the variable ABSENT is not set"]
    );
    assert_eq!(
        wrong(r#"preset = "bearer", secret_env = "EMPTY""#),
        ["credentials[0].secret_env: the secret is empty"]
    );
    assert_eq!(wrong(r#"preset = "bearer", secret = """#), ["credentials[0].secret: the secret is empty"]);
    assert_eq!(
        wrong(r#"preset = "bearer", secret = "a secret", secret_env = "NORTHGATE_SECRET""#),
        ["credentials[0]: it has both secret and secret_env"]
    );
    let not_base64 = wrong(r#"preset = "standard-webhooks", secret = "whsec_hidden!""#);
    assert_eq!(not_base64, ["credentials[0].secret: the secret is not base64"]);
}

#[test]
fn recipes_that_do_not_hold_together_are_named() {
    assert_eq!(wrong("secret = \"a secret\""), ["credentials[0]: it needs either a preset or a scheme"]);
    assert_eq!(
        wrong(r#"preset = "bearer", scheme = "bearer""#),
        ["credentials[0]: it needs either a preset or a scheme"]
    );
    assert_eq!(
        wrong(r#"preset = "x-vapi""#),
        [
            "credentials[0].preset: unknown preset \"x-vapi\"; known are vapi-hmac, x-vapi-signature, x-vapi-secret, bearer, \
             standard-webhooks"
        ]
    );
    assert_eq!(
        wrong("scheme = \"oauth2\""),
        ["credentials[0].scheme: \"oauth2\" is none of hmac, bearer and secret_header"]
    );
    assert_eq!(
        wrong(r#"preset = "bearer", encoding = "hex""#),
        ["credentials[0].encoding: it does not go with the preset bearer"]
    );
    assert_eq!(
        wrong(r#"scheme = "secret_header", prefix = "a", algorithm = "sha256""#),
        [
            "credentials[0].algorithm: it does not go with the scheme secret_header",
            "credentials[0].prefix: it does not go with the scheme secret_header",
        ]
    );
    assert_eq!(
        wrong(r#"scheme = "hmac", header = "x-a""#),
        ["credentials[0].header: it does not go with the scheme hmac"]
    );
    assert_eq!(
        wrong(r#"scheme = "secret_header", header = "no header""#),
        ["credentials[0]: \"no header\" is no header name"]
    );
    // Every wrong part of one recipe is noted, not only the first.
    let all = wrong(r#"scheme = "hmac", algorithm = "md5", encoding = "hexx", payload_format = "{nonce}""#);
    let fields: Vec<&str> = all.iter().map(|sentence| sentence.split(':').next().unwrap()).collect();
    assert_eq!(
        fields,
        ["credentials[0].algorithm", "credentials[0].encoding", "credentials[0].payload_format"]
    );
}

#[test]
fn at_most_five_count_at_one_time() {
    let many = |windows: &[&str]| {
        let credentials: Vec<String> = windows
            .iter()
            .enumerate()
            .map(|(index, window)| format!("{{ label = \"{index}\", preset = \"bearer\"{window} }}"))
            .collect();
        mistakes(&format!("credentials = [{}]", credentials.join(", ")))
    };
    assert_eq!(many(&[""; 5]), Vec::<String>::new());
    assert_eq!(many(&[""; 6]), ["credentials: 6 of them count at one time, and at most 5 may"]);
    let (until, from) = (", not_after = 2026-06-01T00:00:00Z", ", not_before = 2026-06-01T00:00:00Z");
    assert_eq!(many(&[until, until, until, from, from, from, "", ""]), Vec::<String>::new());
    assert_eq!(
        many(&[until, until, until, from, from, from, from, "", ""]),
        ["credentials: 6 of them count at one time, and at most 5 may"]
    );
}

#[test]
fn labels_stand_once() {
    assert_eq!(
        mistakes(r#"credentials = [{ label = "a", preset = "bearer" }, { label = "a", preset = "bearer" }]"#),
        ["credentials[1].label: \"a\" is given twice"]
    );
}
