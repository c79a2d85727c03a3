//! The project's jobs: `cargo xtask test`, and each of its steps alone.
//!
//! Every job is one file, named like its command, or a tool of its own below `tools/`. CI and developers run the
//! same jobs.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to a terminal")]

mod advisories;
mod clippy;
mod deny;
mod doc;
mod doctests;
mod fmt;
mod layering;
mod msrv;
mod package;
mod test;
mod tests;
mod tool;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's jobs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    job: Job,
}

#[derive(Subcommand)]
enum Job {
    /// Everything that a change must pass: fmt, clippy, doc, deny, layering, msrv, package, tests, doctests.
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
    /// Checks which crate may reach which, and that files use each other without circles.
    Layering,
    /// Checks that the stated minimum Rust version covers every dependency.
    Msrv,
    /// Packs the crates that others embed, as a registry would take them.
    Package,
    /// Kills, cuts off, fills and stalls under load, and counts what is lost, doubled or wrong.
    #[command(disable_help_flag = true)]
    Crash(tool::Arguments),
    /// Measures the gateway beside other ways of doing the same work, over HTTP, on this machine.
    #[command(disable_help_flag = true)]
    Bench(tool::Arguments),
    /// Starts a throw-away PostgreSQL and keeps it until Ctrl-C.
    #[command(disable_help_flag = true)]
    Pg(tool::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Twice what a tool grants its own children, so that the tool can still clean up.
    job::main("xtask", 2 * job::GRACE, || match cli.job {
        Job::Test(options) => test::run(&options),
        Job::Fmt(options) => fmt::run(&options),
        Job::Clippy => clippy::run(),
        Job::Doc => doc::run(),
        Job::Deny => deny::run(),
        Job::Advisories => advisories::run(),
        Job::Layering => layering::run(),
        Job::Msrv => msrv::run(),
        Job::Package => package::run(),
        Job::Crash(arguments) => tool::run("crash", &arguments),
        Job::Bench(arguments) => tool::run("bench", &arguments),
        Job::Pg(arguments) => tool::run("pg", &arguments),
    })
}
