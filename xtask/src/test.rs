//! `cargo xtask test`: everything that a change must pass, in the order in which failures are cheapest.

use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::tests::Totals;
use crate::{clippy, deny, doc, doctests, fmt, layering, msrv, package, tests};
use job::interrupt;

/// Options of the job.
#[derive(Args)]
pub(crate) struct Options {
    /// Runs this step only; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Step>,
    /// Goes on after a failed step and names the failed ones at the end.
    #[arg(long)]
    keep_going: bool,
    /// Runs the tests that this names, and no other step: arguments of the test runner.
    #[arg(last = true)]
    filter: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    Fmt,
    Msrv,
    Package,
    Clippy,
    Layering,
    Deny,
    Doc,
    Tests,
    Doctests,
}

impl Options {
    fn steps(&self) -> Vec<Step> {
        let asked = |step: &Step| match (self.only.is_empty(), self.filter.is_empty()) {
            (true, true) => true,
            (true, false) => *step == Step::Tests,
            (false, _) => self.only.contains(step),
        };
        Step::value_variants().iter().copied().filter(asked).collect()
    }
}

/// Runs the job.
///
/// # Errors
/// If a step fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut totals = Totals::default();
    let mut failed = Vec::new();
    let mut times = Vec::new();
    let steps = options.steps();
    for step in &steps {
        let name = format!("{step:?}").to_lowercase();
        println!("== {name}");
        let started = Instant::now();
        let outcome = run_step(*step, &steps, &options.filter, &mut totals);
        times.push(format!("{name} {} s", started.elapsed().as_secs()));
        if let Err(error) = outcome {
            if interrupt::requested() || !options.keep_going {
                return Err(error).with_context(|| format!("step {name}"));
            }
            eprintln!("xtask: step {name}: {error:#}");
            failed.push(name);
        }
    }
    println!("== steps: {}", times.join(", "));
    if totals != Totals::default() {
        println!("== totals: {totals}");
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn run_step(step: Step, steps: &[Step], filter: &[String], totals: &mut Totals) -> Result<()> {
    match step {
        Step::Fmt => fmt::run(&fmt::Options::default()),
        Step::Msrv => msrv::run(),
        Step::Package => package::run(),
        Step::Clippy => lint(steps),
        Step::Layering => layering::run(),
        Step::Deny => deny::run(),
        Step::Doc => doc::run(),
        Step::Tests => tests::run(filter, totals),
        Step::Doctests => {
            *totals += doctests::run()?;
            Ok(())
        }
    }
}

/// Lints, and installs meanwhile what the next step needs: the compiler leaves a core idle at times.
///
/// A failed installation is tried again, and told, by the step that needs it.
fn lint(steps: &[Step]) -> Result<()> {
    thread::scope(|scope| {
        if steps.contains(&Step::Deny) {
            scope.spawn(deny::install);
        }
        clippy::run()
    })
}

#[cfg(test)]
mod tests_of_options {
    use super::*;

    fn steps(only: &[Step], filter: &[&str]) -> Vec<Step> {
        let filter = filter.iter().map(|text| (*text).to_owned()).collect();
        Options { only: only.to_vec(), keep_going: false, filter }.steps()
    }

    #[test]
    fn everything_runs_unless_something_is_asked_for() {
        assert_eq!(steps(&[], &[]), Step::value_variants());
        assert_eq!(steps(&[Step::Doc, Step::Fmt], &[]), [Step::Fmt, Step::Doc]);
    }

    #[test]
    fn a_filter_alone_means_the_tests_alone() {
        assert_eq!(steps(&[], &["booking"]), [Step::Tests]);
        assert_eq!(steps(&[Step::Fmt, Step::Tests], &["booking"]), [Step::Fmt, Step::Tests]);
    }
}
