//! Signing gives the headers that the vectors have, which are computed without this crate.

use chrono::{DateTime, Utc};
use signature::sign::{SignError, sign};
use signature::{
    Credential, CredentialId, HmacRecipe, PayloadFormat, Preset, Scheme, SecretKey, SignedRequest,
};
use uuid::Uuid;

use crate::case::Case;
use crate::vectors::VECTORS;

/// Accepted cases whose headers are exactly what a sender at that instant would make.
const AS_SENT: [&str; 12] = [
    "payload {timestamp}.{body}: accepted",
    "payload {timestamp}{body}: accepted",
    "payload {body}.{timestamp}: accepted",
    "payload {method}.{timestamp}.{body}: accepted",
    "payload {url}.{timestamp}.{body}: accepted",
    "payload {method} {url}\n{timestamp}\n{body}: accepted",
    "payload {svix-id}.{timestamp}.{body}: accepted",
    "no timestamp, default format: the body alone",
    "base64 secret is decoded",
    "x-vapi-signature",
    "bearer",
    "secret header of one's own",
];

fn is_as_sent(name: &str) -> bool {
    let is_axis = name.starts_with("sha") && !name.contains(", of another secret");
    is_axis
        || name == "standard webhooks"
        || AS_SENT
            .iter()
            .any(|known| name == *known || (known.ends_with("accepted") && name.starts_with(known)))
}

#[test]
fn the_headers_are_those_of_the_vectors() {
    let cases: Vec<Case<String>> = serde_json::from_str(VECTORS).unwrap();
    let mut compared = 0;
    for case in cases.iter().filter(|case| case.verdict == "accepted" && is_as_sent(&case.name)) {
        let credential = case.credentials[0].credential().unwrap();
        let id = case.headers.iter().find(|(name, _)| name.ends_with("-id")).map(|(_, id)| id.as_str());
        let made = sign(&credential, &case.method, case.url.as_deref(), id, &case.body(), case.now).unwrap();
        let lower = |headers: &[(String, String)]| {
            let mut headers: Vec<_> =
                headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
            headers.sort();
            headers
        };
        assert_eq!(lower(&made), lower(&case.headers), "{}", case.name);
        compared += 1;
    }
    assert!(compared >= 30, "{compared} compared");
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

fn credential(scheme: Scheme, secret: &[u8]) -> Credential {
    let id = CredentialId::new(Uuid::from_u128(1));
    Credential::new(id, "current", scheme, SecretKey::new(secret).unwrap(), None, None).unwrap()
}

#[test]
fn what_a_recipe_needs_must_be_given() {
    let with_url =
        HmacRecipe { payload_format: PayloadFormat::parse("{url}.{body}").unwrap(), ..HmacRecipe::default() };
    let credential_with_url = credential(Scheme::Hmac(with_url), b"secret");
    assert_eq!(sign(&credential_with_url, "POST", None, None, b"{}", now()), Err(SignError::MissingUrl));

    let standard = credential(Preset::StandardWebhooks.scheme(), b"whsec_c2VjcmV0");
    let error = |id| sign(&standard, "POST", None, id, b"{}", now()).unwrap_err();
    assert_eq!(error(None), SignError::MissingMessageId);
    for id in ["", "a b", "a\r\nx-evil: 1", "a.b", "\u{e9}"] {
        assert_eq!(error(Some(id)), SignError::MessageId, "{id:?}");
    }
}

#[test]
fn a_secret_that_breaks_a_header_is_not_sent() {
    for secret in [b"a\r\nx-evil: 1".as_slice(), b"a\0", &[0xff]] {
        let credential = credential(Preset::XVapiSecret.scheme(), secret);
        assert_eq!(sign(&credential, "POST", None, None, b"{}", now()), Err(SignError::SecretNotPrintable));
    }
}

#[test]
fn the_digest_is_that_of_the_signed_bytes() {
    let digest = |scheme: Scheme, secret: &[u8], headers: &[(String, String)]| {
        let request = SignedRequest { method: "POST", url: None, headers: &headers, body: b"{}" };
        credential(scheme, secret).signed_digest(&request).map(hex::encode)
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // printf '1767225600.{}' | sha256sum
    let expected = "4d8172a5d153e24877323263497a4d9fb94783506f63dd9447000ae98343cf5f";
    let preset = |preset: Preset| preset.scheme();
    for (scheme, name) in [
        (preset(Preset::VapiHmac), "x-timestamp"),
        // Under other headers and another secret the same bytes are the same.
        (preset(Preset::XVapiSignature), "x-vapi-timestamp"),
    ] {
        let headers = [header(name, "1767225600"), header("x-signature", "as may be")];
        assert_eq!(digest(scheme, b"a secret", &headers).as_deref(), Some(expected));
    }
    let headers = [header("webhook-timestamp", "1767225600"), header("webhook-id", "msg_1")];
    // printf 'msg_1.1767225600.{}' | sha256sum
    let with_id = "ce7c7f4f54e2757fc649e7ba4c6559365ca75ca8c858a91e67447317f2f791ca";
    let standard = preset(Preset::StandardWebhooks);
    assert_eq!(digest(standard, b"whsec_c2VjcmV0c2VjcmV0", &headers).as_deref(), Some(with_id));
    // Nothing that makes a request its own.
    let body_alone = Scheme::Hmac(HmacRecipe { include_timestamp: false, ..HmacRecipe::default() });
    for scheme in [body_alone, preset(Preset::Bearer), preset(Preset::XVapiSecret)] {
        assert_eq!(digest(scheme, b"a secret", &headers), None);
    }
}
