//! `cargo xtask pg`: a throw-away PostgreSQL, kept until Ctrl-C or for the length of one command.

#![expect(clippy::print_stdout, reason = "a program that reports to a terminal")]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use job::{interrupt, process, workspace};
use pg::{Server, Tables, Template};

/// Starts a throw-away PostgreSQL and keeps it until Ctrl-C.
#[derive(Parser)]
#[command(name = "cargo xtask pg", bin_name = "cargo xtask pg")]
struct Options {
    /// Builds the migrated templates too, so that `cargo test` by hand finds all it needs.
    #[arg(long)]
    template: bool,
    /// Migrates the template with this program instead of building it.
    #[arg(long, value_name = "PROGRAM", requires = "template")]
    gateway: Option<PathBuf>,
    /// Keeps the server for this command only, which finds the variables in its environment.
    #[arg(trailing_var_arg = true)]
    command: Vec<String>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    job::main("pg", job::GRACE, || run(&options))
}

/// Starts a server and keeps it until the command ends or a signal comes.
fn run(options: &Options) -> Result<()> {
    let mut server = Server::start()?;
    let templates = if options.template { templates(&server, options)? } else { Vec::new() };
    let mut variables = server.variables();
    variables.extend(templates.iter().flat_map(Template::variables));
    if let Some((program, arguments)) = options.command.split_first() {
        return process::run(Command::new(program).args(arguments).envs(variables));
    }
    for (name, value) in &variables {
        println!("export {name}={}", value.display());
    }
    println!("Ctrl-C stops the server and removes its data.");
    while !interrupt::requested() {
        server.require_running()?;
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn templates(server: &Server, options: &Options) -> Result<Vec<Template>> {
    let gateway = match &options.gateway {
        Some(program) => program.clone(),
        None => workspace::program("vapi-gateway", &["--package", "vapi-gateway"])?,
    };
    [Tables::Whole, Tables::Partitioned]
        .map(|tables| Template::create(server, &gateway, tables))
        .into_iter()
        .collect()
}
