//! The calls to paste, signed.

use std::fmt::Write;
use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use server::{Clock, SystemClock};
use signature::{Credential, sign};

use super::samples::Sample;
use crate::calls::Call;
use crate::keys::WEBHOOK_PATH;
use crate::{output, shell};

/// Prints every call with the answer to expect.
///
/// # Errors
/// When a call cannot be made up or signed, or nobody takes the output.
pub(super) fn print(samples: &[Sample], address: SocketAddr, is_elsewhere: bool) -> anyhow::Result<()> {
    let url = format!("http://{address}{WEBHOOK_PATH}");
    let now = SystemClock::new().now();
    let mut text = String::from(
        "\nTwo sample organizations are in ./data, each with a secret of its own. The calls below are signed, and work\n\
         for the next five minutes. Paste them into another terminal; start again for new ones.\n",
    );
    let mut paste = |what: &str, command: &str| write!(text, "\n# {what}\n{command}\n");
    paste("Is the endpoint there?", &curl(&url, None, ""))?;
    let mut bookings = Vec::new();
    for sample in samples {
        let Some(call) = Call::to(&sample.organization, now)? else { continue };
        let name = &sample.organization.profile.name;
        let started = serde_json::to_string(&call.started())?;
        paste(&format!("A call starts at {name}: 200"), &signed(&url, &sample.credential, &started, now)?)?;
        let booking = serde_json::to_string(&call.booking(&call.tool_call_id, now))?;
        let what = format!(
            "It books an appointment at {name}, {} {}: 200",
            call.wish.format("%A, %B %-d at %H:%M"),
            sample.organization.profile.timezone.name(),
        );
        paste(&what, &signed(&url, &sample.credential, &booking, now)?)?;
        bookings.push((sample, call));
    }
    if let [(first, _), .., (last, call)] = bookings.as_slice() {
        let what = format!(
            "Forged: a booking at {}, signed with the secret of {}: 401",
            last.organization.profile.name, first.organization.profile.name
        );
        // Another tool call's id: forging is refused for the signature, not as a repetition.
        let forged = serde_json::to_string(&call.booking("call_forged", now))?;
        paste(&what, &signed(&url, &first.credential, &forged, now)?)?;
    }
    if let Some(sample) = samples.first() {
        let what = "A whole call, signed anew each time, with every answer checked";
        paste(what, &simulate(address, &sample.organization.slug, is_elsewhere))?;
    }
    Ok(output::line(format_args!("{text}"))?)
}

fn signed(url: &str, credential: &Credential, body: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
    let headers = sign::sign(credential, "POST", Some(url), None, body.as_bytes(), now)?;
    let mut options = String::from(" -H 'content-type: application/json'");
    for (name, value) in &headers {
        write!(options, " -H {}", shell::word(&format!("{name}: {value}")))?;
    }
    Ok(curl(url, Some(body), &options))
}

/// One line that prints the answer and, below it, its status.
fn curl(url: &str, body: Option<&str>, options: &str) -> String {
    let data = body.map(|body| format!(" --data-binary {}", shell::word(body))).unwrap_or_default();
    format!(r"curl -sS -w '\n%{{http_code}}\n' {}{options}{data}", shell::word(url))
}

fn simulate(address: SocketAddr, slug: &str, is_elsewhere: bool) -> String {
    let program = std::env::args_os().next();
    let program =
        program.and_then(|name| name.into_string().ok()).unwrap_or_else(|| "vapi-gateway".to_owned());
    let database = if is_elsewhere { "DATABASE_URL=sqlite:data/gateway.db " } else { "" };
    format!("{database}{} simulate --url http://{address} --org {slug}", shell::word(&program))
}
