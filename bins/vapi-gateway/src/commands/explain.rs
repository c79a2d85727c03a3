//! `explain`: whose messages these are, and why.

mod finding;
mod question;

use clap::Args;

use self::finding::{Explanation, Outcome};
use self::question::Question;
use crate::exit::Exit;
use crate::{output, recording};

const AFTER_HELP: &str = "\
Each file holds one payload; one that ends in .jsonl or .ndjson holds one a line. `-` is standard input.

Without a database (--no-database, or none configured and no file of one) every look is `skipped` and the outcome is
`unresolved`; the exit code is 0 then. With a database it is 3 when any payload has no organization that would act on
it (unresolved, conflict, inactive), and always when one is unreadable. It is 1 when a file or the database cannot be
read; what can be said is said all the same.

One line of --json:
  {\"file\", \"message_type\", \"envelope\": \"nested\"|\"flat\", \"identifiers\": [{\"kind\", \"value\", \"path\"}],
   \"customer_number\", \"tool_calls\": [{\"id\", \"name\", \"arguments\"}],
   \"steps\": [{\"step\", \"value\", \"result\": \"hit|miss|inactive|skipped\", \"organization_id\"}],
   \"outcome\": \"resolved|unresolved|conflict|inactive|unreadable\", \"organization_id\", \"via\"}
`kind` is a step of the lookup chain, in chain order; the first identifier of a kind is the one used. Values are as
found in `identifiers`, with numbers normalised in `steps`. For `conflict`, and for an organization that is switched
off, `organization_id` is the organization that decides; a mapping that is switched off decides nothing.";

/// Says whose messages these are, and why.
///
/// No signature is checked and no row is written: it is the lookup that the gateway makes before it verifies.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ExplainArgs {
    /// Files with payloads, or `-`
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Print one line of JSON a payload
    #[arg(long)]
    json: bool,
    /// Read the payloads alone
    #[arg(long)]
    no_database: bool,
}

/// Runs the command.
///
/// # Errors
/// When the configuration cannot be used, or nobody reads the output.
pub(crate) async fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let mut question = Question::new(args.no_database).await?;
    let mut exit = Exit::Done;
    for name in &args.files {
        let bytes = match recording::read(name) {
            Ok(bytes) => bytes,
            Err(error) => {
                output::complain(format_args!("{error:#}"));
                exit = Exit::Failed;
                continue;
            }
        };
        for (name, payload) in payloads(name, &bytes) {
            let explanation = question.ask(&name, payload).await;
            if exit == Exit::Done && is_no(&explanation, question.has_database()) {
                exit = Exit::No;
            }
            if args.json {
                output::json(&explanation)?;
            } else {
                output::line(format_args!("{explanation}"))?;
            }
        }
    }
    Ok(if question.has_failed { Exit::Failed } else { exit })
}

fn is_no(explanation: &Explanation, has_database: bool) -> bool {
    match explanation.outcome {
        Outcome::Resolved => false,
        Outcome::Unreadable => true,
        Outcome::Unresolved | Outcome::Conflict | Outcome::Inactive => has_database,
    }
}

/// The payloads of a file with their names: the file's own, or with the number of the line behind it.
fn payloads<'a>(name: &str, bytes: &'a [u8]) -> Vec<(String, &'a [u8])> {
    let lines = || {
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        lines.filter(|(_, line)| !line.trim_ascii().is_empty())
    };
    let extension = std::path::Path::new(name).extension().map(|extension| extension.to_ascii_lowercase());
    let is_lines = match extension {
        Some(extension) => extension == "jsonl" || extension == "ndjson",
        // A stream has no name to tell by: two objects behind each other are two payloads.
        None => {
            name == recording::STDIN
                && lines().count() > 1
                && lines().all(|(_, line)| vapi_types::Envelope::parse(line).is_ok())
        }
    };
    if !is_lines {
        return vec![(name.to_owned(), bytes)];
    }
    lines().map(|(index, line)| (format!("{name}:{}", index.saturating_add(1)), line)).collect()
}
