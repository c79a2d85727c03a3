//! `cargo xtask doc`: the documentation builds without a warning.

use anyhow::Result;

use job::process;
use job::workspace::cargo;

/// Runs the job.
///
/// # Errors
/// If rustdoc warns.
pub(crate) fn run() -> Result<()> {
    process::run(cargo().env("RUSTDOCFLAGS", "-D warnings").args([
        "doc",
        "--workspace",
        "--no-deps",
        "--all-features",
    ]))
}
