//! `cargo xtask doc`: the documentation builds without a warning.

use anyhow::Result;

use crate::process;
use crate::workspace::{cargo, lint_directory};

/// Runs the job.
///
/// # Errors
/// If rustdoc warns.
pub(crate) fn run() -> Result<()> {
    let mut doc = cargo();
    doc.env("RUSTDOCFLAGS", "-D warnings");
    doc.args(["doc", "--workspace", "--no-deps", "--all-features", "--target-dir"]);
    process::run(doc.arg(lint_directory()?))
}
