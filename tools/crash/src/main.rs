//! `cargo xtask crash`: what becomes of acknowledged messages when everything around them fails.
//!
//! Each scenario loads a gateway over HTTP, lets something happen to it or to its database, sends everything that was
//! not taken again, and then reads the database past the gateway. It fails on one lost message, one doubled effect
//! or one wrong answer.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports to a terminal")]
#![expect(clippy::disallowed_methods, reason = "a program reads the clock itself")]

mod check;
mod dice;
mod faults;
mod fleet;
mod journal;
mod kill;
mod load;
mod nodes;
mod outcome;
mod plan;
mod self_test;
mod site;
mod stored;
mod watch;
mod wire;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};

use dice::Dice;
use gateway_process as gateway;
use job::interrupt;
use outcome::Outcome;
use site::Database;

/// How many findings are printed word for word.
const SHOWN: usize = 12;

/// Kills, cuts off, fills and stalls under load, and counts what is lost, doubled or wrong.
#[derive(Parser)]
#[command(name = "cargo xtask crash", bin_name = "cargo xtask crash")]
struct Options {
    /// The scenarios; all of them when none is named.
    #[arg(value_enum)]
    scenarios: Vec<Scenario>,
    /// Only on this database; both where a scenario is made for both.
    #[arg(long, value_enum)]
    database: Option<Database>,
    /// How often `kill` kills the gateway, on each database.
    #[arg(long, default_value_t = 50)]
    kills: u32,
    /// Repeats a run: the same messages, and the same pauses between failures.
    #[arg(long)]
    seed: Option<u64>,
    /// Tests this job instead: a gateway that acknowledges before it commits must be found out.
    #[arg(long)]
    self_test: bool,
    /// Plays with this program instead of building the released gateway.
    #[arg(long, value_name = "PROGRAM", conflicts_with = "self_test")]
    gateway: Option<PathBuf>,
    /// Keeps the directory of the gateway: its log, and the file of SQLite.
    #[arg(long)]
    keep: bool,
}

/// The events under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scenario {
    /// The gateway is killed at random moments and started again.
    Kill,
    /// PostgreSQL crashes and is started again, several times.
    Restart,
    /// Every connection to PostgreSQL is cut, many times.
    Connections,
    /// No table of PostgreSQL can grow for a while.
    DiskFull,
    /// Every process of PostgreSQL stands still for half a minute.
    Stall,
    /// Two gateways on one PostgreSQL get the same messages.
    Nodes,
}

impl Scenario {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::Connections => "connections",
            Self::DiskFull => "disk-full",
            Self::Stall => "stall",
            Self::Nodes => "nodes",
        }
    }

    /// Only the loss of the gateway itself has anything to say about SQLite, which lives in its process.
    fn databases(self) -> &'static [Database] {
        match self {
            Self::Kill => &[Database::Postgres, Database::Sqlite],
            _ => &[Database::Postgres],
        }
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    job::main("crash", job::GRACE, || run(&options))
}

fn run(options: &Options) -> Result<()> {
    let seed = options.seed.unwrap_or_else(|| Dice::new(u64::from(std::process::id())).fork(now()).number());
    println!("crash: seed {seed}");
    if options.self_test {
        return self_test::run(options, seed);
    }
    let program = match &options.gateway {
        Some(program) => {
            program.canonicalize().with_context(|| format!("there is no {}", program.display()))?
        }
        None => gateway::build()?,
    };
    let mut failed = Vec::new();
    for (scenario, database) in options.chosen()? {
        let title = format!("{} on {}", scenario.name(), database.name());
        let outcome = match play(&program, scenario, database, options, seed) {
            Ok(outcome) => outcome,
            Err(error) if interrupt::requested() => return Err(error),
            Err(error) => {
                eprintln!("FAILED {error:#}");
                failed.push(title);
                continue;
            }
        };
        println!("{outcome}");
        for finding in outcome.findings.iter().take(SHOWN) {
            println!("    {}: {}", finding.fault, finding.text);
        }
        if !outcome.is_good() {
            failed.push(title);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}; repeat with --seed {seed}", failed.join(", "));
    }
    Ok(())
}

impl Options {
    /// Lists what is to be played, and on which database.
    fn chosen(&self) -> Result<Vec<(Scenario, Database)>> {
        let named = |it: &&Scenario| self.scenarios.is_empty() || self.scenarios.contains(it);
        let chosen: Vec<_> = Scenario::value_variants()
            .iter()
            .filter(named)
            .flat_map(|scenario| scenario.databases().iter().map(|database| (*scenario, *database)))
            .filter(|(_, database)| self.database.is_none_or(|only| only == *database))
            .collect();
        if chosen.is_empty() {
            bail!("none of these scenarios runs on that database");
        }
        Ok(chosen)
    }
}

/// Plays one scenario on fresh ground.
fn play(
    program: &Path,
    scenario: Scenario,
    database: Database,
    options: &Options,
    seed: u64,
) -> Result<Outcome> {
    interrupt::check()?;
    let (dice, started) = (Dice::new(seed), Instant::now());
    let title = format!("{} on {}", scenario.name(), database.name());
    println!("crash: {title}");
    let mut site = match scenario {
        Scenario::DiskFull => faults::disk_full_site(program, &dice)?,
        _ => site::Site::prepare(program, database, &dice)?,
    };
    let played = match scenario {
        Scenario::Kill => kill::play(&mut site, &dice, options.kills),
        Scenario::Restart => faults::restart(&mut site, &dice),
        Scenario::Connections => faults::connections(&mut site, &dice),
        Scenario::DiskFull => faults::disk_full(&mut site, &dice),
        Scenario::Stall => faults::stall(&mut site, &dice),
        Scenario::Nodes => nodes::play(&mut site, &dice),
    };
    let outcome = played.and_then(|played| {
        let stored = site.stored()?;
        Ok(Outcome::new(&title, started.elapsed(), &site.organizations, played, &stored))
    });
    if options.keep {
        println!("crash: the gateway's directory is {}", site.keep().display());
    }
    outcome.with_context(|| format!("{title} (seed {seed})"))
}

fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos() % u128::from(u64::MAX)).unwrap_or(0)
}
