//! Messages that were refused: an operator finds them by their ids, without a secret and without debug logs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::message;
use crate::harness::{Database, Deployment, WEBHOOK, eventually};
use crate::support::{World, on_both_databases, on_postgres, refused, told};

on_both_databases![
    an_unmapped_assistant_and_an_old_secret_are_found_by_their_ids,
    a_strangers_identifiers_are_cut_to_what_is_safe,
];
on_postgres![refusals_are_out_of_reach_of_the_working_role];

/// They are written every few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

fn listed(deployment: &Deployment, more: &[&str]) -> Vec<Value> {
    let (code, rows) = told(deployment, &[&["refusals", "--json"], more].concat());
    assert_eq!(code, 0);
    rows
}

/// Waits until so many rows are there, and gives them without their times.
fn rows(deployment: &Deployment, more: &[&str], count: usize) -> Vec<Value> {
    let mut rows = eventually("the refusals are written", PATIENCE, || {
        let rows = listed(deployment, more);
        (rows.len() >= count).then_some(rows)
    });
    for row in &mut rows {
        assert!(row["first_at"].as_str() <= row["last_at"].as_str(), "{row}");
        row.as_object_mut().unwrap().retain(|name, _| !name.ends_with("_at"));
    }
    rows
}

fn an_unmapped_assistant_and_an_old_secret_are_found_by_their_ids(database: Database) {
    let World { gateway, deployment, northgate, fontaneria } = &World::new(database);
    for nth in 0..3 {
        let unmapped = message::call_started(&format!("call-{nth}"), "asst_unmapped");
        assert_eq!(refused(&gateway.send(northgate, &unmapped)).0, 400);
    }
    let row = json!({"reason": "unresolved", "step": "assistant_id", "identifier": "asst_unmapped",
                     "organization_id": null, "count": 3});
    let found = eventually("all three are written", PATIENCE, || {
        rows(deployment, &[], 1).into_iter().find(|found| *found == row)
    });
    assert_eq!(found, row);

    let event = message::call_started("call-1", &fontaneria.assistant);
    assert_eq!(refused(&gateway.send_with("the secret of last year", &event)).0, 401);
    assert_eq!(refused(&gateway.post(WEBHOOK, Vec::new(), event.to_string())).0, 401);
    let both = rows(deployment, &["--org", &fontaneria.slug], 2);
    let mut reasons: Vec<_> = both.iter().map(|row| row["reason"].as_str().unwrap()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["invalid_signature", "missing_header"]);
    for row in both {
        assert_eq!(row["identifier"], fontaneria.assistant.as_str());
        assert_eq!(row["organization_id"], fontaneria.id.to_string());
    }
    assert_eq!(listed(deployment, &["--org", &northgate.slug]), Vec::<Value>::new());
    assert_eq!(listed(deployment, &["--limit", "1"]).len(), 1);
    // People read the same in lines.
    let output = deployment.run(&["refusals", "--since", "1h"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("3 times  unresolved  assistant_id=asst_unmapped"), "{text}");
}

fn a_strangers_identifiers_are_cut_to_what_is_safe(database: Database) {
    let World { gateway, deployment, northgate, .. } = &World::new(database);
    for assistant in ["\u{1b}[2Jasst <b>ä</b>\u{0}'; DROP".to_owned(), "y".repeat(5000)] {
        assert_eq!(refused(&gateway.send(northgate, &message::call_started("call-1", &assistant))).0, 400);
    }
    let mut identifiers: Vec<_> =
        rows(deployment, &[], 2).iter().map(|row| row["identifier"].as_str().unwrap().to_owned()).collect();
    identifiers.sort_unstable();
    assert_eq!(identifiers, ["2JasstbbDROP".to_owned(), "y".repeat(80)]);
}

fn refusals_are_out_of_reach_of_the_working_role(database: Database) {
    let World { deployment, .. } = &World::new(database);
    let postgres = deployment.postgres().unwrap();
    for role in ["gateway_app", "gateway_directory"] {
        for statement in ["SELECT * FROM refusals", "DELETE FROM refusals"] {
            let refused = postgres.attempt(&format!("SET ROLE {role}; {statement}"));
            assert!(refused.is_err_and(|error| error.contains("permission denied")), "{role}: {statement}");
        }
    }
}
