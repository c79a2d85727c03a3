//! `refusals`: the messages that were not admitted, counted.

use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;
use org_resolver::OrgId;
use server::{Clock, SystemClock};
use storage::{RefusalCount, RefusalFilter};

use crate::audit::AuditArgs;
use crate::exit::Exit;
use crate::store::{self, NoKey};
use crate::{environment, keys, output};

const AFTER_HELP: &str = "\
Messages that were refused before anybody could prove them: one row for each reason, identifier and claimed organization,
written every few seconds by each running gateway. An assistant that nobody declared is `unresolved` by its id; an old
secret is `invalid_signature` or `missing_header` by the id of an assistant or a number and the organization that has it.

One line of --json:
  {\"reason\", \"step\", \"identifier\", \"organization_id\", \"count\", \"first_at\", \"last_at\"}";

/// Says which messages were refused, and why: the latest first.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RefusalsArgs {
    /// Only those that claim this organization, by slug or id
    #[arg(long, value_name = "SLUG|ID")]
    org: Option<String>,
    /// How far back: 30m, 24h, 7days
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    since: Duration,
    /// Most rows
    #[arg(long, value_name = "ROWS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print one line of JSON a row
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    audit: AuditArgs,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be used, there is no such organization, or nobody reads the output.
pub(crate) async fn run(args: &RefusalsArgs) -> anyhow::Result<Exit> {
    let settings = environment::settings()?;
    let storage = store::connect(&settings, NoKey::GoOn).await?;
    let mut door = storage.operator(&args.audit.actor(), &args.audit.reason("refusals")).await?;
    let organization = match &args.org {
        Some(name) => Some(keys::find(&mut door, name).await?.id),
        None => None,
    };
    let now = SystemClock::new().now();
    let since = TimeDelta::from_std(args.since).ok().and_then(|back| now.checked_sub_signed(back));
    let filter = RefusalFilter {
        organization,
        // Further back than time reaches is everything.
        since: since.unwrap_or(chrono::DateTime::UNIX_EPOCH),
        limit: i64::from(args.limit),
    };
    let found = door.refusals(filter).await?;
    door.commit().await?;
    if found.is_empty() && !args.json {
        output::line(format_args!("Nothing was refused."))?;
    }
    for refusal in &found {
        if args.json {
            output::json(refusal)?;
        } else {
            output::line(format_args!("{}", line(refusal)))?;
        }
    }
    Ok(Exit::Done)
}

/// One line on refusals of a kind. Identifiers are plain by their alphabet.
fn line(refusal: &RefusalCount) -> String {
    let RefusalCount { reason, step, identifier, count, last_at, .. } = refusal;
    let times = if *count == 1 { "once".to_owned() } else { format!("{count} times") };
    let found = match (step.as_str(), identifier.as_str()) {
        ("", _) => "-".to_owned(),
        (step, identifier) => format!("{step}={identifier}"),
    };
    let claimed = refusal.organization_id.map(|org| format!("  of {}", OrgId::new(org))).unwrap_or_default();
    format!("{}  {times}  {reason}  {found}{claimed}", last_at.format("%Y-%m-%dT%H:%M:%SZ"))
}
