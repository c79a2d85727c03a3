//! The documented sample, in both forms.

use std::path::Path;

use chrono::{DateTime, Utc, Weekday};
use manifest::{Manifest, Source};
use scheduling::Service;
use signature::{Algorithm, Encoding, HmacRecipe, PayloadFormat, Preset, Scheme};
use tenant::{Assistant, Document, PhoneNumber, Route, Transfer};

use crate::support::vars;

const SAMPLE: &str = r#"
[[organizations]]
id = "46cf2995-2bee-44e3-838b-24151486fe4e"   # optional: made from the slug when left out
slug = "northgate-dental"
name = "Northgate Dental"
timezone = "America/New_York"
region = "US"
active = true
primary_language = "en"
secondary_languages = ["es"]
vapi_org_id = "6ec5c3cf-3b65-4d2b-9a0b-e5a26e6e8f0d"                              # optional cross-check
assistants = [{ id = "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad", name = "Sarah", role = "inbound" }]
phone_numbers = [{ id = "a6e768d3-90e1-4a58-8f0f-0f1a2f3b4c5d", number = "+15552010100", route = { assistant = "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad" } },
                 { id = "09316fa3-1111-4222-8333-444455556666", sip_uri = "sip:front@sip.vapi.ai" }]
credentials = [
  { label = "2026", preset = "x-vapi-signature", secret_env = "NORTHGATE_SECRET", not_after = "2027-01-31T00:00:00Z" },   # or secret = "…"
  { label = "custom", scheme = "hmac", algorithm = "sha512", signature_header = "x-sig", timestamp_header = "x-time",
    message_id_header = "x-id", prefix = "v1,", encoding = "base64", secret_is_base64 = false, include_timestamp = true,
    payload_format = "{svix-id}.{timestamp}.{body}", secret = "custom secret" },
  { label = "old", scheme = "secret_header", header = "X-Vapi-Secret", secret = "old secret" } ]   # bearer likewise, with prefix
services = [{ name = "consultation", minutes = 30 }]
opening_hours = { mon = ["09:00-17:00"], tue = ["09:00-12:00", "13:00-17:00"] }
transfers = [{ department = "billing", number = "+15552010199" }]
knowledge = ["docs/northgate/*.md"]
"#;

const SAMPLE_JSON: &str = r#"{"organizations": [{
  "id": "46cf2995-2bee-44e3-838b-24151486fe4e", "slug": "northgate-dental", "name": "Northgate Dental",
  "timezone": "America/New_York", "region": "US", "active": true,
  "primary_language": "en", "secondary_languages": ["es"], "vapi_org_id": "6ec5c3cf-3b65-4d2b-9a0b-e5a26e6e8f0d",
  "assistants": [{"id": "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad", "name": "Sarah", "role": "inbound"}],
  "phone_numbers": [
    {"id": "a6e768d3-90e1-4a58-8f0f-0f1a2f3b4c5d", "number": "+15552010100",
     "route": {"assistant": "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad"}},
    {"id": "09316fa3-1111-4222-8333-444455556666", "sip_uri": "sip:front@sip.vapi.ai"}],
  "credentials": [
    {"label": "2026", "preset": "x-vapi-signature", "secret_env": "NORTHGATE_SECRET", "not_after": "2027-01-31T00:00:00Z"},
    {"label": "custom", "scheme": "hmac", "algorithm": "sha512", "signature_header": "x-sig", "timestamp_header": "x-time",
     "message_id_header": "x-id", "prefix": "v1,", "encoding": "base64", "secret_is_base64": false,
     "include_timestamp": true, "payload_format": "{svix-id}.{timestamp}.{body}", "secret": "custom secret"},
    {"label": "old", "scheme": "secret_header", "header": "X-Vapi-Secret", "secret": "old secret"}],
  "services": [{"name": "consultation", "minutes": 30}],
  "opening_hours": {"mon": ["09:00-17:00"], "tue": ["09:00-12:00", "13:00-17:00"]},
  "transfers": [{"department": "billing", "number": "+15552010199"}],
  "knowledge": ["docs/northgate/*.md"]
}]}"#;

fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let docs = directory.path().join("docs/northgate");
    std::fs::create_dir_all(&docs).unwrap();
    std::fs::write(docs.join("parking.md"), "# Where to park\nBehind the house.\n").unwrap();
    std::fs::write(docs.join("notes.txt"), "not knowledge").unwrap();
    directory
}

fn secrets(manifest: &Manifest) -> Vec<Option<&[u8]>> {
    let credentials = manifest.organizations.iter().flat_map(|organization| &organization.credentials);
    credentials.map(|credential| credential.secret.as_ref().map(|secret| secret.expose())).collect()
}

