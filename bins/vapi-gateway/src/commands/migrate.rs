//! `migrate`: the database in the form that this version needs.

use anyhow::Context;
use clap::Args;
use serde_json::json;
use storage::Storage;

use crate::exit::Exit;
use crate::{environment, options, output};

/// Brings the database of DATABASE_URL to the form that this version needs.
///
/// On PostgreSQL the login has to be one that may create roles, the first time; GATEWAY__DATABASE__OWNER_URL takes
/// another login for this command alone. Several may run at once: one does the work. No master key is needed.
#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    /// Make the tables that grow with every call in so many parts, on a new PostgreSQL database (docs/scaling.md)
    #[arg(long, value_name = "PARTS", value_parser = clap::value_parser!(u16).range(2..=1024))]
    partitions: Option<u16>,
    /// Print one line of JSON: {"database", "applied": [version…]}
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be reached or refuses a migration.
pub(crate) async fn run(args: &MigrateArgs) -> anyhow::Result<Exit> {
    let settings = environment::settings()?;
    let mut database = options::storage(&settings)?;
    if let Some(partitions) = args.partitions {
        database.partitions = partitions;
    }
    let name = database.url.to_string();
    let report =
        Storage::migrate(&database).await.with_context(|| format!("cannot migrate the database {name}"))?;
    if args.json {
        output::json(&json!({ "database": name, "applied": report.applied }))?;
        return Ok(Exit::Done);
    }
    for version in &report.applied {
        output::line(format_args!("applied {version}"))?;
    }
    match report.applied.len() {
        0 => output::line(format_args!("{name} is up to date"))?,
        _ => output::line(format_args!("{name} is now up to date"))?,
    }
    Ok(Exit::Done)
}
