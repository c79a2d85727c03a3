//! `examples/test-booking-endpoint.sh` against a gateway.

use std::process::{Command, Output};

use crate::support::{Directory, Gateway, applied};

fn example(directory: &Directory, url: &str, secret: &str) -> Output {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/test-booking-endpoint.sh");
    let mut command = Command::new("bash");
    command.args([script, url]);
    directory.surround(&mut command);
    command.env("SECRET", secret).env("ASSISTANT_ID", "asst_sarah").output().unwrap()
}

#[test]
fn the_example_finds_a_good_gateway_good_and_a_wrong_secret_wrong() {
    let directory = applied();
    let gateway = Gateway::start(&directory, &[], "vapi-gateway listens on ");
    let good = example(&directory, &gateway.url, "s3cret of 2026");
    let text = String::from_utf8_lossy(&good.stdout);
    assert_eq!(good.status.code(), Some(0), "{text} {}", String::from_utf8_lossy(&good.stderr));
    assert!(text.ends_with("Everything is as it should be.\n"), "{text}");

    let wrong = example(&directory, &gateway.url, "wrong");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("the status is 401, not 200"));
    assert_eq!(example(&directory, "http://127.0.0.1:1", "s3cret of 2026").status.code(), Some(1));
    assert_eq!(example(&directory, &gateway.url, "").status.code(), Some(2));
}
