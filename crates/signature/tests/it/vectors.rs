//! Runs every case of `vectors.json`, which `make_vectors.py` computes without this crate.

use crate::case::Case;

pub(crate) const VECTORS: &str = include_str!("../vectors.json");

/// This crate's answer: the verdict and the label or reason.
fn judge(case: &Case<String>) -> (&'static str, String) {
    let ring = match case.ring() {
        Ok(ring) => ring,
        Err(error) => return ("unusable", error.to_owned()),
    };
    match ring.verify(&case.request(&case.body()), case.now) {
        Ok(credential) => ("accepted", credential.label().to_owned()),
        Err(refusal) => ("refused", refusal.as_str().to_owned()),
    }
}

#[test]
fn every_vector_gets_its_verdict_and_its_reason() {
    let vectors: Vec<Case<String>> = serde_json::from_str(VECTORS).unwrap();
    let wrong: Vec<String> = vectors
        .iter()
        .filter_map(|vector| {
            let (verdict, because) = judge(vector);
            let expected = (vector.verdict.as_str(), vector.because.as_str());
            ((verdict, because.as_str()) != expected)
                .then(|| format!("{}: {verdict} {because}, expected {expected:?}", vector.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_vectors_are_many_and_reach_every_verdict() {
    let vectors: Vec<Case<String>> = serde_json::from_str(VECTORS).unwrap();
    let count = |verdict: &str, because: &str| {
        vectors.iter().filter(|vector| vector.verdict == verdict && vector.because == because).count()
    };
    assert!(vectors.len() >= 200, "{} vectors", vectors.len());
    assert!(vectors.iter().filter(|vector| vector.verdict == "accepted").count() >= 70);
    for reason in [
        "no_credential",
        "missing_header",
        "malformed_header",
        "repeated_header",
        "missing_url",
        "stale_timestamp",
        "invalid_signature",
    ] {
        assert!(count("refused", reason) >= 1, "no vector is refused as {reason}");
    }
    for error in
        ["empty_secret", "secret_not_base64", "secret_empty", "empty_window", "recipe", "payload_format"]
    {
        assert!(count("unusable", error) >= 1, "no vector is unusable as {error}");
    }
}