#[test]
fn the_sample_means_what_it_says() {
    let directory = directory();
    let manifest = Manifest::from_toml(SAMPLE, &Source::new(&vars, directory.path())).unwrap();
    assert_eq!(manifest.organizations.len(), 1);
    let northgate = &manifest.organizations[0];
    assert_eq!(northgate.id, uuid::uuid!("46cf2995-2bee-44e3-838b-24151486fe4e"));
    assert_eq!(northgate.slug, "northgate-dental");
    assert_eq!(northgate.profile.name, "Northgate Dental");
    assert_eq!(northgate.profile.timezone, chrono_tz::America::New_York);
    assert_eq!(northgate.profile.region.code(), "US");
    assert!(northgate.active);
    assert_eq!(northgate.profile.primary_language, "en");
    assert_eq!(northgate.profile.secondary_languages, ["es"]);
    assert_eq!(northgate.vapi_org_id.as_deref(), Some("6ec5c3cf-3b65-4d2b-9a0b-e5a26e6e8f0d"));
    let sarah = "359680cb-8d6f-4a53-9f53-d5f1dcf4d5ad".to_owned();
    assert_eq!(
        northgate.assistants,
        [Assistant { id: sarah.clone(), name: "Sarah".to_owned(), role: "inbound".to_owned() }]
    );
    let number = |id: &str| PhoneNumber {
        id: Some(id.to_owned()),
        number: None,
        sip_uri: None,
        label: String::new(),
        route: None,
        fallback_assistant: None,
    };
    assert_eq!(
        northgate.phone_numbers,
        [
            PhoneNumber {
                number: Some("+15552010100".to_owned()),
                route: Some(Route::Assistant(sarah)),
                ..number("a6e768d3-90e1-4a58-8f0f-0f1a2f3b4c5d")
            },
            PhoneNumber {
                sip_uri: Some("sip:front@sip.vapi.ai".to_owned()),
                ..number("09316fa3-1111-4222-8333-444455556666")
            },
        ]
    );
    assert_eq!(
        northgate.services,
        [Service { name: "consultation".to_owned(), minutes: 30, buffer_minutes: 0, resources: Vec::new() }]
    );
    let hours = northgate.opening_hours.as_ref().unwrap();
    assert_eq!(hours.on(Weekday::Tue).len(), 2);
    assert_eq!(hours.on(Weekday::Wed), []);
    assert_eq!(
        northgate.transfers,
        [Transfer {
            department: "billing".to_owned(),
            number: Some("+15552010199".to_owned()),
            sip_uri: None,
            opening_hours: None
        }]
    );
    assert_eq!(
        northgate.knowledge,
        [Document {
            path: "docs/northgate/parking.md".to_owned(),
            title: "Where to park".to_owned(),
            content: "# Where to park\nBehind the house.\n".to_owned()
        }]
    );
}

#[test]
fn the_samples_credentials_are_complete() {
    let directory = directory();
    let manifest = Manifest::from_toml(SAMPLE, &Source::new(&vars, directory.path())).unwrap();
    let credentials = &manifest.organizations[0].credentials;
    let labels: Vec<&str> = credentials.iter().map(|credential| credential.label.as_str()).collect();
    assert_eq!(labels, ["2026", "custom", "old"]);
    assert_eq!(credentials[0].scheme, Preset::XVapiSignature.scheme());
    let end: DateTime<Utc> = "2027-01-31T00:00:00Z".parse().unwrap();
    assert_eq!((credentials[0].not_before, credentials[0].not_after), (None, Some(end)));
    let custom = HmacRecipe {
        algorithm: Algorithm::Sha512,
        signature_header: "x-sig".to_owned(),
        timestamp_header: Some("x-time".to_owned()),
        message_id_header: Some("x-id".to_owned()),
        prefix: Some("v1,".to_owned()),
        encoding: Encoding::Base64,
        secret_is_base64: false,
        include_timestamp: true,
        payload_format: PayloadFormat::parse("{svix-id}.{timestamp}.{body}").unwrap(),
    };
    assert_eq!(credentials[1].scheme, Scheme::Hmac(custom));
    assert_eq!(credentials[2].scheme, Scheme::SecretHeader { header: "x-vapi-secret".to_owned() });
    let expected: [&[u8]; 3] = [b"northgate secret", b"custom secret", b"old secret"];
    assert_eq!(secrets(&manifest), expected.map(Some));
}

#[test]
fn json_and_toml_are_one_form() {
    let directory = directory();
    let source = Source::new(&vars, directory.path());
    let toml = Manifest::from_toml(SAMPLE, &source).unwrap();
    let json = Manifest::from_json(SAMPLE_JSON, &source).unwrap();
    // Secrets do not show in the debug form, and cannot be compared in any other way than by their bytes.
    assert_eq!(format!("{toml:#?}"), format!("{json:#?}"));
    assert_eq!(secrets(&toml), secrets(&json));
}

#[test]
fn files_are_read_by_their_ending_and_resolve_beside_themselves() {
    let directory = directory();
    let load = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        Manifest::load(&path, &vars)
    };
    let toml = load("organizations.toml", SAMPLE).unwrap();
    let json = load("organizations.JSON", SAMPLE_JSON).unwrap();
    assert_eq!(format!("{toml:?}"), format!("{json:?}"));
    assert!(load("wrong.json", SAMPLE).is_err());
    let absent = Manifest::load(Path::new("absent/organizations.toml"), &vars).unwrap_err();
    assert_eq!(absent.to_string(), "cannot read absent/organizations.toml");
}

#[test]
fn secrets_do_not_show() {
    let directory = directory();
    let manifest = Manifest::from_toml(SAMPLE, &Source::new(&vars, directory.path())).unwrap();
    let shown = format!("{manifest:?}");
    for secret in ["northgate secret", "custom secret", "old secret"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}
