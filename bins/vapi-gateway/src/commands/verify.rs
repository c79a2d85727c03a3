//! `verify`: the signature doctor.

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use server::{Clock, SystemClock};
use settings::Settings;
use signature::doctor::{Cause, diagnose};
use signature::{KeyRing, SignedRequest};

use crate::exit::Exit;
use crate::secret::GivenSecret;
use crate::store::NoKey;
use crate::{environment, keys, output, recording, store};

const AFTER_HELP: &str = "\
The headers file has lines of the form `Name: value`, as an HTTP request has them or as `curl -v` shows them behind
`> `. The body file has the exact bytes: a body that was pasted into an editor has a line break more.

With --org the organization's credentials are read from the database, and opened with the master key. With --secret or
--secret-env no database is needed.

Exit code 0: a credential matches. 3: none does, and the findings say why.

One line of --json:
  {\"matched\", \"credential\": {\"id\", \"label\", \"scheme\"}|null, \"findings\": [{\"cause\", \"sentence\", \"credential\"}]}";

/// Says which credential a request verifies with, or the likeliest cause when none does.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("whose").required(true).args(["org", "secret", "secret_env"]))]
pub(crate) struct VerifyArgs {
    /// The organization, by slug or id
    #[arg(long, value_name = "SLUG|ID")]
    org: Option<String>,
    #[command(flatten)]
    given: GivenSecret,
    /// The file with the headers, or `-`
    #[arg(long, value_name = "FILE")]
    headers: String,
    /// The file with the body, or `-`
    #[arg(long, value_name = "FILE")]
    body: String,
    /// The method of the request
    #[arg(long, default_value = "POST")]
    method: String,
    /// The public URL as the sender signs it; BACKEND_URL with the webhook's path when left out
    #[arg(long)]
    url: Option<String>,
    /// Judge as at this time: RFC 3339 or epoch seconds
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<DateTime<Utc>>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When a file, the database or the organization cannot be read.
pub(crate) async fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    if args.headers == recording::STDIN && args.body == recording::STDIN {
        bail!("standard input is either the headers or the body");
    }
    let headers = recording::read(&args.headers)?;
    let headers = String::from_utf8(headers).context("the headers are not UTF-8")?;
    let headers = recording::headers(&headers)?;
    let body = recording::read(&args.body)?;
    let settings = environment::settings()?;
    let now = args.at.unwrap_or_else(|| SystemClock::new().now());
    let ring = ring(args, &settings).await?;
    let url = args.url.clone().or_else(|| keys::public_url(&settings));
    let request = SignedRequest { method: &args.method, url: url.as_deref(), headers: &headers, body: &body };

    let diagnosis = diagnose(&ring, &request, now);
    let matched = diagnosis.matched.and_then(|id| ring.iter().find(|credential| credential.id() == id));
    if args.json {
        let findings: Vec<Value> = diagnosis
            .findings
            .iter()
            .map(|finding| {
                json!({
                    "cause": finding.cause.as_str(),
                    "sentence": finding.sentence,
                    "credential": finding.credential,
                })
            })
            .collect();
        output::json(&json!({
            "matched": diagnosis.matched.is_some(),
            "credential": matched.map(|credential| json!({
                "id": credential.id().to_string(),
                "label": credential.label(),
                "scheme": credential.scheme().as_str(),
            })),
            "findings": findings,
        }))?;
    } else {
        for finding in &diagnosis.findings {
            let mark = if finding.cause == Cause::Matches { "matches" } else { finding.cause.as_str() };
            let label = finding.credential.as_ref().map(|label| format!(" [{label}]")).unwrap_or_default();
            output::line(format_args!("{mark}{label}: {}", finding.sentence))?;
        }
    }
    Ok(if diagnosis.matched.is_some() { Exit::Done } else { Exit::No })
}

async fn ring(args: &VerifyArgs, settings: &Settings) -> anyhow::Result<KeyRing> {
    if let Some(credential) = args.given.credential()? {
        return Ok(KeyRing::new(vec![credential]));
    }
    let Some(name) = &args.org else { bail!("name an organization with --org, or give a secret") };
    let storage = store::connect(settings, NoKey::Fail).await?;
    Ok(keys::of_organization(&storage, settings, name, "verify").await?.ring)
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return DateTime::from_timestamp(seconds, 0).ok_or_else(|| "it is out of range".to_owned());
    }
    DateTime::parse_from_rfc3339(text).map(|instant| instant.with_timezone(&Utc)).map_err(|_unreadable| {
        "it is neither an instant such as 2027-01-31T00:00:00Z nor epoch seconds".to_owned()
    })
}
