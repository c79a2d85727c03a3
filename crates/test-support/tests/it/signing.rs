//! Signatures against values that OpenSSL and Python computed.

use test_support::{bearer, sign_standard_webhooks, sign_vapi_hmac, sign_x_vapi, x_vapi_secret};

const BODY: &[u8] = br#"{"type":"call.started","call":{"id":"call-12345"}}"#;

/// `printf '%s' '1772355600.{…}' | openssl dgst -sha256 -hmac northgate-secret`
const HEX: &str = "58f0a47fb798103d23914bb4392a35e021d172fed1a891fecce950bc0c5f0e5a";

/// Python: `base64.b64encode(hmac.new(b"northgate-secret", b"msg_1.1772355600." + body, "sha256").digest())`
const STANDARD_WEBHOOKS: &str = "v1,PEqhSy4wOcvSjNG0SN2+squcNgPo9JbqpOAtS0JVoXw=";

fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn x_vapi_signs_timestamp_and_body_in_hex() {
    assert_eq!(
        sign_x_vapi("northgate-secret", 1_772_355_600, BODY),
        [header("x-vapi-signature", HEX), header("x-vapi-timestamp", "1772355600")]
    );
}

#[test]
fn vapi_hmac_differs_in_its_headers_only() {
    assert_eq!(
        sign_vapi_hmac("northgate-secret", "1772355600", BODY),
        [header("x-signature", HEX), header("x-timestamp", "1772355600")]
    );
}

#[test]
fn standard_webhooks_takes_the_secret_with_and_without_its_prefix() {
    let expected = [
        header("webhook-id", "msg_1"),
        header("webhook-timestamp", "1772355600"),
        header("webhook-signature", STANDARD_WEBHOOKS),
    ];
    for secret in ["whsec_bm9ydGhnYXRlLXNlY3JldA==", "bm9ydGhnYXRlLXNlY3JldA=="] {
        assert_eq!(sign_standard_webhooks(secret, "msg_1", 1_772_355_600, BODY), expected);
    }
}

#[test]
fn static_secrets_are_sent_as_they_are() {
    assert_eq!(x_vapi_secret("s3cret"), [header("x-vapi-secret", "s3cret")]);
    assert_eq!(bearer("t0ken"), [header("authorization", "Bearer t0ken")]);
}
