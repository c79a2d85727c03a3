//! The project's jobs: `cargo xtask test`, and each of its steps alone.
//!
//! Every job is one file, named like its command. What CI runs is what a developer runs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to a terminal")]
#![expect(clippy::disallowed_methods, reason = "a program's own settings come from its environment")]

mod advisories;
mod bench;
mod clippy;
mod crash;
mod deny;
mod doc;
mod doctests;
mod fmt;
mod gateway;
mod interrupt;
mod layering;
mod msrv;
mod pg;
mod process;
mod test;
mod tests;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a shell reports for a program that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;

/// The project's jobs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Everything that a change must pass: fmt, clippy, doc, deny, layering, msrv, tests, doctests.
    Test(test::Options),
    /// Checks the formatting; `--write` formats.
    Fmt(fmt::Options),
    /// Lints every target of every crate; a warning is an error.
    Clippy,
    /// Builds the documentation; a warning is an error.
    Doc,
    /// Checks licences, sources and banned dependencies (cargo-deny).
    Deny,
    /// Checks the dependencies against the published vulnerabilities (cargo-deny; needs the network).
    Advisories,
    /// Checks which crate may reach which: no diesel in org-resolver, no actix outside the server.
    Layering,
    /// Checks that the stated minimum Rust version covers every dependency.
    Msrv,
    /// Kills, cuts off, fills and stalls under load, and counts what is lost, doubled or wrong.
    Crash(crash::Options),
    /// Measures the gateway beside other ways of doing the same work, over HTTP, on this machine.
    Bench(bench::Options),
    /// Starts a throw-away PostgreSQL and keeps it until Ctrl-C.
    Pg(pg::Options),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = interrupt::install().and_then(|()| match cli.job {
        Job::Test(options) => test::run(&options),
        Job::Fmt(options) => fmt::run(&options),
        Job::Clippy => clippy::run(),
        Job::Doc => doc::run(),
        Job::Deny => deny::run(),
        Job::Advisories => advisories::run(),
        Job::Layering => layering::run(),
        Job::Msrv => msrv::run(),
        Job::Crash(options) => crash::run(&options),
        Job::Bench(options) => bench::run(&options),
        Job::Pg(options) => pg::run(&options),
    });
    match outcome {
        _ if interrupt::requested() => {
            eprintln!("xtask: interrupted; everything it started is stopped");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
