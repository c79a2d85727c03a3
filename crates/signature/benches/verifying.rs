//! The cost of proving one request: each recipe's hash over a small and a large body, and a wrong signature.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot read its own input has to stop")]

use std::hint::black_box;
use std::time::Duration;

use chrono::DateTime;
use criterion::{Criterion, Throughput};
use signature::sign::sign;
use signature::{
    Algorithm, Credential, CredentialId, HmacRecipe, KeyRing, Mismatch, PayloadFormat, Preset, Scheme,
    SecretKey, SignedRequest, equalise_time,
};
use uuid::Uuid;

const NOW: i64 = 1_795_273_449;

fn credential(scheme: Scheme, secret: &str) -> Credential {
    let id = CredentialId::new(Uuid::from_u128(7));
    Credential::new(id, "bench", scheme, SecretKey::new(secret).unwrap(), None, None).unwrap()
}

fn hmac(algorithm: Algorithm) -> Scheme {
    Scheme::Hmac(HmacRecipe { algorithm, ..HmacRecipe::default() })
}

/// The body alone, without a timestamp.
fn body_only() -> Scheme {
    Scheme::Hmac(HmacRecipe {
        include_timestamp: false,
        payload_format: PayloadFormat::parse("{body}").unwrap(),
        ..HmacRecipe::default()
    })
}

/// Every scheme with a secret that it takes.
fn recipes() -> [(&'static str, Scheme, &'static str); 7] {
    [
        ("sha256", Preset::VapiHmac.scheme(), "s3cret-of-a-clinic"),
        ("sha256_body_only", body_only(), "s3cret-of-a-clinic"),
        ("sha512", hmac(Algorithm::Sha512), "s3cret-of-a-clinic"),
        ("sha1", hmac(Algorithm::Sha1), "s3cret-of-a-clinic"),
        ("standard_webhooks", Preset::StandardWebhooks.scheme(), "whsec_c2VjcmV0IG9mIGEgY2xpbmlj"),
        ("secret_header", Preset::XVapiSecret.scheme(), "s3cret-of-a-clinic"),
        ("bearer", Preset::Bearer.scheme(), "s3cret-of-a-clinic"),
    ]
}

fn verifying(criterion: &mut Criterion) {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    for (size, bytes) in [("2kb", 2_048), ("100kb", 102_400)] {
        let body: Vec<u8> = (b' '..=b'~').cycle().take(bytes).collect();
        let mut group = criterion.benchmark_group(format!("verify_{size}"));
        group.throughput(Throughput::Bytes(u64::try_from(bytes).unwrap()));
        for (name, scheme, secret) in recipes() {
            let credential = credential(scheme, secret);
            let headers = sign(&credential, "POST", None, Some("msg_1"), &body, now).unwrap();
            let ring = KeyRing::new(vec![credential]);
            let request = SignedRequest { method: "POST", url: None, headers: &headers, body: &body };
            assert!(ring.verify(&request, now).is_ok(), "{name}");
            group.bench_function(name, |bench| {
                bench.iter(|| ring.verify(black_box(&request), now).is_ok());
            });
        }
        let ours = credential(Preset::VapiHmac.scheme(), "s3cret-of-a-clinic");
        let theirs = credential(Preset::VapiHmac.scheme(), "another secret");
        let headers = sign(&theirs, "POST", None, None, &body, now).unwrap();
        let request = SignedRequest { method: "POST", url: None, headers: &headers, body: &body };
        let ring = KeyRing::new(vec![ours.clone()]);
        assert_eq!(ring.verify(&request, now).unwrap_err(), Mismatch::InvalidSignature);
        group.bench_function("wrong_signature", |bench| {
            bench.iter(|| ring.verify(black_box(&request), now).is_ok());
        });
        // While a secret is changed, the old one and the new one both count.
        let both = KeyRing::new(vec![ours, theirs]);
        assert!(both.verify(&request, now).is_ok());
        group.bench_function("two_secrets", |bench| {
            bench.iter(|| both.verify(black_box(&request), now).is_ok());
        });
        group.bench_function("equalise_time", |bench| bench.iter(|| equalise_time(black_box(&body))));
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1))
        .nresamples(5_000)
        .configure_from_args();
    verifying(&mut criterion);
    criterion.final_summary();
}
