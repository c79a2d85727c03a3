//! `cargo xtask fmt`: the formatting is rustfmt's.

use anyhow::Result;
use clap::Args;

use job::process;
use job::workspace::cargo;

/// Options of the job.
#[derive(Args, Default)]
pub(crate) struct Options {
    /// Formats the files instead of checking them.
    #[arg(long)]
    write: bool,
}

/// Runs the job.
///
/// # Errors
/// If a file is not formatted, or rustfmt fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = cargo();
    command.args(["fmt", "--all"]);
    if !options.write {
        command.args(["--", "--check"]);
    }
    process::run(&mut command)
}
