//! `quarantine`: the messages that the deployment's secret proved and that nobody owned.

mod claim;
mod entries;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use settings::Settings;
use storage::{QuarantineEntry, Storage};
use uuid::Uuid;

use self::claim::ClaimArgs;
use crate::audit::AuditArgs;
use crate::exit::Exit;
use crate::store::{self, NoKey};
use crate::{environment, output};

const AFTER_HELP: &str = "\
A message that VAPI_WEBHOOK_SECRET verifies and that no mapping claims is answered with 400 and kept, within the bounds
of the settings `quarantine.*`. Once the mapping is there, `claim` files it where it belongs.

Exit code 3: a message that was named is not there, or stays in quarantine; the output says why.";

/// Lists, shows, claims and drops the messages that nobody owned.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct QuarantineArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Say what is in quarantine, the oldest first; no bodies
    List(ListArgs),
    /// Print one message with its body
    Show(ShowArgs),
    /// File messages in the organizations that they belong to now
    Claim(ClaimArgs),
    /// Remove messages that nobody will claim
    Drop(DropArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Print one line of JSON a message
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    audit: AuditArgs,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// The message
    #[arg(value_name = "ID")]
    id: Uuid,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    audit: AuditArgs,
}

#[derive(Debug, Args)]
struct DropArgs {
    /// The messages
    #[arg(required = true, value_name = "ID")]
    ids: Vec<Uuid>,
    /// Remove them; without it nothing is changed
    #[arg(long)]
    apply: bool,
    #[command(flatten)]
    audit: AuditArgs,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be used, or nobody reads the output.
pub(crate) async fn run(args: &QuarantineArgs) -> anyhow::Result<Exit> {
    let settings = environment::settings()?;
    match &args.what {
        What::List(args) => list(&settings, args).await,
        What::Show(args) => show(&settings, args).await,
        What::Claim(args) => claim::run(&settings, args).await,
        What::Drop(args) => remove(&settings, args).await,
    }
}

async fn list(settings: &Settings, args: &ListArgs) -> anyhow::Result<Exit> {
    let storage = open(settings).await?;
    let (actor, reason) = (args.audit.actor(), args.audit.reason("quarantine list"));
    let entries = entries::all(&storage, &actor, &reason).await?;
    if entries.is_empty() && !args.json {
        output::line(format_args!("The quarantine is empty."))?;
    }
    for entry in &entries {
        if args.json {
            output::json(&described(entry))?;
        } else {
            output::line(format_args!("{}", entries::line(entry)))?;
        }
    }
    Ok(Exit::Done)
}

async fn show(settings: &Settings, args: &ShowArgs) -> anyhow::Result<Exit> {
    let storage = open(settings).await?;
    let mut door = storage.operator(&args.audit.actor(), &args.audit.reason("quarantine show")).await?;
    let found = door.quarantined(args.id).await?;
    door.commit().await?;
    let Some((entry, body)) = found else {
        output::complain(format_args!("there is no message {} in quarantine", args.id));
        return Ok(Exit::No);
    };
    // A stored body is JSON; should it not be, it is shown as it is.
    let body = serde_json::from_slice::<Value>(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
    if args.json {
        let mut shown = described(&entry);
        if let Value::Object(members) = &mut shown {
            members.insert("body".to_owned(), body);
        }
        output::json(&shown)?;
    } else {
        output::line(format_args!("{}", entries::line(&entry)))?;
        let text = serde_json::to_string_pretty(&body).context("the body cannot be written")?;
        for line in text.lines() {
            output::line(format_args!("{}", output::plain(line)))?;
        }
    }
    Ok(Exit::Done)
}

async fn remove(settings: &Settings, args: &DropArgs) -> anyhow::Result<Exit> {
    let storage = open(settings).await?;
    let mut door = storage.operator(&args.audit.actor(), &args.audit.reason("quarantine drop")).await?;
    let mut exit = Exit::Done;
    let mut lines = Vec::new();
    for id in &args.ids {
        let is_removed = door.remove_quarantined(*id, None).await?;
        let said = match (is_removed, args.apply) {
            (false, _) => "not in quarantine",
            (true, true) => "dropped",
            (true, false) => "would be dropped",
        };
        if !is_removed {
            exit = Exit::No;
        }
        lines.push(format!("{id}: {said}"));
    }
    if args.apply {
        door.commit().await?;
    } else {
        door.rollback().await?;
    }
    for line in lines {
        output::line(format_args!("{line}"))?;
    }
    if !args.apply {
        output::line(format_args!("Nothing was changed: --apply drops them."))?;
    }
    Ok(exit)
}

async fn open(settings: &Settings) -> anyhow::Result<Storage> {
    // No sealed value is read or written.
    store::connect(settings, NoKey::GoOn).await
}

fn described(entry: &QuarantineEntry) -> Value {
    json!({
        "id": entry.id, "kind": entry.kind, "call_id": entry.vapi_call_id, "identifiers": entry.identifiers,
        "bytes": entry.body_bytes, "request_id": entry.request_id, "received_at": entry.received_at,
    })
}
