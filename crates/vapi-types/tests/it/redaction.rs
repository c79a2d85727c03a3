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
        "webhookUrl",
        "x-api-key",
        "pwd",
        "db_pwd",
        "presignedMonoUrl",
        "presignedVideoUrl",
        "presigned_pcap_url",
        "myVendorsOwnApiKey",
        "a-name-longer-than-any-that-the-description-has-for-its-access-token",
        "authenticationSession",
        "customHeaders-token",
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
        "keypadInputPlan": { "enabled": true }, "tokenCount": 5, "promptCacheKey": "k", "systemKey": "k",
        "presignedUrlsExpiresAt": "2026-01-01T00:00:00Z", "recordingUrl": "https://r.example/1.wav?X-Amz-Signature=0",
        "authUsername": "u", "callbackUrl": "https://example.com/", "url": "https://example.com/a?b=c",
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
    let body = json!({ "a\"token\"": "b", "say": "\\\"token\\\":", "token": "x\\\"}],", "last": "é" });
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

#[test]
fn urls_lose_what_lets_in_whoever_has_them() {
    let body = json!({
        "server": { "url": "https://user:pw@example.com/hook?token=t&a=1" },
        "list": ["wss://key@example.com", "not https://user:pw@example.com"],
        "artifact": {
            "logUrl": "https://l.example/1?X-Amz-Signature=0", "presignedMonoUrl": "https://r.example/1?sig=0",
            "recordingUrl": "https://r.example/1?sig=0", "stereoRecordingUrl": "https://r.example/2?sig=0",
            "recording": { "stereoUrl": "https://r.example/3?sig=0", "mono": { "combinedUrl": "https://r.example/4?sig=0" } },
        },
    });
    let expected = json!({
        "server": { "url": "https://example.com/hook?token=redacted&a=1" },
        "list": ["wss://example.com", "not https://user:pw@example.com"],
        "artifact": {
            "logUrl": "https://l.example/1?X-Amz-Signature=redacted", "presignedMonoUrl": "[redacted]",
            "recordingUrl": "https://r.example/1?sig=0", "stereoRecordingUrl": "https://r.example/2?sig=0",
            "recording": { "stereoUrl": "https://r.example/3?sig=0", "mono": { "combinedUrl": "https://r.example/4?sig=0" } },
        },
    });
    assert_eq!(redacted(&body), expected);
    assert!(matches!(redact(&expected.to_string()), Cow::Borrowed(_)), "it can be done twice");
    // As encoders write them that escape slashes and ampersands.
    let escaped = r#"{"url":"https:\/\/u:p@example.com\/?a=1\u0026token=t"}"#;
    assert_eq!(redact(escaped), r#"{"url":"https://example.com/?a=1&token=redacted"}"#);
    for broken in [r#"{"url":"https://u:p@h"#, r#"{"url":"https://u:p@hé"#, r#"["https://u:p@\"#] {
        let _ = redact(broken);
    }
}

/// Every member of the provider's published description is looked at, where that stands beside the repository.
mod published {
    use std::collections::BTreeMap;

    use super::*;
    use crate::openapi::Description;

    fn collect(schema: &Value, members: &mut BTreeMap<String, Vec<Value>>) {
        match schema {
            Value::Object(object) => {
                if let Some(Value::Object(properties)) = object.get("properties") {
                    for (name, property) in properties {
                        members.entry(name.clone()).or_default().push(property.clone());
                    }
                }
                object.values().for_each(|value| collect(value, members));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, members)),
            _ => {}
        }
    }

    /// The last word of a name in camel case, in lower case.
    fn last_word(name: &str) -> String {
        let start = name.rfind(|letter: char| letter.is_ascii_uppercase()).unwrap_or_default();
        name[start..].to_lowercase()
    }

    #[test]
    fn what_it_calls_a_secret_goes_and_the_rest_stays() {
        /// Keys that open nothing.
        const NAMES: [&str; 5] = ["key", "publicKey", "promptCacheKey", "systemKey", "providerConfigKey"];
        /// Secrets that neither their last word nor their description tells.
        const OTHERS: [&str; 9] = [
            "connectionString",
            "controlUrl",
            "listenUrl",
            "slackWebhookUrl",
            "accessKeyId",
            "AccessKeyId",
            "awsAccessKeyId",
            "authenticationArtifact",
            "authenticationSession",
        ];
        let Some(description) = Description::load() else { return };
        let mut members = BTreeMap::new();
        collect(description.as_json(), &mut members);
        assert!(members.len() > 1000, "{}", members.len());
        let mut secrets = 0;
        for (name, found) in &members {
            let says = |word: &str| {
                found.iter().any(|it| it["description"].as_str().is_some_and(|about| about.contains(word)))
            };
            let ends = ["secret", "password", "token", "key"].contains(&last_word(name).as_str());
            let is_secret = says("not returned in the API")
                || name.starts_with("presigned") && name.ends_with("Url")
                || OTHERS.contains(&name.as_str())
                || name.to_lowercase().ends_with("headers")
                || ends && !NAMES.contains(&name.as_str());
            let kept = redacted(&json!({ name.clone(): "a value" }));
            let expected = if is_secret { "[redacted]" } else { "a value" };
            assert_eq!(kept[name], expected, "{name}");
            secrets += usize::from(is_secret);
            // What is an object there is emptied where it holds secrets, and searched elsewhere.
            let tree = redacted(&json!({ name.clone(): { "apiKey": "s", "X-Any": "s" } })).to_string();
            let holds = name.to_lowercase().ends_with("headers")
                || name.starts_with("credential") && !name.contains("Id");
            assert_eq!(tree.matches("\"s\"").count(), usize::from(!is_secret && !holds), "{name}");
        }
        assert!(secrets > 40, "{secrets}");
    }
}
