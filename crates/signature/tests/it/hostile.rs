//! Every hostile request is refused.

use chrono::{DateTime, Utc};
use proptest::collection::vec;
use proptest::prelude::*;
use signature::doctor::diagnose;
use signature::{Credential, CredentialId, KeyRing, PayloadFormat, Preset, SecretKey, SignedRequest};
use uuid::Uuid;

/// A secret that no generated input holds: those are at most 200 bytes long.
const SECRET_BYTES: usize = 300;

/// Computed by `openssl dgst -sha256 -hmac northgate-secret-2026` over `1767225600.{"a":1}`.
const SIGNATURE: &str = "1799256c8b6ec0385fbd5bd036d156a28852ccb52be2b9e1d316df217383ab7e";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap()
}

/// One credential of every preset.
fn ring() -> KeyRing {
    let secret = "c2Vj".repeat(SECRET_BYTES / 4);
    let credential = |preset: Preset| {
        let id = CredentialId::new(Uuid::from_u128(1));
        let secret = SecretKey::new(secret.as_str()).unwrap();
        Credential::new(id, preset.as_str(), preset.scheme(), secret, None, None).unwrap()
    };
    KeyRing::new(Preset::ALL.map(credential).to_vec())
}

fn header_name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "x-signature",
        "X-Timestamp",
        "x-vapi-signature",
        "x-vapi-timestamp",
        "X-VAPI-SECRET",
        "Authorization",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "host",
    ])
    .prop_map(str::to_owned)
}

/// Any bytes, and shapes that come close to what is expected.
fn header_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..200),
        "[0-9a-fA-F]{64}".prop_map(String::into_bytes),
        "(v1,[A-Za-z0-9+/]{43}= ?){0,4}".prop_map(String::into_bytes),
        "Bearer .{0,20}".prop_map(String::into_bytes),
        (-400_i64..400).prop_map(|offset| (1_767_225_600 + offset).to_string().into_bytes()),
        "[0-9]{0,30}".prop_map(String::into_bytes),
        "20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})"
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn any_headers_are_refused(
        headers in vec((header_name(), header_value()), 0..10),
        method in ".{0,8}",
        url in proptest::option::of(".{0,40}"),
        body in vec(any::<u8>(), 0..300),
    ) {
        let request = SignedRequest { method: &method, url: url.as_deref(), headers: &headers, body: &body };
        prop_assert!(ring().verify(&request, now()).is_err());
    }

    #[test]
    fn any_instant_is_judged(
        timestamp in any::<i64>().prop_map(|number| number.unsigned_abs().to_string()),
        now in (-8_000_000_000_000_i64..8_000_000_000_000).prop_filter_map("instant", |seconds| DateTime::from_timestamp(seconds, 0)),
    ) {
        let headers = [("x-signature", "0".repeat(64)), ("x-timestamp", timestamp)];
        let request = SignedRequest { method: "POST", url: None, headers: &headers, body: b"{}" };
        prop_assert!(ring().verify(&request, now).is_err());
    }

    #[test]
    fn one_changed_bit_of_a_good_request_is_refused(byte in 0..7_usize, bit in 0..8_u32, digit in 0..64_usize, other in 1..16_u32) {
        let id = CredentialId::new(Uuid::from_u128(1));
        let secret = SecretKey::new("northgate-secret-2026").unwrap();
        let credential = Credential::new(id, "current", Preset::VapiHmac.scheme(), secret, None, None).unwrap();
        let ring = KeyRing::new(vec![credential]);
        let good = br#"{"a":1}"#.to_vec();
        let verify = |signature: &str, body: &[u8]| {
            let headers = [("x-signature", signature), ("x-timestamp", "1767225600")];
            ring.verify(&SignedRequest { method: "POST", url: None, headers: &headers, body }, now()).is_ok()
        };
        prop_assert!(verify(SIGNATURE, &good));

        let mut body = good.clone();
        body[byte] ^= 1 << bit;
        prop_assert!(!verify(SIGNATURE, &body));

        let mut digits: Vec<char> = SIGNATURE.chars().collect();
        digits[digit] = char::from_digit((digits[digit].to_digit(16).unwrap() + other) % 16, 16).unwrap();
        prop_assert!(!verify(&digits.into_iter().collect::<String>(), &good));
    }

    #[test]
    fn a_format_that_is_taken_is_written_back_as_it_was(
        text in r"[a-z{}.:]{0,12}(\{(body|timestamp|url|method|svix-id|x)\}[.:]?){0,4}.{0,6}",
    ) {
        if let Ok(format) = PayloadFormat::parse(&text) {
            prop_assert_eq!(format.to_string(), text);
        }
    }
}

proptest! {
    // Each case tries many combinations, so a few cases go a long way.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_doctor_always_finds_something_and_never_a_match(
        headers in vec((header_name(), header_value()), 0..10),
        body in prop_oneof![vec(any::<u8>(), 0..100), r#"[\[\]{}:,"\\u0-9a-f \n]{0,60}"#.prop_map(String::into_bytes)],
    ) {
        let request = SignedRequest { method: "POST", url: None, headers: &headers, body: &body };
        let diagnosis = diagnose(&ring(), &request, now());
        prop_assert_eq!(diagnosis.matched, None);
        prop_assert!(!diagnosis.findings.is_empty());
    }
}
