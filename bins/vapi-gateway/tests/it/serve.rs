//! `serve`: starting, stopping, and simulated calls against it.

use serde_json::json;

use crate::support::{Gateway, MASTER_KEY, applied};

const LISTENS: &str = "vapi-gateway listens on ";

#[test]
fn a_simulated_call_is_answered_as_it_should_be() {
    let directory = applied();
    let mut gateway = Gateway::start(&directory, &[], LISTENS);
    let url = gateway.url.clone();
    let simulate = ["simulate", "--json", "--url", &url];
    let run = directory.run(&[&simulate[..], &["--org", "northgate-dental", "--count", "2"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines = run.json_lines();
    let kinds: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    let call = ["assistant-request", "status-update", "tool-calls", "end-of-call-report"];
    assert_eq!(kinds, [call, call].concat());
    assert!(lines.iter().all(|line| line["ok"] == json!(true) && line["status"] == json!(200)), "{lines:?}");
    assert_eq!(lines[0]["answer"]["assistantId"], "asst_sarah");
    assert_eq!(lines[2]["answer"]["results"][0]["name"], "bookAppointment");

    // Without the database: the secret alone.
    let by_hand = ["--secret", "monkeywrench", "--preset", "vapi-hmac", "--assistant", "asst_marcos"];
    let run = directory.run(&[&simulate[..], &by_hand].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let forged = ["--secret", "spanner", "--preset", "vapi-hmac", "--assistant", "asst_marcos"];
    let run = directory.run(&[&simulate[..], &forged].concat());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.json_lines().iter().all(|line| line["ok"] == json!(false) && line["status"] == json!(401)));

    assert_eq!(gateway.stop(), Some(0));
    let nobody = directory.run(&[&simulate[..], &["--org", "northgate-dental"]].concat());
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.err.contains("does not answer"), "{nobody:?}");
}

#[test]
fn a_taken_port_is_said_in_a_sentence() {
    let directory = applied();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let run = directory.run(&["serve", "--port", &port]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(&format!("another program listens on 127.0.0.1:{port}")), "{run:?}");
}

#[test]
fn what_is_applied_while_it_runs_counts() {
    let directory = applied();
    let gateway = Gateway::start(&directory, &[], LISTENS);
    let call = ["simulate", "--url", &gateway.url, "--secret", "new secret", "--assistant", "asst_new"];
    assert_eq!(directory.run(&call).code, Some(1));
    directory.write(
        "new.toml",
        "[[organizations]]\nslug = \"new\"\nname = \"New\"\nassistants = [{ id = \"asst_new\", name = \"N\" }]\n\
         credentials = [{ label = \"a\", preset = \"x-vapi-signature\", secret = \"new secret\" }]\n",
    );
    directory.run(&["apply", "-f", "new.toml"]).good();
    // Fewer refused messages than an address may send in a minute.
    let mut tries = (0..30).map(|_| directory.run(&call).code);
    assert!(tries.any(|code| code == Some(0)), "the new organization is never served");
}

#[test]
fn a_lost_or_wrong_key_is_said_at_the_start() {
    let directory = applied();
    let key = directory.path("data/master.key");
    let kept = directory.path("kept.key");
    std::fs::rename(&key, &kept).unwrap();
    for command in [&["serve", "--port", "0"][..], &["apply", "-f", "organizations.toml"]] {
        let run = directory.run(command);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("data/master.key is not there"), "{run:?}");
        assert!(!key.exists(), "another key stands in for the one that is lost");
    }
    std::fs::rename(&kept, &key).unwrap();
    directory.run(&["apply", "-f", "organizations.toml"]).good();

    let directory = directory.with("GATEWAY_MASTER_KEY", MASTER_KEY);
    let run = directory.run(&["serve", "--port", "0"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("cannot be opened with the master key"), "{run:?}");
}
