//! `cargo xtask advisories`: the dependencies against the published vulnerabilities.

use anyhow::Result;

use crate::deny;

/// Runs the job.
///
/// # Errors
/// If a dependency has an advisory against it, or the advisory database cannot be fetched.
pub(crate) fn run() -> Result<()> {
    deny::check(&["advisories"])
}
