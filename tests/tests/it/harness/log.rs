//! The output of the program under test.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::wait::eventually;

/// The log is written off the threads that answer, so that a line may come after its answer.
const DELAY: Duration = Duration::from_secs(10);

/// The program's output, standard error and standard output together.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    path: PathBuf,
}

impl Log {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Everything written so far.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.path).unwrap_or_default()).into_owned()
    }

    /// The complete lines that are JSON objects, in order.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        complete.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }

    /// The lines, one for each message, that the gateway writes at `info`.
    #[must_use]
    pub(crate) fn messages(&self) -> Vec<Value> {
        let is_message = |line: &Value| line["level"] == "INFO" && line["message"] == "message";
        self.lines().into_iter().filter(is_message).collect()
    }

    /// Waits for a line.
    ///
    /// # Panics
    /// If none comes; `what` names it.
    pub(crate) fn wait(&self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        eventually(what, DELAY, || self.lines().into_iter().find(|line| is_wanted(line)))
    }

    /// Waits for the line about the request that got this answer.
    ///
    /// # Panics
    /// If none comes.
    pub(crate) fn of_request(&self, request_id: &str) -> Value {
        self.wait("the request's line in the log", |line| {
            line["message"] == "message" && line["request_id"] == request_id
        })
    }

    /// The end of the log, for people.
    pub(crate) fn tail(&self) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().collect();
        lines.split_at(lines.len().saturating_sub(40)).1.join("\n")
    }
}
