//! No secret is printed, names are read back as they are written, and headers are asked for in lower case.

use std::error::Error;

use chrono::DateTime;
use signature::{
    Algorithm, Credential, CredentialId, Encoding, Found, Headers, KeyRing, Preset, Scheme, SecretKey,
    SignedRequest,
};
use uuid::Uuid;

const SECRET: &str = "c2VjcmV0LWJ5dGVz";

fn credential(scheme: Scheme) -> Credential {
    let id = CredentialId::new(Uuid::from_u128(1));
    Credential::new(id, "current", scheme, SecretKey::new(SECRET).unwrap(), None, None).unwrap()
}

#[test]
fn debug_never_shows_a_secret() {
    for preset in Preset::ALL {
        let credential = credential(preset.scheme());
        let ring = KeyRing::new(vec![credential.clone()]);
        for text in [format!("{credential:?}"), format!("{credential:#?}"), format!("{ring:?}")] {
            assert!(text.contains("SecretKey(redacted)") && text.contains("current"), "{text}");
            // Neither as text, nor decoded, nor as a list of numbers.
            for shape in [SECRET, "secret-bytes", "99, 50, 86", "115, 101, 99"] {
                assert!(!text.contains(shape), "{text}");
            }
        }
    }
}

#[test]
fn errors_never_quote_a_secret() {
    let id = CredentialId::new(Uuid::from_u128(1));
    let secret = SecretKey::new("hunter2 is not base64").unwrap();
    let error =
        Credential::new(id, "current", Preset::StandardWebhooks.scheme(), secret, None, None).unwrap_err();
    let mut texts = vec![error.to_string(), format!("{error:?}")];
    texts.extend(error.source().map(ToString::to_string));
    assert!(texts.iter().all(|text| !text.contains("hunter2")), "{texts:?}");
}

#[test]
fn names_are_read_back_as_they_are_written() {
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse(), Ok(preset));
    }
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha1] {
        assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
    }
    for encoding in [Encoding::Hex, Encoding::Base64] {
        assert_eq!(encoding.to_string().parse(), Ok(encoding));
    }
    let error = "vapi_hmac".parse::<Preset>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown preset \"vapi_hmac\"; known are vapi-hmac, x-vapi-signature, x-vapi-secret, bearer, standard-webhooks"
    );
}

/// Headers of a framework whose map knows lower-case names only.
struct LowerCaseOnly;

impl Headers for LowerCaseOnly {
    fn find(&self, name: &str) -> Found<'_> {
        if name == "x-api-key" { Found::One(SECRET.as_bytes()) } else { Found::None }
    }
}

#[test]
fn header_names_are_asked_for_in_lower_case() {
    let credential = credential(Scheme::SecretHeader { header: "X-API-Key".to_owned() });
    assert_eq!(credential.scheme(), &Scheme::SecretHeader { header: "x-api-key".to_owned() });
    let ring = KeyRing::new(vec![credential]);
    let request = SignedRequest { method: "POST", url: None, headers: &LowerCaseOnly, body: b"{}" };
    assert_eq!(ring.verify(&request, DateTime::UNIX_EPOCH).map(Credential::label), Ok("current"));
}
