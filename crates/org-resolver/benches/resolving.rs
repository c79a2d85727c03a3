//! The cost of finding and proving the organization behind one message, with few organizations and with many.
//!
//! The directory is in memory, so the figures hold the resolver's own work and nothing of a database's.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot set up its own input has to stop")]

use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use chrono::DateTime;
use criterion::{BatchSize, Criterion};
use org_resolver::memory::MemoryDirectory;
use org_resolver::{
    Admission, CacheConfig, CachedKeys, CachedLookup, ChainConfig, ClaimedOrg, Gate, GatePolicy,
    IdentifierKind, Lookup, OrgHints, OrgId, Resolution, ResolverChain,
};
use signature::sign::sign;
use signature::{Credential, CredentialId, KeyRing, Preset, SecretKey, SignedRequest};
use uuid::Uuid;
use vapi_types::Envelope;

const NOW: i64 = 1_795_273_449;

/// No future in here waits, so one poll is the whole of it, and no runtime is measured.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a lookup in memory had to wait"),
    }
}

fn org(number: u32) -> OrgId {
    OrgId::new(Uuid::from_u128(0x4a00_0000_0000_4000_8000_0000_0000_0000 | u128::from(number)))
}

fn assistant(number: u32) -> String {
    Uuid::from_u128(0xa551_0000_0000_4000_8000_0000_0000_0000 | u128::from(number)).to_string()
}

fn phone_id(number: u32) -> String {
    Uuid::from_u128(0x9403_0000_0000_4000_8000_0000_0000_0000 | u128::from(number)).to_string()
}

fn credential(number: u32) -> Credential {
    let id = CredentialId::new(Uuid::from_u128(u128::from(number)));
    let secret = SecretKey::new(format!("secret of {number}")).unwrap();
    Credential::new(id, "bench", Preset::XVapiSignature.scheme(), secret, None, None).unwrap()
}

/// Organizations with an assistant, a phone number by id and by digits, and one secret each.
fn directory(count: u32) -> Arc<MemoryDirectory> {
    let directory = MemoryDirectory::new();
    for number in 0..count {
        directory.put_organization(org(number), vec![credential(number)]);
        directory.map(IdentifierKind::AssistantId, &assistant(number), org(number)).unwrap();
        directory.map(IdentifierKind::PhoneNumberId, &phone_id(number), org(number)).unwrap();
        directory.map(IdentifierKind::PhoneNumber, &format!("+1555{number:07}"), org(number)).unwrap();
    }
    Arc::new(directory)
}

/// A status update of an organization with the identifiers that the provider repeats in every message.
fn body(number: u32) -> String {
    let (assistant, phone_id) = (assistant(number), phone_id(number));
    format!(
        r#"{{"message":{{"timestamp":1795273449412,"type":"status-update","status":"in-progress","call":{{"id":"7c2a8f0e-5b1d-4c63-9a57-0d3f1e6b8a42","orgId":"b1946ac9-2f5c-4f1e-8d38-6a7e0c9d5b10","createdAt":"2026-11-21T15:04:05.000Z","type":"inboundPhoneCall","assistantId":"{assistant}","phoneNumberId":"{phone_id}","customer":{{"number":"+15555550142"}}}},"phoneNumber":{{"id":"{phone_id}","number":"+1555{number:07}"}},"customer":{{"number":"+15555550142"}},"assistant":{{"id":"{assistant}","name":"Reception"}},"note":"{filler}"}}}}"#,
        filler = "x".repeat(1_200),
    )
}

fn hints(number: u32) -> OrgHints {
    OrgHints::from_envelope(&Envelope::parse(body(number).as_bytes()).unwrap())
}

fn claim(chain: &ResolverChain, hints: &OrgHints, number: u32) -> ClaimedOrg {
    match ready(chain.resolve(hints, DateTime::from_timestamp(NOW, 0).unwrap())).unwrap() {
        Resolution::Claimed(claim) if claim.id() == org(number) => *claim,
        other => panic!("{other:?}"),
    }
}

fn resolving(criterion: &mut Criterion) {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let mut group = criterion.benchmark_group("resolve");
    for count in [100_u32, 100_000] {
        let directory = directory(count);
        let plain: Arc<dyn Lookup> = directory.clone();
        let plain = ResolverChain::new(plain, ChainConfig::default());
        let cached: Arc<dyn Lookup> =
            Arc::new(CachedLookup::new(Arc::clone(&directory), CacheConfig::default()));
        let cached = ResolverChain::new(cached, ChainConfig::default());
        // A hundred organizations from all over the directory, each asked for once: that warms the cache.
        let asked: Vec<(u32, OrgHints)> =
            (0..100).map(|step| step * (count / 100)).map(|number| (number, hints(number))).collect();
        for (number, hints) in &asked {
            assert!(claim(&cached, hints, *number).trace().steps.iter().any(|step| !step.cached));
            assert!(
                claim(&cached, hints, *number)
                    .trace()
                    .steps
                    .iter()
                    .all(|step| step.cached || step.organization_id.is_none())
            );
        }
        for (name, chain) in [("memory", &plain), ("cached", &cached)] {
            let mut turn = asked.iter().cycle();
            group.bench_function(format!("{name}_{count}_orgs"), |bench| {
                bench.iter(|| {
                    let (_, hints) = turn.next().unwrap();
                    ready(chain.resolve(black_box(hints), now)).is_ok()
                });
            });
        }
    }
    group.finish();
}

fn admitting(criterion: &mut Criterion) {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let directory = directory(100);
    let lookup: Arc<dyn Lookup> = directory.clone();
    let chain = ResolverChain::new(lookup, ChainConfig::default());
    let keys = Arc::new(CachedKeys::new(directory, CacheConfig::default()));
    let gate = Gate::new(keys, KeyRing::new(Vec::new()), GatePolicy::default());
    let body = body(1);
    let hints = hints(1);
    let mut group = criterion.benchmark_group("message_2kb");
    group.bench_function("hints", |bench| {
        let envelope = Envelope::parse(body.as_bytes()).unwrap();
        bench.iter(|| OrgHints::from_envelope(black_box(&envelope)));
    });
    for (name, signer, is_admitted) in [("admit", 1, true), ("reject", 2, false)] {
        let headers = sign(&credential(signer), "POST", None, None, body.as_bytes(), now).unwrap();
        let request = SignedRequest { method: "POST", url: None, headers: &headers, body: body.as_bytes() };
        let admission = ready(gate.admit(claim(&chain, &hints, 1), &request, now));
        assert_eq!(matches!(admission, Ok(Admission::Admitted(_))), is_admitted);
        group.bench_function(name, |bench| {
            bench.iter_batched(
                || claim(&chain, &hints, 1),
                |claim| ready(gate.admit(claim, &request, now)),
                BatchSize::SmallInput,
            );
        });
    }
    // Everything before the work: head, hints, claim, proof.
    let headers = sign(&credential(1), "POST", None, None, body.as_bytes(), now).unwrap();
    group.bench_function("whole_way", |bench| {
        bench.iter(|| {
            let body = black_box(body.as_bytes());
            let envelope = Envelope::parse(body).unwrap();
            let claim = claim(&chain, &OrgHints::from_envelope(&envelope), 1);
            let request = SignedRequest { method: "POST", url: None, headers: &headers, body };
            ready(gate.admit(claim, &request, now)).is_ok()
        });
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .nresamples(5_000)
        .configure_from_args();
    resolving(&mut criterion);
    admitting(&mut criterion);
    criterion.final_summary();
}
