//! `cargo xtask deny`: licences, sources and banned dependencies, by `deny.toml`.
//!
//! Advisories are a job of their own (`cargo xtask advisories`): they fetch a database from a git host and change
//! from day to day, so they would make an unchanged tree fail, and every run without a network.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use job::process;
use job::workspace::{Metadata, cargo, root};

/// The version that is installed when there is none.
const VERSION: &str = "0.20.2";

/// Runs the job.
///
/// # Errors
/// If a dependency breaks a rule, or cargo-deny can neither be found nor installed.
pub(crate) fn run() -> Result<()> {
    check(&["bans", "licenses", "sources"])
}

/// Runs the named checks of cargo-deny on the whole workspace.
///
/// # Errors
/// If a check fails, or cargo-deny can neither be found nor installed.
pub(crate) fn check(checks: &[&str]) -> Result<()> {
    let tool = install()?;
    let mut command = Command::new(tool);
    // Errors only: its warnings draw a graph for each crate that two dependencies want in two versions.
    let arguments = ["--log-level", "error", "--workspace", "--all-features", "check"];
    process::run(command.current_dir(root()).args(arguments).args(checks))
}

/// Finds cargo-deny on the path or in the target directory, or installs it into the latter.
///
/// # Errors
/// If it can neither be found nor installed.
pub(crate) fn install() -> Result<PathBuf> {
    if process::succeeds(Command::new("cargo-deny").arg("--version")) {
        return Ok(PathBuf::from("cargo-deny"));
    }
    // Inside the target directory, so that the job leaves nothing on the machine that `cargo clean` does not remove.
    let directory = Metadata::read()?.target_directory.join("tools");
    let installed = directory.join("bin").join("cargo-deny");
    if !process::succeeds(Command::new(&installed).arg("--version")) {
        println!("cargo-deny is not installed: building it once, which takes a minute or two");
        let mut install = cargo();
        // The tool runs for seconds, so optimising it would only cost minutes.
        install.env("CARGO_PROFILE_DEV_DEBUG", "0");
        install
            .args(["install", "cargo-deny", "--debug", "--quiet", "--locked", "--version", VERSION, "--root"])
            .arg(&directory);
        // A place that stays when the build is interrupted, so that the next run goes on from there.
        let build = directory.join("build");
        install.arg("--target-dir").arg(&build);
        process::run(&mut install)
            .context("install cargo-deny (`cargo install cargo-deny --locked`) and run again")?;
        // Hundreds of megabytes, of which the installed program needs none.
        let _ = fs::remove_dir_all(build);
    }
    Ok(installed)
}
