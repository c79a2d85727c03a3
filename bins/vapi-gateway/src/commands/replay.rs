//! `replay`: stored messages, taken again.

use anyhow::Context;
use clap::{ArgGroup, Args};
use operations::{Mode, ReplayOutcome, ReplayReport, ReplayedMessage, Replayer, Selection};
use org_resolver::{ChainConfig, OrgId};
use serde_json::{Value, json};
use server::{Clock, SystemClock};
use uuid::Uuid;

use crate::audit::AuditArgs;
use crate::exit::Exit;
use crate::store::{self, NoKey};
use crate::{difference, environment, keys, options, output};

const AFTER_HELP: &str = "\
Stored messages are taken into the ledger and the contacts once more, in the order of their arrival and in one
transaction. It heals a ledger row that was damaged, and it accepts messages that were refused and would not be now: of
an organization that is active again, of a conflict that was resolved, of a shape that is understood now.

Without --apply nothing is changed: all of the work is done and rolled back, and the difference shown is what it would
have changed. What had its effect before makes no difference. Tools are never run again, a replay counts as no delivery,
and what was erased stays erased.

Exit code 0: something was replayed (or would be). 3: no such organization's message, or all of them stay without effect.

One line of --json:
  {\"organization_id\", \"applied\", \"messages\": [{\"id\", \"kind\", \"call_id\", \"received_at\", \"verdict\",
   \"outcome\": \"applied|accepted|refused|erased\", \"reason\", \"detail\", \"tools\": [{\"id\", \"name\", \"state\": \"answered|not_run\"}]}],
   \"changes\": [{\"table\", \"row\", \"change\": \"created|changed|removed\", \"fields\": [{\"field\", \"before\", \"after\"}]}]}";

/// Takes stored messages of an organization again, and shows what that changes.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("which").required(true).args(["call", "message"]))]
pub(crate) struct ReplayArgs {
    /// The organization, by slug or id
    #[arg(long, value_name = "SLUG|ID")]
    org: String,
    /// Every stored message of this call
    #[arg(long, value_name = "CALL_ID")]
    call: Option<String>,
    /// One stored message
    #[arg(long, value_name = "ID")]
    message: Option<Uuid>,
    /// Do it; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    audit: AuditArgs,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be used, or there is no such organization.
pub(crate) async fn run(args: &ReplayArgs) -> anyhow::Result<Exit> {
    let settings = environment::settings()?;
    // A ledger row is written whole, with its sealed URL: that takes the key that sealed it.
    let storage = store::connect(&settings, NoKey::Fail).await?;
    let (actor, reason) = (args.audit.actor(), args.audit.reason("replay"));
    let mut door = storage.operator(&actor, &reason).await?;
    let entry = keys::find(&mut door, &args.org).await?;
    door.commit().await?;
    let entered = storage.enter(entry.id, &actor, &reason).await?;
    let org = entered.with_context(|| format!("organization {} has just been removed", args.org))?;
    let order = ChainConfig { order: settings.chain_order() };
    let replayer = Replayer::new(storage, order, options::policy(&settings));
    let (selection, name) = match (&args.call, args.message) {
        (Some(call), _) => (Selection::Call(call), format!("call {}", output::plain(call))),
        (None, id) => {
            let id = id.unwrap_or_default();
            (Selection::Message(id), format!("message {id}"))
        }
    };
    let mode = if args.apply { Mode::Apply } else { Mode::DryRun };
    let Some(report) = replayer.replay(&org, selection, mode, SystemClock::new().now()).await? else {
        output::complain(format_args!("{} has stored nothing of {name}", args.org));
        return Ok(Exit::No);
    };
    if args.json {
        output::json(&described(org.id(), args.apply, &report))?;
    } else {
        print(args, &report)?;
    }
    let is_replayed = |message: &ReplayedMessage| {
        matches!(message.outcome, ReplayOutcome::Applied | ReplayOutcome::Accepted)
    };
    Ok(if report.messages.iter().any(is_replayed) { Exit::Done } else { Exit::No })
}

fn print(args: &ReplayArgs, report: &ReplayReport) -> anyhow::Result<()> {
    for message in &report.messages {
        let said = match &message.outcome {
            ReplayOutcome::Applied => "replayed".to_owned(),
            ReplayOutcome::Accepted => format!("accepted, was {}", message.verdict.as_str()),
            ReplayOutcome::Refused(refusal) => {
                format!("stays {}: {}", message.verdict.as_str(), output::plain(&refusal.to_string()))
            }
            ReplayOutcome::Erased => "its body was erased".to_owned(),
        };
        let at = message.received_at.format("%Y-%m-%dT%H:%M:%SZ");
        output::line(format_args!("{} {at} {}: {said}", message.id, output::plain(&message.kind)))?;
        difference::print_tools(&message.tools, "  ")?;
    }
    if report.changes.is_empty() {
        return Ok(output::line(format_args!("No difference: every effect is there already."))?);
    }
    difference::print(&report.changes, "")?;
    if !args.apply {
        output::line(format_args!("Nothing was changed: --apply does it."))?;
    }
    Ok(())
}

fn described(org: OrgId, applied: bool, report: &ReplayReport) -> Value {
    let messages: Vec<Value> = report.messages.iter().map(message).collect();
    json!({"organization_id": org, "applied": applied, "messages": messages, "changes": report.changes})
}

fn message(message: &ReplayedMessage) -> Value {
    let (outcome, refusal) = match &message.outcome {
        ReplayOutcome::Applied => ("applied", None),
        ReplayOutcome::Accepted => ("accepted", None),
        ReplayOutcome::Refused(refusal) => ("refused", Some(refusal)),
        ReplayOutcome::Erased => ("erased", None),
    };
    json!({
        "id": message.id, "kind": message.kind, "call_id": message.call_id, "received_at": message.received_at,
        "verdict": message.verdict.as_str(), "outcome": outcome, "reason": refusal.map(|refusal| refusal.as_str()),
        "detail": refusal.map(ToString::to_string), "tools": difference::tools(&message.tools),
    })
}
