//! How the program ends.

use std::io;
use std::process::ExitCode;

use crate::output;

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It did what it was asked.
    Done,
    /// It answered, and the answer is no.
    No,
    /// It did what it could, and said on standard error what was missing.
    Failed,
}

const FAILED: u8 = 1;
const NO: u8 = 3;

/// Says what failed, and gives the code that the help promises.
pub(crate) fn report(result: anyhow::Result<Exit>) -> ExitCode {
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::No) => ExitCode::from(NO),
        Ok(Exit::Failed) => ExitCode::from(FAILED),
        // The reader of the output has seen enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(format_args!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref::<output::Closed>().is_some_and(|closed| broken(&closed.0))
}
