//! `serve --demo`: what it prints is pasted into a shell, and has to work.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Directory, Gateway, mode};

/// The line that the demo prints last.
const LAST: &str = " simulate --url ";

/// The printed commands with the comment above each.
fn commands(printed: &str) -> Vec<(String, String)> {
    let lines: Vec<&str> = printed.lines().collect();
    let pairs = lines.windows(2).filter_map(|pair| Some((pair[0].strip_prefix("# ")?, pair[1])));
    pairs.map(|(what, command)| (what.to_owned(), command.to_owned())).collect()
}

/// Pastes a command; answers its output without the last line, and that line.
fn paste(directory: &Directory, command: &str) -> (String, String) {
    let mut bash = Command::new("bash");
    bash.args(["-c", command]);
    directory.surround(&mut bash);
    let output = bash.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{command}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let (body, status) = text.trim_end().rsplit_once('\n').unwrap();
    (body.trim_end().to_owned(), status.to_owned())
}

fn json_of(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

#[test]
fn the_printed_calls_work() {
    let directory = Directory::new();
    let gateway = Gateway::start(&directory, &["--demo"], LAST);
    assert!(gateway.url.starts_with("http://127.0.0.1:"), "{}", gateway.url);
    let commands = commands(&gateway.printed);
    let wanted = |word: &str| -> Vec<&(String, String)> {
        commands.iter().filter(|(what, _)| what.contains(word)).collect()
    };

    let (body, status) = paste(&directory, &wanted("endpoint")[0].1);
    assert_eq!((json_of(&body)["success"].clone(), &*status), (json!(true), "200"));
    assert_eq!(wanted("A call starts").len(), 2);
    for (what, command) in wanted("A call starts") {
        assert_eq!(paste(&directory, command), ("{}".to_owned(), "200".to_owned()), "{what}");
    }
    let bookings = wanted("It books");
    assert_eq!(bookings.len(), 2);
    let mut sentences = Vec::new();
    for (what, command) in &bookings {
        let (body, status) = paste(&directory, command);
        assert_eq!(status, "200", "{what} {body}");
        let answer = json_of(&body);
        assert_eq!(answer["results"].as_array().map(Vec::len), Some(1), "{body}");
        assert!(command.contains(answer["results"][0]["toolCallId"].as_str().unwrap()));
        sentences.push(answer["results"][0]["result"].as_str().unwrap().to_owned());
        // The same call delivered again is the same booking.
        assert_eq!(json_of(&paste(&directory, command).0), answer);
    }
    assert!(sentences[0].contains("is booked for"), "{sentences:?}");
    assert!(sentences[1].contains("está reservada"), "{sentences:?}");

    let (body, status) = paste(&directory, &wanted("Forged")[0].1);
    assert_eq!((json_of(&body)["code"].clone(), &*status), (json!("unauthorized"), "401"));
    let (_, simulate) = wanted("whole call")[0];
    let (body, last) = paste(&directory, simulate);
    let answers = format!("{body}\n{last}");
    assert!(answers.contains("end-of-call-report  200 {}"), "{answers}");
}

#[test]
fn the_data_is_the_owners_alone_and_stays() {
    let directory = Directory::new();
    let first = Gateway::start(&directory, &["--demo"], LAST).printed.clone();
    for (name, expected) in [("data", 0o700), ("data/gateway.db", 0o600), ("data/master.key", 0o600)] {
        assert_eq!(mode(&directory.path(name)), expected, "{name}");
    }
    let key = std::fs::read(directory.path("data/master.key")).unwrap();

    // The secret of the first start is the one of the second: a signature of the first verifies after it.
    let started =
        commands(&first).into_iter().find(|(what, _)| what.contains("A call starts at Northgate")).unwrap().1;
    let second = Gateway::start(&directory, &["--demo"], LAST);
    assert_eq!(std::fs::read(directory.path("data/master.key")).unwrap(), key);
    let old_url = started.split(' ').find(|word| word.starts_with("http://")).unwrap();
    let again = started.replace(old_url, &format!("{}/api/webhooks/vapi", second.url));
    assert_eq!(paste(&directory, &again), ("{}".to_owned(), "200".to_owned()));
}

#[test]
fn the_environments_database_is_left_alone_and_the_outside_shut_out() {
    let directory = Directory::new()
        .with("DATABASE_URL", "postgres://app@127.0.0.1:1/production")
        .with("HOST", "0.0.0.0");
    let gateway = Gateway::start(&directory, &["--demo"], LAST);
    assert!(gateway.url.starts_with("http://127.0.0.1:"), "{}", gateway.url);
    let (_, simulate) = commands(&gateway.printed).pop().unwrap();
    assert!(simulate.starts_with("DATABASE_URL=sqlite:data/gateway.db "), "{simulate}");
    paste(&directory, &simulate);
    let open = directory.run(&["serve", "--demo", "--host", "0.0.0.0"]);
    assert_eq!(open.code, Some(2), "{open:?}");
}
