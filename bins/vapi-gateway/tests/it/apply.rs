//! `apply`: plan, change, and no change.

use serde_json::json;

use crate::support::{Directory, NORTHGATE, ORGANIZATIONS, applied, mode};

#[test]
fn a_dry_run_changes_nothing_and_makes_nothing() {
    let directory = Directory::new().with("NORTHGATE_SECRET", "s3cret of 2026");
    directory.write("organizations.toml", ORGANIZATIONS);
    let dry = directory.run(&["apply", "-f", "organizations.toml", "--dry-run", "--json"]);
    assert_eq!((dry.code, &dry.json()["applied"]), (Some(0), &json!(false)), "{dry:?}");
    let changes = dry.json()["changes"].as_array().unwrap().clone();
    let is_northgate = |change: &serde_json::Value| {
        change["organization"] == "northgate-dental"
            && change["section"] == "organization"
            && change["action"] == "create"
            && change["organization_id"] == NORTHGATE
    };
    assert!(changes.iter().any(is_northgate), "{changes:?}");
    assert!(!directory.path("data").exists());

    directory.run(&["migrate"]).good();
    let dry = directory.run(&["apply", "-f", "organizations.toml", "--dry-run"]);
    assert!(dry.out.contains("+ northgate-dental assistant asst_sarah"), "{dry:?}");
    let again = directory.run(&["apply", "-f", "organizations.toml", "--dry-run", "--json"]);
    assert_eq!(again.json()["changes"], json!(changes));
}

#[test]
fn a_second_apply_has_nothing_to_do() {
    let directory = applied();
    assert_eq!(mode(&directory.path("data/master.key")), 0o600);
    let second = directory.run(&["apply", "-f", "organizations.toml", "--json"]);
    assert_eq!(second.code, Some(0), "{second:?}");
    assert_eq!(second.json(), json!({ "applied": false, "changes": [], "kept": [] }));
}

#[test]
fn a_change_is_one_change_and_a_left_out_secret_is_kept() {
    let directory = applied();
    let changed = ORGANIZATIONS
        .replace("Northgate Dental", "Northgate")
        .replace(", secret_env = \"NORTHGATE_SECRET\"", "");
    directory.write("changed.toml", changed);
    let run = directory.run(&["apply", "-f", "changed.toml", "--json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let json = run.json();
    assert_eq!(json["applied"], json!(true));
    let changes = json["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!((&changes[0]["section"], &changes[0]["action"]), (&json!("organization"), &json!("update")));
    // The kept secret still opens the door: see `verify`.
    crate::verify::assert_northgate_verifies(&directory);
}

#[test]
fn left_out_rows_stay_until_pruned() {
    let directory = applied();
    directory.write("less.toml", ORGANIZATIONS.replace("squads = [\"squad_pipes\"]\n", ""));
    let kept = directory.run(&["apply", "-f", "less.toml", "--json"]).json();
    assert_eq!(kept["changes"], json!([]));
    assert_eq!(kept["kept"][0]["subject"], "squad_pipes");
    let pruned = directory.run(&["apply", "-f", "less.toml", "--prune", "--json"]).json();
    assert_eq!((&pruned["applied"], &pruned["changes"][0]["action"]), (&json!(true), &json!("remove")));
}

#[test]
fn a_second_owner_is_a_sentence_and_nothing_is_written() {
    let directory = applied();
    directory.write(
        "thief.toml",
        "[[organizations]]\nslug = \"thief\"\nname = \"Thief\"\nassistants = [{ id = \"asst_sarah\", name = \"S\" }]\n",
    );
    let run = directory.run(&["apply", "-f", "thief.toml"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("asst_sarah") && run.err.contains("northgate-dental"), "{run:?}");
    let after = directory.run(&["apply", "-f", "thief.toml", "--dry-run"]);
    assert_eq!(after.code, Some(1), "{after:?}");
}

#[test]
fn secrets_come_from_env_files_too_and_a_missing_one_is_named() {
    let directory = Directory::new();
    directory.write("organizations.toml", ORGANIZATIONS);
    let run = directory.run(&["apply", "-f", "organizations.toml"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("NORTHGATE_SECRET"), "{run:?}");
    directory.write(".env.local", "NORTHGATE_SECRET=\"s3cret of 2026\"\n");
    directory.run(&["apply", "-f", "organizations.toml"]).good();
    crate::verify::assert_northgate_verifies(&directory);
}
