//! `quarantine claim`: each message to the organization that it belongs to now.

use clap::{ArgGroup, Args};
use operations::{ClaimOutcome, ClaimReport, Mode, Operator, Replayer};
use org_resolver::ChainConfig;
use serde_json::{Value, json};
use server::{Clock, SystemClock};
use settings::Settings;
use storage::OrgEntry;
use uuid::Uuid;

use super::entries;
use crate::audit::AuditArgs;
use crate::exit::Exit;
use crate::store::{self, NoKey};
use crate::{difference, options, output};

/// How many messages are worked on between two looks at the operator: their bodies are in memory.
const AT_ONCE: usize = 16;

const AFTER_HELP: &str = "\
Without --apply nothing is changed: all of the work is done and rolled back, message by message, and the difference
shown is what it would have changed. With --apply each message is filed in its organization's inbox and ledger as if it
had just arrived, and leaves the quarantine. Tools are not run, because nobody waits for the answer any more. A message
that the organization has already is not filed twice.

A message stays in quarantine when it has no organization or two, when its organization is switched off, and always when
the organization has credentials of its own: the shared secret proves nothing to it.

Exit code 0: every message is claimed (or would be). 3: one stays, or is not there.

One line of --json for each message:
  {\"id\", \"kind\", \"call_id\", \"received_at\", \"outcome\": \"claimed|repeated|kept|absent\", \"reason\", \"detail\",
   \"organization_id\", \"organization\", \"applied\", \"tools\": [{\"id\", \"name\", \"state\": \"answered|not_run\"}],
   \"changes\": [{\"table\", \"row\", \"change\": \"created|changed|removed\", \"fields\": [{\"field\", \"before\", \"after\"}]}]}";

/// Files messages in the organizations that they belong to now.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub(super) struct ClaimArgs {
    /// The messages
    #[arg(value_name = "ID")]
    ids: Vec<Uuid>,
    /// Every message in quarantine
    #[arg(long)]
    all: bool,
    /// Do it; without it nothing is changed
    #[arg(long)]
    apply: bool,
    /// Print one line of JSON a message
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    audit: AuditArgs,
}

/// How many messages ended how.
#[derive(Default)]
struct Counts {
    claimed: usize,
    kept: usize,
    absent: usize,
}

/// Runs the command.
///
/// # Errors
/// When the database cannot be used, or nobody reads the output. Earlier claims stay.
pub(super) async fn run(settings: &Settings, args: &ClaimArgs) -> anyhow::Result<Exit> {
    // A ledger row is written whole, with its sealed URL: that takes the key that sealed it.
    let storage = store::connect(settings, NoKey::Fail).await?;
    let (actor, reason) = (args.audit.actor(), args.audit.reason("quarantine claim"));
    let ids = if args.all {
        entries::all(&storage, &actor, &reason).await?.into_iter().map(|entry| entry.id).collect()
    } else {
        args.ids.clone()
    };
    let order = ChainConfig { order: settings.chain_order() };
    let replayer = Replayer::new(storage, order, options::policy(settings));
    let operator = Operator { actor: &actor, reason: &reason };
    let mode = if args.apply { Mode::Apply } else { Mode::DryRun };
    let clock = SystemClock::new();
    let mut counts = Counts::default();
    let mut done = 0_usize;
    for some in ids.chunks(AT_ONCE) {
        let reports = replayer.claim(&operator, some, mode, clock.now()).await?;
        for report in &reports {
            counts.add(report);
            print(args, report)?;
        }
        done = done.saturating_add(some.len());
        output::progress(done, ids.len());
    }
    if !args.json {
        output::line(format_args!("{}", counts.sentence(args)))?;
    }
    // Another claim may have taken one of all meanwhile; one that was named is missed.
    let is_missed = counts.absent > 0 && !args.all;
    Ok(if counts.kept > 0 || is_missed { Exit::No } else { Exit::Done })
}

impl Counts {
    fn add(&mut self, report: &ClaimReport) {
        let count = match report.outcome {
            ClaimOutcome::Claimed { .. } => &mut self.claimed,
            ClaimOutcome::Kept(_) => &mut self.kept,
            ClaimOutcome::Absent => &mut self.absent,
        };
        *count = count.saturating_add(1);
    }

    fn sentence(&self, args: &ClaimArgs) -> String {
        let Self { claimed, kept, absent } = self;
        if (*claimed, *kept, *absent) == (0, 0, 0) {
            return "The quarantine is empty.".to_owned();
        }
        let done = if args.apply { "claimed" } else { "to be claimed" };
        let gone = if *absent > 0 { format!(", {absent} not there") } else { String::new() };
        let end = match (args.apply, claimed) {
            (false, 1..) => ". Nothing was changed: --apply claims them.",
            _ => ".",
        };
        format!("{claimed} {done}, {kept} kept in quarantine{gone}{end}")
    }
}

fn print(args: &ClaimArgs, report: &ClaimReport) -> anyhow::Result<()> {
    if args.json {
        return output::json(&described(report, args.apply));
    }
    let said = match (&report.outcome, args.apply) {
        (ClaimOutcome::Claimed { organization, is_repeated: false }, true) => {
            format!("claimed by {}", named(organization))
        }
        (ClaimOutcome::Claimed { organization, is_repeated: false }, false) => {
            format!("would be claimed by {}", named(organization))
        }
        (ClaimOutcome::Claimed { organization, is_repeated: true }, _) => {
            format!("{} has it already", named(organization))
        }
        (ClaimOutcome::Kept(refusal), _) => format!("stays: {}", output::plain(&refusal.to_string())),
        (ClaimOutcome::Absent, _) => "not in quarantine".to_owned(),
    };
    let call = report.call_id.as_deref().map(|id| format!(" {}", output::plain(id))).unwrap_or_default();
    output::line(format_args!("{} {}{call}: {said}", report.id, output::plain(&report.kind)))?;
    difference::print_tools(&report.tools, "  ")?;
    difference::print(&report.changes, "  ")
}

fn described(report: &ClaimReport, applied: bool) -> Value {
    let (outcome, refusal, organization) = match &report.outcome {
        ClaimOutcome::Claimed { organization, is_repeated: false } => ("claimed", None, Some(organization)),
        ClaimOutcome::Claimed { organization, is_repeated: true } => ("repeated", None, Some(organization)),
        ClaimOutcome::Kept(refusal) => ("kept", Some(refusal), None),
        ClaimOutcome::Absent => ("absent", None, None),
    };
    json!({
        "id": report.id, "kind": report.kind, "call_id": report.call_id, "received_at": report.received_at,
        "outcome": outcome, "reason": refusal.map(|refusal| refusal.as_str()),
        "detail": refusal.map(ToString::to_string),
        "organization_id": organization.map(|entry| entry.id), "organization": organization.map(|entry| &entry.name),
        "applied": applied && organization.is_some(), "tools": difference::tools(&report.tools),
        "changes": report.changes,
    })
}

/// An organization's slug or id, with its name.
fn named(entry: &OrgEntry) -> String {
    let slug = entry.slug.clone().unwrap_or_else(|| entry.id.to_string());
    format!("{slug} ({})", output::plain(&entry.name))
}
