//! `migrate`, and what a fresh directory looks like after it.

use serde_json::json;

use crate::support::{Directory, mode};

#[test]
fn a_fresh_directory_gets_a_database_and_no_key() {
    let directory = Directory::new();
    let first = directory.run(&["migrate", "--json"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    assert_eq!(first.json()["database"], "sqlite:data/gateway.db");
    assert!(!first.json()["applied"].as_array().unwrap().is_empty());
    assert!(!directory.path("data/master.key").exists());
    assert_eq!(mode(&directory.path("data")), 0o700);
    assert_eq!(mode(&directory.path("data/gateway.db")), 0o600);

    let second = directory.run(&["migrate", "--json"]);
    assert_eq!((second.code, &second.json()["applied"]), (Some(0), &json!([])));
}

#[test]
fn the_database_is_where_the_settings_say() {
    let directory = Directory::new();
    directory.write(".env", "DATABASE_URL=sqlite:elsewhere/from-env-file.db\n");
    directory.run(&["migrate"]).good();
    assert!(directory.path("elsewhere/from-env-file.db").exists());

    let directory = directory.with("DATABASE_URL", "sqlite:elsewhere/from-environment.db");
    directory.run(&["migrate"]).good();
    assert!(directory.path("elsewhere/from-environment.db").exists());
    assert!(!directory.path("data").exists());
}

#[test]
fn a_wrong_setting_is_named_and_usage_has_its_own_code() {
    let directory = Directory::new().with("GATEWAY__SERVER__PROT", "80");
    let run = directory.run(&["migrate"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("GATEWAY__SERVER__PROT"), "{run:?}");
    assert_eq!(Directory::new().run(&["migrate", "--jason"]).code, Some(2));
    assert_eq!(Directory::new().run(&["verify", "--headers", "h", "--body", "b"]).code, Some(2));
}

#[test]
fn a_secret_in_the_database_url_is_not_shown() {
    let directory = Directory::new().with("DATABASE_URL", "postgres://app:hush@127.0.0.1:1/gateway");
    let run = directory.run(&["migrate"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("postgres://127.0.0.1:1/gateway") && !run.err.contains("hush"), "{run:?}");
}

#[test]
fn every_command_helps() {
    for command in ["serve", "migrate", "apply", "explain", "simulate", "verify"] {
        let help = Directory::new().run(&[command, "--help"]).good();
        assert!(help.contains("Usage: vapi-gateway"), "{help}");
    }
    let help = Directory::new().run(&["--help"]).good();
    assert!(help.contains("Exit codes") && help.contains("DATABASE_URL"), "{help}");
}
