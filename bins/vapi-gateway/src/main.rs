#![doc = include_str!("../README.md")]

mod audit;
mod calls;
mod cli;
mod commands;
mod demo;
mod difference;
mod environment;
mod exit;
mod keys;
mod options;
mod output;
mod recording;
mod secret;
mod shell;
mod store;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::Exit;

/// A message is many small pieces that live as long as its answer takes; the system's allocator spends an eighth of
/// the time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(database_threads())
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(Err(error.into())),
    };
    exit::report(runtime.block_on(run(cli)))
}

/// Requests have threads of their own; this runtime moves bytes between them and the database. More threads than that
/// takes would only hand its work to and fro.
fn database_threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(4))
}

async fn run(cli: Cli) -> anyhow::Result<Exit> {
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Migrate(args) => commands::migrate::run(&args).await,
        Command::Apply(args) => commands::apply::run(&args).await,
        Command::Explain(args) => commands::explain::run(&args).await,
        Command::Quarantine(args) => commands::quarantine::run(&args).await,
        Command::Refusals(args) => commands::refusals::run(&args).await,
        Command::Replay(args) => commands::replay::run(&args).await,
        Command::Simulate(args) => commands::simulate::run(&args).await,
        Command::Verify(args) => commands::verify::run(&args).await,
    }
}
