//! `cargo xtask bench`: the gateway beside other ways of doing the same work, measured on this machine.
//!
//! Everything is started here and stopped here: a PostgreSQL that keeps its promises (fsync on, data on a disk), the
//! released gateway with its normal log, the programs of `bench/`, and wrk as the load, which is a process of its own.
//! Rounds are interleaved (A, B, C, A, B, C, ..), because a machine is not the same machine a minute later; what is
//! reported are medians, and ratios are medians of the ratios within a round.

#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

mod cases;
mod compare;
mod contender;
mod fixture;
mod machine;
mod offender;
mod report;
mod stats;
mod store;
mod tools;
mod wrk;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use job::interrupt;
use job::workspace::{Metadata, root};
use pg::DurableServer;
use report::Report;
use tools::Tools;

/// Measures the gateway beside other ways of doing the same work, over HTTP, on this machine.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Options {
    /// How many rounds every contender runs.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a round lasts.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many connections are loaded at once.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Runs only the cases whose name contains this.
    #[arg(long)]
    only: Option<String>,
    /// Two rounds of two seconds: to see that it works, not to quote.
    #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
    quick: bool,
    /// Measures this program instead of building the workspace's own.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// Replaces the generated block of this file.
    #[arg(long)]
    write: Option<PathBuf>,
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    rounds: usize,
    seconds: u64,
    connections: usize,
}

/// Shared by the cases.
struct Lab {
    tools: Tools,
    postgres: DurableServer,
    /// For databases, logs and generated files; removed at the end.
    directory: PathBuf,
    plan: Plan,
}

fn main() -> ExitCode {
    let options = Options::parse();
    job::main("bench", job::GRACE, || run(&options))
}

fn run(options: &Options) -> Result<()> {
    let plan = Plan {
        rounds: if options.quick { 2 } else { options.rounds },
        seconds: if options.quick { 2 } else { options.seconds },
        connections: options.connections,
    };
    ensure!(plan.rounds > 0 && plan.seconds > 0 && plan.connections > 1, "nothing to measure");
    let wanted = options.only.as_deref().unwrap_or_default();
    let cases: Vec<_> = cases::ALL.iter().filter(|case| case.name.contains(wanted)).collect();
    ensure!(!cases.is_empty(), "no case is named like {wanted:?}: {}", cases::names());
    if let Some(file) = &options.write {
        // Before the hour of measuring, not after it.
        report::require_block(file)?;
    }

    let tools = Tools::prepare(options.gateway.as_deref(), cases.iter().any(|case| case.has_baselines))?;
    let postgres = DurableServer::start()?;
    machine::require_disk(postgres.directory())?;
    let directory = tempfile::Builder::new()
        .prefix("vapi-gateway-bench-")
        .tempdir()
        .context("cannot make a directory")?;
    let lab = Lab { tools, postgres, directory: directory.path().to_owned(), plan };
    let mut report = Report::new(&lab, plan)?;
    for case in cases {
        interrupt::check()?;
        println!("\n== {}: {}", case.name, case.title);
        let outcome = (case.run)(&lab).with_context(|| format!("the case {} failed", case.name))?;
        report.add(case, outcome);
    }

    let markdown = report.markdown();
    let output = Metadata::read()?.target_directory.join("bench");
    fs::create_dir_all(&output).with_context(|| format!("cannot make {}", output.display()))?;
    fs::write(output.join("report.md"), &markdown)?;
    fs::write(output.join("results.json"), serde_json::to_vec_pretty(&report)?)?;
    println!("\n{markdown}\nThe figures of every round are in {}", output.join("results.json").display());
    if let Some(file) = &options.write {
        report::replace_block(file, &markdown)?;
        println!("wrote {}", file.strip_prefix(root()).unwrap_or(file).display());
    }
    Ok(())
}
