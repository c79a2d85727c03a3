//! `simulate`: one call to a running gateway, from its first message to its report.

mod answer;

use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args};
use scheduling::Calendar;
use serde_json::{Value, json};
use server::{Clock, SystemClock};
use settings::Settings;
use signature::{Credential, sign};
use uuid::Uuid;

use self::answer::Expected;
use crate::calls::Call;
use crate::exit::Exit;
use crate::keys::{self, Keyed};
use crate::secret::GivenSecret;
use crate::store::{self, NoKey};
use crate::{environment, output};

/// The provider's own patience with most messages.
const PATIENCE: Duration = Duration::from_secs(20);

const AFTER_HELP: &str = "\
The messages: assistant-request (where a number of the organization has a route to an assistant), status-update,
tool-calls with bookAppointment, end-of-call-report. Every answer is printed and checked. It is a real call: the
appointment is in the database afterwards.

With --org the organization's own credential is read from the database (the same DATABASE_URL and master key as the
gateway's). With --secret or --secret-env and --assistant no database is needed.

Exit code 0: every answer is what it should be. 1: one is not, or there was none.

One line of --json for each message: {\"message\", \"status\", \"answer\", \"ok\", \"reason\"}";

/// Sends one signed booking call to a running gateway.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = ArgGroup::new("whose").required(true).args(["org", "secret", "secret_env"]))]
pub(crate) struct SimulateArgs {
    /// The gateway, with or without the webhook's path; the configured address when left out
    #[arg(long)]
    url: Option<String>,
    /// The organization, by slug or id
    #[arg(long, value_name = "SLUG|ID")]
    org: Option<String>,
    #[command(flatten)]
    given: GivenSecret,
    /// The assistant that is called; the organization's first when left out
    #[arg(long, value_name = "ID", required_unless_present = "org")]
    assistant: Option<String>,
    /// How many calls, one after the other
    #[arg(long, default_value_t = 1, value_name = "N")]
    count: u32,
    /// Print one line of JSON for each message
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When there is nobody to call, or nobody answers.
pub(crate) async fn run(args: &SimulateArgs) -> anyhow::Result<Exit> {
    let settings = environment::settings()?;
    let url = webhook_url(args, &settings)?;
    let keyed = match &args.org {
        Some(name) => {
            let storage = store::connect(&settings, NoKey::Fail).await?;
            Some(keys::of_organization(&storage, &settings, name, "simulate").await?)
        }
        None => None,
    };
    let clock = SystemClock::new();
    let credential = credential(args, keyed.as_ref(), clock.now())?;
    let signed_url = keys::public_url(&settings);
    let gateway = Gateway { url, signed_url, credential, clock, json: args.json };
    let mut is_good = true;
    for _ in 0..args.count {
        let call = call(args, keyed.as_ref(), clock.now())?;
        // The client blocks, and this thread serves nothing else.
        is_good &= tokio::task::block_in_place(|| gateway.play(&call))?;
    }
    Ok(if is_good { Exit::Done } else { Exit::Failed })
}

fn credential(args: &SimulateArgs, keyed: Option<&Keyed>, now: DateTime<Utc>) -> anyhow::Result<Credential> {
    if let Some(credential) = args.given.credential()? {
        return Ok(credential);
    }
    let active = keyed.and_then(|keyed| keyed.ring.active(now).next().cloned());
    active.context("the organization has no credential that counts now, and there is no VAPI_WEBHOOK_SECRET")
}

fn call(args: &SimulateArgs, keyed: Option<&Keyed>, now: DateTime<Utc>) -> anyhow::Result<Call> {
    match (keyed, &args.assistant) {
        (Some(keyed), None) => {
            let call = Call::to(&keyed.organization, now)?;
            call.with_context(|| {
                format!("{} has no assistant to call: name one with --assistant", keyed.organization.slug)
            })
        }
        (Some(keyed), Some(assistant)) => Call::new(assistant, &keyed.organization.calendar(), now),
        (None, Some(assistant)) => Call::new(assistant, &Calendar::new(chrono_tz::UTC), now),
        (None, None) => bail!("name an assistant with --assistant"),
    }
}

/// The URL of the webhook: as given, or of the configured address.
fn webhook_url(args: &SimulateArgs, settings: &Settings) -> anyhow::Result<String> {
    let base = args.url.clone().unwrap_or_else(|| {
        let mut address = settings.listen_address();
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let scheme = if settings.serves_tls() { "https" } else { "http" };
        format!("{scheme}://{address}")
    });
    let Some(rest) = base.strip_prefix("http://") else {
        bail!("{base} is no http:// URL: simulate reaches a gateway on its own network, without TLS");
    };
    Ok(match rest.split_once('/') {
        Some((_, path)) if !path.is_empty() => base,
        _ => format!("{}{}", base.trim_end_matches('/'), keys::WEBHOOK_PATH),
    })
}

/// A gateway to call, and how.
struct Gateway {
    url: String,
    /// The URL as recipes sign it; the called one when none is configured.
    signed_url: Option<String>,
    credential: Credential,
    clock: SystemClock,
    json: bool,
}

impl Gateway {
    /// Plays one call; false when an answer was not what it should be.
    fn play(&self, call: &Call) -> anyhow::Result<bool> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        if !self.json {
            output::line(format_args!("call {} to {}, for {}", call.id, self.url, call.wish))?;
        }
        let now = || self.clock.now();
        let mut is_good = true;
        if let Some(assistant) = &call.routed_assistant {
            is_good &= self.send(&agent, &call.assistant_request(now()), &Expected::Assistant(assistant))?;
        }
        is_good &= self.send(&agent, &call.in_progress(now()), &Expected::Taken)?;
        is_good &= self.send(
            &agent,
            &call.booking(&call.tool_call_id, now()),
            &Expected::Result(&call.tool_call_id),
        )?;
        is_good &= self.send(&agent, &call.report(now()), &Expected::Taken)?;
        Ok(is_good)
    }

    /// Sends one message; false when the answer is not the expected one.
    fn send(&self, agent: &ureq::Agent, message: &Value, expected: &Expected<'_>) -> anyhow::Result<bool> {
        let body = serde_json::to_vec(message)?;
        let message_id = format!("msg_{}", Uuid::new_v4().simple());
        let signed_url = self.signed_url.as_deref().unwrap_or(&self.url);
        let now = self.clock.now();
        let headers = sign::sign(&self.credential, "POST", Some(signed_url), Some(&message_id), &body, now)?;
        let mut request = agent.post(&self.url).header("content-type", "application/json");
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        let unanswered = || format!("{} does not answer: does the gateway run there?", self.url);
        let mut response = request.send(&body).with_context(unanswered)?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().with_context(unanswered)?;
        let verdict = expected.check(status, &text);
        let kind = message.pointer("/message/type").and_then(Value::as_str).unwrap_or_default();
        if self.json {
            let answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            output::json(&json!({
                "message": kind, "status": status, "answer": answer,
                "ok": verdict.is_ok(), "reason": verdict.as_ref().err(),
            }))?;
        } else {
            output::line(format_args!("{kind:<19} {status} {text}"))?;
            if let Err(reason) = &verdict {
                output::line(format_args!("  WRONG: {reason}"))?;
            }
        }
        Ok(verdict.is_ok())
    }
}
