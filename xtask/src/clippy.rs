//! `cargo xtask clippy`: the lints of the root manifest, on every target and feature.

use anyhow::Result;

use crate::process;
use crate::workspace::{cargo, lint_directory};

/// Runs the job.
///
/// # Errors
/// If a lint fires.
pub(crate) fn run() -> Result<()> {
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--all-features", "--target-dir"]);
    process::run(clippy.arg(lint_directory()?).args(["--", "-D", "warnings"]))
}
