//! The examples in the documentation, which nextest does not run.

use anyhow::{Result, ensure};

use crate::tests::Totals;
use job::process;
use job::workspace::cargo;

/// Runs the step and returns how many examples passed.
///
/// # Errors
/// If an example fails, or there is none.
pub(crate) fn run() -> Result<Totals> {
    let mut totals = Totals::default();
    process::run_lines(cargo().args(["test", "--workspace", "--doc", "--all-features"]), |line| {
        println!("{line}");
        totals.add_libtest_line(line);
    })?;
    ensure!(totals.passed > 0, "no example was run");
    Ok(totals)
}
