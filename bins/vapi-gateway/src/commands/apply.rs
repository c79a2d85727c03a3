//! `apply`: the database as a file of organizations has it.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use manifest::{Manifest, Plan};
use serde_json::json;
use settings::Settings;
use storage::Storage;

use crate::exit::Exit;
use crate::store::NoKey;
use crate::{environment, keys, options, output, store};

const AFTER_HELP: &str = "\
The file is TOML, or JSON when its name ends in .json. Secrets are given as `secret_env`, the name of a variable of the
environment or of .env and .env.local, or as `secret`; a credential without either keeps the stored one. All changes
are made or none, and each is in the audit log. Applying the same file again changes nothing.

What the file does not mention stays: other organizations, and within declared ones everything that the file leaves
out. --prune removes both.

A running gateway acts on the change within a second.

One line of --json:
  {\"applied\", \"changes\": [{\"organization\", \"organization_id\", \"action\": \"create|update|remove\", \"section\", \"subject\",
   \"detail\"}], \"kept\": [{\"organization\", \"organization_id\", \"section\", \"subject\"}]}";

/// Makes the database say what a file of organizations says: prints the plan, then carries it out.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ApplyArgs {
    /// The file of organizations
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Print the plan and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove what is stored and not in the file
    #[arg(long)]
    prune: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When the file has mistakes, or the database does not take what it says.
pub(crate) async fn run(args: &ApplyArgs) -> anyhow::Result<Exit> {
    let variables = environment::variables()?;
    let file = Manifest::load(&args.file, &|name: &str| variables.get(name).cloned())?;
    for warning in &file.warnings {
        output::complain(format_args!("warning: {warning}"));
    }
    let wanted = file.organizations;
    let settings = environment::settings()?;
    let Some(storage) = open(args, &settings).await? else {
        let plan = manifest::plan(&[], &wanted, args.prune)?;
        return print(args, &plan, false);
    };
    let reason = format!("vapi-gateway apply -f {}", args.file.display());
    let mut scope = storage.operator(&keys::actor(), &reason).await?;
    // What the file does not touch matters to nobody but who prunes.
    let stored =
        if args.prune { scope.organizations().await? } else { scope.organizations_of(&wanted).await? };
    let plan = manifest::plan(&stored, &wanted, args.prune)?;
    if args.dry_run || plan.is_empty() {
        return print(args, &plan, false);
    }
    if !args.json {
        output::line(format_args!("{plan}"))?;
    }
    operations::apply(&mut scope, &plan).await?;
    scope.commit().await?;
    if args.json { print(args, &plan, true) } else { Ok(Exit::Done) }
}

/// The database; `None` for a plan on one that is not there yet, which is no reason to make it.
async fn open(args: &ApplyArgs, settings: &Settings) -> anyhow::Result<Option<Storage>> {
    let database = options::storage(settings)?;
    if let Some(path) = store::missing_file(&database.url) {
        if args.dry_run {
            return Ok(None);
        }
        let path = path.display().to_string();
        Storage::migrate(&database).await.with_context(|| format!("cannot make the database {path}"))?;
    }
    let no_key = if args.dry_run { NoKey::GoOn } else { NoKey::Make };
    store::connect(settings, no_key).await.map(Some)
}

fn print(args: &ApplyArgs, plan: &Plan, applied: bool) -> anyhow::Result<Exit> {
    if args.json {
        output::json(&json!({ "applied": applied, "changes": plan.changes, "kept": plan.kept }))?;
    } else {
        output::line(format_args!("{plan}"))?;
        if args.dry_run && !plan.is_empty() {
            output::line(format_args!("Nothing was changed: this was a dry run."))?;
        }
    }
    Ok(Exit::Done)
}
