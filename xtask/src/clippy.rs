//! `cargo xtask clippy`: the lints of the root manifest, on every target and feature.

use anyhow::Result;

use job::process;
use job::workspace::cargo;

/// Runs the job.
///
/// # Errors
/// If a lint fires.
pub(crate) fn run() -> Result<()> {
    process::run(cargo().args([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))
}
