//! `--self-test`: a harness that cannot find a loss proves nothing. A gateway that acknowledges before it commits is
//! killed like the real one, and the losses have to show.

use anyhow::{Context as _, Result, bail};

use super::check::Fault;
use super::{Options, Scenario, play};
use job::workspace::program;

/// The switch of the compiler that makes the gateway break its promise. It is in no build but this one.
const SWITCH: &str = "ack_before_commit";

/// Where that build lies, apart from every other: nothing must run it by accident.
const TARGET: &str = "target/ack-before-commit";

/// How often the gateway is put through the whole scenario before the harness is called blind: between the two wrong
/// steps lie microseconds, and not every end falls into them.
const ROUNDS: u64 = 4;

/// Runs the test.
///
/// # Errors
/// If the harness finds no loss, or the gateway cannot be built that way.
pub(super) fn run(options: &Options, seed: u64) -> Result<()> {
    let flags = format!("build.rustflags=[\"--cfg\", \"{SWITCH}\"]");
    let selection = ["--package", "vapi-gateway", "--target-dir", TARGET, "--config", &flags];
    let program = program("vapi-gateway", &selection)
        .with_context(|| format!("cannot build the gateway with the switch {SWITCH}"))?;
    let mut blind = Vec::new();
    for database in Scenario::Kill.databases().iter().copied() {
        if options.database.is_some_and(|only| only != database) {
            continue;
        }
        let mut lost = 0;
        for round in 0..ROUNDS {
            let outcome = play(&program, Scenario::Kill, database, options, seed.wrapping_add(round))?;
            println!("{outcome}");
            lost += outcome.count(Fault::Lost);
            if lost > 0 {
                break;
            }
        }
        match lost {
            0 => blind.push(database.name()),
            _ => println!("self-test: {lost} losses were found on {}, as they must be", database.name()),
        }
    }
    if !blind.is_empty() {
        bail!(
            "the harness found no loss on {} although the gateway acknowledges before it commits",
            blind.join(", ")
        );
    }
    Ok(())
}
