//! Runs every case of `doctor.json`: a refused request and what the doctor must find, in order.

use std::collections::BTreeSet;

use signature::KeyRing;
use signature::doctor::{Cause, diagnose};

use crate::case::Case;

const CASES: &str = include_str!("../doctor.json");

/// The cause as the file writes it: its name, and its detail after a space.
fn written(cause: &Cause) -> String {
    let detail = match cause {
        Cause::WrongHeader { found } | Cause::WrongUrl { found } => found.clone(),
        Cause::WrongScheme { found } => (*found).to_owned(),
        Cause::ClockSkew { seconds } => seconds.to_string(),
        Cause::SecretIsBase64 { should_decode } => should_decode.to_string(),
        Cause::WrongEncoding { found } => found.to_string(),
        Cause::WrongPrefix { found } => found.clone().unwrap_or_else(|| "none".to_owned()),
        Cause::WrongAlgorithm { found } => found.to_string(),
        Cause::WrongPayloadFormat { found } => found.to_string(),
        Cause::MissingSignatureHeader { header }
        | Cause::MissingTimestampHeader { header }
        | Cause::MissingMessageIdHeader { header }
        | Cause::UnreadableTimestamp { header }
        | Cause::RepeatedHeader { header }
        | Cause::MalformedHeader { header } => header.clone(),
        _ => return cause.as_str().to_owned(),
    };
    format!("{} {detail}", cause.as_str())
}

fn cases() -> Vec<Case<Vec<String>>> {
    serde_json::from_str(CASES).unwrap()
}

fn ring(case: &Case<Vec<String>>) -> KeyRing {
    case.ring().unwrap_or_else(|error| panic!("{}: {error}", case.name))
}

#[test]
fn every_case_gets_its_findings_in_order() {
    let mut wrong = Vec::new();
    for case in cases() {
        let diagnosis = diagnose(&ring(&case), &case.request(&case.body()), case.now);
        let found: Vec<String> = diagnosis.findings.iter().map(|finding| written(&finding.cause)).collect();
        if found != case.because {
            wrong.push(format!("{}: {found:?}, expected {:?}", case.name, case.because));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_match_is_named_exactly_when_the_ring_accepts() {
    for case in cases() {
        let (ring, body) = (ring(&case), case.body());
        let accepted = ring.verify(&case.request(&body), case.now).ok().map(|credential| credential.id());
        let diagnosis = diagnose(&ring, &case.request(&body), case.now);
        assert_eq!(diagnosis.matched, accepted, "{}", case.name);
        assert_eq!(diagnosis.matched.is_some(), case.because == ["matches"], "{}", case.name);
    }
}

#[test]
fn sentences_are_whole_name_a_credential_and_hold_no_secret() {
    for case in cases() {
        let diagnosis = diagnose(&ring(&case), &case.request(&case.body()), case.now);
        assert!(!diagnosis.findings.is_empty(), "{}", case.name);
        for finding in diagnosis.findings {
            let sentence = &finding.sentence;
            assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{sentence}");
            for spec in &case.credentials {
                assert!(!sentence.contains(spec.secret.trim()), "{}: {sentence}", case.name);
            }
            let labels: Vec<_> = case.credentials.iter().map(|spec| spec.label.as_str()).collect();
            assert_eq!(
                finding.credential.is_some_and(|label| labels.contains(&label.as_str())),
                finding.cause != Cause::NoCredential,
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn the_cases_reach_every_cause() {
    let reached: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| &case.because)
        .filter_map(|text| text.split(' ').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(reached.len(), 23, "{reached:?}");
}

#[test]
fn the_finding_is_about_the_credential_that_explains_it() {
    let cases = cases();
    let case = cases.iter().find(|case| case.name.ends_with("signed with the expired one")).unwrap();
    let diagnosis = diagnose(&ring(case), &case.request(&case.body()), case.now);
    assert_eq!(diagnosis.findings[0].credential.as_deref(), Some("gone"));
}
