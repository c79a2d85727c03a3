//! Secrets go, everything else stays.

use std::borrow::Cow;

use serde_json::{Value, json};
use vapi_types::redact;

fn redacted(value: &Value) -> Value {
    serde_json::from_str(&redact(&value.to_string())).unwrap()
}

#[test]
fn every_secret_of_the_published_description_goes() {
    for key in [
        "twilioAuthToken",
        "twilioApiSecret",
        "twilioApiKey",
        "authToken",
        "apiKey",
        "apiSecret",
        "vonageApiSecret",
        "vonageApplicationPrivateKey",
        "secret",
        "secretKey",
        "serverUrlSecret",
        "clientSecret",
        "token",
        "accessToken",
        "refreshToken",
        "sessionToken",
        "bearerToken",
        "password",
        "authPassword",
        "privateKey",
        "authorization",
        "controlUrl",
        "listenUrl",
        "x-vapi-secret",
        "hmacAccessKey",
        "hmacSecret",
        "jwtSecret",
        "callToken",
        "gcpKey",
        "openAIKey",
        "ocpApimSubscriptionKey",
        "awsAccessKeyId",
        "awsSecretAccessKey",
        "accessKeyId",
        "secretAccessKey",
        "SecretAccessKey",
        "slackWebhookUrl",
    ] {
        for (name, value) in
            [(key.to_owned(), json!("s3cret")), (key.to_uppercase(), json!({ "s3cret": [1] }))]
        {
            let found = redacted(&json!({ "message": { "a": [{ name.clone(): value, "kept": 1 }] } }));
            assert_eq!(found, json!({ "message": { "a": [{ name: "[redacted]", "kept": 1 }] } }));
        }
    }
}

#[test]
fn spellings_of_a_name_are_one_name() {
    for key in
        ["api_key", "API-KEY", "Api_Key", "se\\u0063ret", "\\u0054oken", "X-Vapi-Secret", "client_secret"]
    {
        assert_eq!(redact(&format!("{{\"{key}\" : \"s\"}}")), format!("{{\"{key}\" : \"[redacted]\"}}"));
    }
}

#[test]
fn similar_names_stay() {
    let body = json!({
        "credentialId": "c", "credential": "c", "credentials": "c", "secretIsBase64": true, "tokens": 5, "maxTokens": 5,
        "isServerUrlSecretSet": true, "signatureHeader": "x", "key": "k", "publicKey": "p", "assistantId": "a",
        "note": "the secret: \"token\":\"x\"", "secret": null, "token": false, "": "", "x".repeat(300): 1,
    });
    assert_eq!(redacted(&body), body);
    assert!(matches!(redact(&body.to_string()), Cow::Borrowed(_)));
}

#[test]
fn trees_and_maps_go_in_their_own_way() {
    let body = json!({
        "credentials": [{ "provider": "openai", "apiKey": "s" }], "credential": { "a": 1 },
        "server": { "url": "https://example.com", "headers": { "X-Tenant": "s", "n": 5, "o": { "p": "s" }, "none": null }, "timeoutSeconds": 20 },
        "Headers": { }, "headers": ["s"],
    });
    let r = "[redacted]";
    assert_eq!(
        redacted(&body),
        json!({
            "credentials": r, "credential": r,
            "server": { "url": "https://example.com", "headers": { "X-Tenant": r, "n": r, "o": r, "none": null }, "timeoutSeconds": 20 },
            "Headers": { }, "headers": r,
        })
    );
}

#[test]
fn it_can_be_done_twice() {
    let once = redact(r#"{"token":"a","headers":{"a":"b"}}"#).into_owned();
    assert!(matches!(redact(&once), Cow::Borrowed(_)));
}

#[test]
fn strings_are_passed_over_whole() {
    let body = json!({ "a\"token": "b", "say": "\\\"token\\\":", "token": "x\\\"}],", "last": "é" });
    let mut expected = body.clone();
    expected["token"] = json!("[redacted]");
    assert_eq!(redacted(&body), expected);
}

#[test]
fn broken_text_is_cleaned_as_far_as_it_goes() {
    for (text, expected) in [
        (r#"{"token":"abc"#, r#"{"token":"[redacted]""#),
        (r#"{"token":{"a":[1"#, r#"{"token":"[redacted]""#),
        (r#"{"headers":{"a":"b""#, r#"{"headers":{"a":"[redacted]""#),
        (r#"{"headers":{"a":"b" "c"#, r#"{"headers":{"a":"[redacted]" "c"#),
        (r#"{"token":"#, r#"{"token":"#),
        (r#"{"token""#, r#"{"token""#),
        (r#"{"token":}"#, r#"{"token":}"#),
        (r#"{"tok\"#, r#"{"tok\"#),
        ("\"é", "\"é"),
        ("", ""),
    ] {
        assert_eq!(redact(text), expected);
    }
    let deep = "[".repeat(200_000);
    assert_eq!(redact(&format!("{{\"secret\":{deep}")), "{\"secret\":\"[redacted]\"");
}
