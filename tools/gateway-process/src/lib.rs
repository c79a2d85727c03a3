//! HTTP programs that a job starts, watches and stops: the gateway, and whatever it is compared with.
//!
//! Each runs in a process group of its own on a free loopback port, and ends with its value at the latest, also when
//! the job fails or is interrupted.

mod usage;

pub use usage::{Usage, cpu_of_ended_children, cpu_of_tree, usage};

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use job::{interrupt, process, workspace};

/// Where every program of a job says whether it can serve.
const READY_PATH: &str = "/health/ready";

/// How long a program may take until it serves, and how long until it has ended.
const READY: Duration = Duration::from_secs(60);
const ENDED: Duration = Duration::from_secs(35);

/// How often a program is asked again. Short, because the time from start to readiness is one of the measurements.
const POLL: Duration = Duration::from_millis(1);

/// How long one question may take.
const ANSWER: Duration = Duration::from_secs(2);

/// The settings of a developer that must not take part, beside all that begin with `GATEWAY_`.
const EVERYDAY: &[&str] = &[
    "DATABASE_URL",
    "HOST",
    "PORT",
    "BACKEND_URL",
    "WEBHOOK_URL",
    "VAPI_WEBHOOK_SECRET",
    "VAPI_API_KEY",
    "ADMIN_TOKEN",
    "RUST_LOG",
];

/// Builds the released gateway and returns the program's path.
///
/// # Errors
/// If it does not build.
pub fn build() -> Result<PathBuf> {
    workspace::program("vapi-gateway", &["--release", "--package", "vapi-gateway"])
}

/// Prepares a call of a program in a directory, without the developer's own settings.
pub fn command(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GATEWAY_"))
    {
        command.env_remove(name);
    }
    for name in EVERYDAY {
        command.env_remove(name);
    }
    command
}

/// Brings a database to the form that the gateway needs, its big tables in parts where that is asked for; `env` names the
/// database.
///
/// # Errors
/// If the gateway refuses the database.
pub fn migrate(
    gateway: &Path,
    directory: &Path,
    env: &[(String, String)],
    partitions: Option<u16>,
) -> Result<()> {
    let mut migrate = command(gateway, directory);
    migrate
        .arg("migrate")
        .args(partitions.map(|parts| format!("--partitions={parts}")))
        .envs(env.iter().map(|(name, value)| (name, value)));
    process::output(&mut migrate).map(drop)
}

/// Makes a database say what a file of organizations says; `env` names the database.
///
/// # Errors
/// If the gateway refuses the file or the database.
pub fn apply(gateway: &Path, directory: &Path, env: &[(String, String)], file: &Path) -> Result<()> {
    let mut apply = command(gateway, directory);
    apply.args(["apply", "--json", "-f"]).arg(file).envs(env.iter().map(|(name, value)| (name, value)));
    // The plan of many organizations is long, and of no interest.
    process::output(&mut apply).map(drop)
}

/// A running HTTP program; killed with the value.
pub struct Service {
    name: String,
    child: Child,
    port: u16,
    log: PathBuf,
    ready_after: Duration,
}

impl Service {
    /// Starts the gateway in a directory and waits until it serves; its log goes to `gateway-<port>.log` there.
    ///
    /// # Errors
    /// If it ends or does not serve in time, or a signal comes.
    pub fn gateway(program: &Path, directory: &Path, env: &[(String, String)]) -> Result<Self> {
        Self::gateway_on(program, directory, env, free_port()?)
    }

    /// Starts the gateway on a given port.
    ///
    /// # Errors
    /// As [`Self::gateway`].
    pub fn gateway_on(program: &Path, directory: &Path, env: &[(String, String)], port: u16) -> Result<Self> {
        let mut serve = command(program, directory);
        serve.arg("serve").env("HOST", "127.0.0.1").envs(env.iter().map(|(name, value)| (name, value)));
        Self::start("gateway", serve, directory, port)
    }

    /// Starts a program that listens on the port in `PORT`, and waits until it serves.
    ///
    /// # Errors
    /// If it ends or does not serve in time, or a signal comes.
    pub fn start(name: &str, mut command: Command, directory: &Path, port: u16) -> Result<Self> {
        interrupt::check()?;
        let log = directory.join(format!("{name}-{port}.log"));
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.env("PORT", port.to_string());
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // A group of its own: the terminal's Ctrl-C is for this program, which stops the others itself.
        command.process_group(0);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let mut service = Self { name: name.to_owned(), child, port, log, ready_after: Duration::ZERO };
        service.wait_until_ready(started)?;
        Ok(service)
    }

    /// Returns the port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the time from its start to the first answer that said it can serve.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Returns the file that holds what it printed.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Reads its memory and processor time.
    ///
    /// # Errors
    /// If it has ended.
    pub fn usage(&self) -> Result<Usage> {
        usage(self.pid()).with_context(|| format!("{} is gone:\n{}", self.name, tail(&self.log)))
    }

    /// Asks it to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    /// If it does not end in time; it is killed then.
    pub fn stop(mut self) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)
            .with_context(|| format!("cannot stop {}", self.name))?;
        let deadline = Instant::now() + ENDED;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        bail!("{} did not end within {} s:\n{}", self.name, ENDED.as_secs(), tail(&self.log))
    }

    /// Ends it as a power cut would (SIGKILL), and waits until it is gone.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(mut self) -> Result<ExitStatus> {
        self.child.kill().with_context(|| format!("cannot kill {}", self.name))?;
        self.child.wait().with_context(|| format!("cannot wait for {}", self.name))
    }

    fn wait_until_ready(&mut self, started: Instant) -> Result<()> {
        loop {
            interrupt::check()?;
            if is_ready(self.port) {
                self.ready_after = started.elapsed();
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended ({status}) before it served:\n{}", self.name, tail(&self.log));
            }
            if started.elapsed() > READY {
                bail!("{} did not serve within {} s:\n{}", self.name, READY.as_secs(), tail(&self.log));
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail on a program that has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a port on 127.0.0.1 that nobody listens on.
///
/// # Errors
/// If there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Says whether what listens on a port answers that it can serve.
pub fn is_ready(port: u16) -> bool {
    // By hand rather than with an HTTP client: one question without state, asked every millisecond.
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, ANSWER)?;
        stream.set_read_timeout(Some(ANSWER))?;
        let question =
            format!("GET {READY_PATH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n");
        stream.write_all(question.as_bytes())?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// Returns the last lines of a log.
pub fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(text.len().saturating_sub(4096)..).unwrap_or_default());
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
