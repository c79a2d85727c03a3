//! wrk as the load: a process of its own, which signs every message and says at its end what came back.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use uuid::Uuid;

use super::compare::exact;
use gateway_process as gateway;
use job::interrupt;

/// How long wrk may take beyond its time: it waits for nothing at its end.
const GRACE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(10);

/// Begins the line in which a script reports.
const MARK: &str = "BENCH ";

/// The load of one port.
#[derive(Clone, Debug)]
pub(super) struct Shot<'a> {
    pub(super) script: &'a str,
    pub(super) port: u16,
    pub(super) connections: usize,
    pub(super) threads: usize,
    pub(super) seconds: u64,
    /// The script's environment variables, without the prefix `BENCH_`.
    pub(super) settings: Vec<(&'static str, String)>,
    /// Counts every status and keeps one body, which costs the load time of its own.
    pub(super) inspects: bool,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Answers {
    pub(super) requests: u64,
    pub(super) duration_us: u64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) max_us: f64,
    /// Answers with a status over 399.
    pub(super) over_399: u64,
    /// Connections that failed, broke, or waited in vain.
    pub(super) broken: u64,
    /// Every status with its count; empty unless inspected.
    #[serde(default)]
    pub(super) statuses: BTreeMap<String, u64>,
    /// The first body; empty unless inspected.
    #[serde(default)]
    pub(super) sample: String,
}

impl Answers {
    /// Returns the requests answered in a second.
    pub(super) fn per_second(&self) -> f64 {
        exact(self.requests) * 1e6 / exact(self.duration_us.max(1))
    }
}

/// Shoots at all of them at the same time, and waits until all are done.
///
/// # Errors
/// If wrk fails, its script reports nothing, or a signal comes.
pub(super) fn shoot(scripts: &Path, shots: &[Shot<'_>]) -> Result<Vec<Answers>> {
    let mut running = Vec::new();
    for shot in shots {
        running.push(Running::start(scripts, shot)?);
    }
    running.into_iter().map(Running::finish).collect()
}

/// One wrk; killed with the value.
struct Running {
    child: Child,
    deadline: Instant,
}

impl Running {
    fn start(scripts: &Path, shot: &Shot<'_>) -> Result<Self> {
        interrupt::check()?;
        // The name wrk is looked for on the path; the scripts find each other in the current directory.
        let mut wrk = gateway::command(Path::new("wrk"), scripts);
        wrk.args(["--latency", "--timeout", "20s", "--script", shot.script]);
        wrk.args(["--threads", &shot.threads.to_string(), "--connections", &shot.connections.to_string()]);
        wrk.args(["--duration", &format!("{}s", shot.seconds)]);
        wrk.arg(format!("http://127.0.0.1:{}/api/webhooks/vapi", shot.port));
        for (name, value) in &shot.settings {
            wrk.env(format!("BENCH_{name}"), value);
        }
        // Two rounds never send the same call.
        let nonce: String = Uuid::new_v4().simple().to_string().chars().take(8).collect();
        wrk.env("BENCH_NONCE", nonce);
        if shot.inspects {
            wrk.env("BENCH_INSPECT", "1");
        }
        wrk.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let child = wrk.spawn().context("cannot start wrk")?;
        Ok(Self { child, deadline: Instant::now() + Duration::from_secs(shot.seconds) + GRACE })
    }

    fn finish(mut self) -> Result<Answers> {
        // The output of wrk fits the pipe's buffer, so it can be read after the end.
        let status = loop {
            if let Some(status) = self.child.try_wait().context("cannot wait for wrk")? {
                break status;
            }
            interrupt::check()?;
            ensure!(Instant::now() < self.deadline, "wrk does not end");
            thread::sleep(POLL);
        };
        let (mut text, mut errors) = (String::new(), String::new());
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_string(&mut text)?;
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_string(&mut errors)?;
        }
        let line = text.lines().find_map(|line| line.strip_prefix(MARK));
        match line {
            Some(line) if status.success() => {
                serde_json::from_str(line).with_context(|| format!("wrk's script reported {line}"))
            }
            _ => bail!("wrk failed ({status}):\n{text}{errors}"),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail on a wrk that has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says wrk's version.
///
/// # Errors
/// If it cannot be started.
pub(super) fn version() -> Result<String> {
    let output = Command::new("wrk").arg("-v").output().context("cannot start wrk")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.split(" Copyright").next().unwrap_or_default().trim().to_owned())
}
