//! The tests of every crate, on a PostgreSQL that is there for this run only.

use std::fmt;
use std::fs;
use std::ops::AddAssign;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use job::process;
use job::workspace::{self, cargo, programs, root};

/// The packages built and tested; the same words for both, so that the second finds the first's work.
const SELECTION: &[&str] = &["--workspace", "--all-features"];

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Totals {
    /// Adds what one `test result:` line of Rust's own test harness says; other lines add nothing.
    pub(crate) fn add_libtest_line(&mut self, line: &str) {
        let Some((_, counts)) = line.split_once("test result: ") else { return };
        // `ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s`
        for part in counts.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(word)) =
                (words.next().and_then(|text| text.parse::<u64>().ok()), words.next())
            else {
                continue;
            };
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Reads the attributes of a JUnit report's root element, as nextest writes it.
    ///
    /// # Errors
    /// If the text has no such element, or its numbers do not add up.
    fn from_junit(report: &str) -> Result<Self> {
        let root = report.split_once("<testsuites").and_then(|(_, rest)| rest.split_once('>'));
        let (root, _) = root.context("the test runner's report has no <testsuites>")?;
        let attribute = |name: &str| -> Result<u64> {
            let value = root.split_once(&format!(" {name}=\"")).and_then(|(_, rest)| rest.split_once('"'));
            let (value, _) =
                value.with_context(|| format!("the test runner's report does not say {name}"))?;
            value.parse().with_context(|| format!("the test runner's report says {value:?} {name}"))
        };
        let failed = attribute("failures")? + attribute("errors")?;
        let passed = attribute("tests")?.checked_sub(failed).context("more tests failed than ran")?;
        Ok(Self { passed, failed, skipped: 0 })
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { passed, failed, skipped } = self;
        write!(
            formatter,
            "{} tests run: {passed} passed, {failed} failed, {skipped} skipped",
            passed + failed
        )
    }
}

/// Runs the step and adds what ran to the totals, also when a test fails.
///
/// # Errors
/// If something does not build, the server does not start, a test fails, or none runs.
pub(crate) fn run(filter: &[String], totals: &mut Totals) -> Result<()> {
    // Built first and as a whole: the server waits for nobody then, and the tests find everything built.
    let selection = [SELECTION, &["--lib", "--bins", "--tests", "--examples"]].concat();
    let [gateway, pg] = programs(["vapi-gateway", "pg"], &selection)?;

    let nextest = process::succeeds(cargo().args(["nextest", "--version"]));
    // Inside `pg`, which keeps a server for as long as the tests run.
    let mut command = workspace::command(pg);
    command.args(["--template", "--gateway"]).arg(gateway).arg("--").arg(cargo().get_program());
    command.args(if nextest { &["nextest", "run"][..] } else { &["test", "--no-fail-fast"] }).args(SELECTION);
    let (outcome, ran) = if nextest {
        run_nextest(command.args(filter))
    } else {
        command.args(["--lib", "--bins", "--tests", "--examples"]);
        run_libtest(command.args(filter))
    };
    *totals += ran;
    if outcome.is_err() {
        eprintln!("xtask: {ran}");
    }
    outcome?;
    ensure!(ran.passed > 0, "no test was run");
    Ok(())
}

fn run_nextest(command: &mut Command) -> (Result<()>, Totals) {
    // Where `.config/nextest.toml` puts it: below the workspace's top, wherever cargo builds.
    let report = root().join("target/nextest/default/junit.xml");
    // A report that is left from an earlier run must not be taken for this one's.
    let _ = fs::remove_file(&report);
    let outcome = process::run(command);
    let ran = fs::read_to_string(&report)
        .with_context(|| format!("cannot read {}", report.display()))
        .and_then(|text| Totals::from_junit(&text));
    match (outcome, ran) {
        (outcome, Ok(ran)) => (outcome, ran),
        (Err(error), Err(_)) => (Err(error), Totals::default()),
        (Ok(()), Err(error)) => (Err(error), Totals::default()),
    }
}

fn run_libtest(command: &mut Command) -> (Result<()>, Totals) {
    let mut totals = Totals::default();
    let outcome = process::run_lines(command, |line| {
        println!("{line}");
        totals.add_libtest_line(line);
    });
    (outcome, totals)
}

#[cfg(test)]
mod tests_of_totals {
    use super::*;

    #[test]
    fn the_harness_lines_add_up() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.10s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s",
        ] {
            totals.add_libtest_line(line);
        }
        assert_eq!(totals, Totals { passed: 13, failed: 2, skipped: 1 });
        assert_eq!(totals.to_string(), "15 tests run: 13 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn the_report_is_read_from_its_root() {
        let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="7" failures="2" errors="1" uuid="x" timestamp="2026-03-01T09:00:00.000+00:00" time="0.5">
    <testsuite name="signature::it" tests="7" disabled="0" errors="1" failures="2">"#;
        assert_eq!(Totals::from_junit(report).unwrap(), Totals { passed: 4, failed: 3, skipped: 0 });
    }

    #[test]
    fn an_unfit_report_is_an_error() {
        for report in ["", "<testsuites name=\"x\">", "<testsuites tests=\"1\" failures=\"2\" errors=\"0\">"]
        {
            assert!(Totals::from_junit(report).is_err(), "{report}");
        }
    }
}
