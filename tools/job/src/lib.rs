//! Shared by every job: child processes in sight, Ctrl-C, and the workspace as cargo describes it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "jobs report to a terminal")]
#![expect(clippy::disallowed_methods, reason = "a job's own settings come from its environment")]

pub mod interrupt;
pub mod process;
pub mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;

/// As a shell reports a program that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;

/// How long a child of a job may take to end by itself: longer than the test runner grants its tests.
pub const GRACE: Duration = Duration::from_secs(20);

/// Runs a job, stops it when a signal comes, and tells how it ended; `grace` is what its children get to end.
pub fn main(name: &str, grace: Duration, run: impl FnOnce() -> Result<()>) -> ExitCode {
    let outcome = interrupt::install(grace).and_then(|()| run());
    match outcome {
        _ if interrupt::requested() => {
            eprintln!("{name}: interrupted; everything it started is stopped");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}
