//! `cargo xtask crash`, `bench` and `pg`: tools of their own, built when they are asked for.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};
use clap::Args;
use job::workspace::cargo;

/// The tool's own arguments, word for word; `--help` too.
#[derive(Args)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Becomes the tool: cargo builds it and goes the same way, so that a signal finds one process.
///
/// # Errors
/// If cargo cannot be started.
pub(crate) fn run(package: &str, arguments: &Arguments) -> Result<()> {
    let mut command = cargo();
    // Where the user is, so that a path among the words means what they mean.
    command.current_dir(".").args(["run", "--package", package, "--"]).args(&arguments.words);
    Err(command.exec()).context("cannot start cargo")
}
