//! A PostgreSQL cluster that lives as long as its value, in a directory of its own, on a free loopback port.

use std::fs::{self, File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::binaries::Binaries;
use super::german;
use super::sql;
use super::user::ServerUser;
use job::{interrupt, process};

/// How the directories begin, by which later runs know them.
pub(super) const PREFIX: &str = "vapi-gateway-pg-";

/// The file that its owner keeps locked: a directory whose lock is free has no owner any more.
pub(super) const LOCK: &str = "owner.lock";

/// The cluster's data inside the directory.
pub(super) const DATA: &str = "data";

/// How long the server may take to answer, and to end.
const READY: Duration = Duration::from_secs(60);
const ENDED: Duration = Duration::from_secs(10);

/// How often the server is asked again.
const POLL: Duration = Duration::from_millis(50);

/// How many ports are tried: another program may take one between our choice and the server's start.
const PORTS: u32 = 5;

/// Settings of every server.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    // In the data directory rather than in /dev/shm, which is small in containers and outlives a killed server.
    "dynamic_shared_memory_type=mmap",
    "timezone=UTC",
];

/// The durability of a committed transaction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Commits {
    /// Lost with the server: the data of tests, which nobody will miss.
    Fast,
    /// It is on the disk: what a production server promises, and what is measured.
    Durable,
    /// The same, with a log in files of 1 MiB: a limit on the size of files then spares the log and stops the tables.
    DurableInSmallFiles,
}

impl Commits {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Fast => &["fsync=off", "synchronous_commit=off", "full_page_writes=off"],
            // PostgreSQL's own defaults, named so that nobody has to trust a default.
            Self::Durable | Self::DurableInSmallFiles => {
                &["fsync=on", "synchronous_commit=on", "full_page_writes=on"]
            }
        }
    }

    /// The options of `initdb`.
    fn initdb(self) -> &'static [&'static str] {
        match self {
            Self::Fast | Self::Durable => &[],
            Self::DurableInSmallFiles => &["--wal-segsize=1"],
        }
    }
}

/// A running cluster; stopped and removed with the value.
pub struct Cluster {
    server: Child,
    port: u16,
    /// Whether the server's end has been reported already.
    ended: bool,
    /// How the server is started, the first time and again.
    launch: Launch,
    // Dropped after the server has been stopped: first the directory goes, then the lock on it.
    directory: TempDir,
    _lock: File,
}

impl Cluster {
    /// Makes a cluster and starts its server, with a German locale where it `knows_german`.
    ///
    /// # Errors
    /// If the cluster or the locale cannot be made, the server does not answer in time, or a signal comes.
    pub(super) fn start(binaries: &Binaries, commits: Commits, knows_german: bool) -> Result<Self> {
        let user = ServerUser::find()?;
        let directory =
            tempfile::Builder::new().prefix(PREFIX).tempdir().context("cannot make a directory")?;
        // Others may pass through to what is theirs, and see nothing else.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        let lock = File::create(directory.path().join(LOCK))?;
        lock.lock().context("cannot lock the cluster's directory")?;

        // The server names its directory by its true path, which on macOS differs from the given one.
        let path = directory.path().canonicalize()?;
        let (data, sockets, log) = (path.join(DATA), path.join("run"), path.join("server.log"));
        for own in [&data, &sockets] {
            fs::create_dir(own)?;
            fs::set_permissions(own, Permissions::from_mode(0o700))?;
            user.own(own)?;
        }
        let mut initdb = binaries.command("initdb");
        user.apply(&mut initdb, &sockets);
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        initdb.args(commits.initdb());
        process::output(initdb.args(["--no-sync", "--no-instructions", "--pgdata"]).arg(&data))?;

        let locales = knows_german.then(|| german::compile(&path)).transpose()?;
        let launch = Launch { binaries: binaries.clone(), user, data, sockets, log, commits, locales };
        for _ in 0..PORTS {
            let port = free_port()?;
            if let Some(server) = launch.start(port)? {
                println!("PostgreSQL runs on 127.0.0.1:{port}");
                return Ok(Self { server, port, ended: false, launch, directory, _lock: lock });
            }
        }
        bail!("the PostgreSQL server found none of {PORTS} ports free")
    }

    /// Returns the superuser's URL.
    pub(super) fn url(&self) -> String {
        url(self.port)
    }

    /// Returns the process id of the server, whose children serve the connections.
    pub(super) fn pid(&self) -> u32 {
        self.server.id()
    }

    /// Returns the directory that holds its data.
    pub(super) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Fails when the server has ended by itself.
    ///
    /// # Errors
    /// If it has; the text holds the end of its log.
    pub(super) fn require_running(&mut self) -> Result<()> {
        if self.server.try_wait()?.is_some() {
            self.ended = true;
            bail!("the PostgreSQL server ended by itself:\n{}", tail(&self.launch.log));
        }
        Ok(())
    }
}

impl Cluster {
    /// Stops the server as a crash would (its "immediate shutdown"): what was not committed is gone.
    pub(super) fn crash(&mut self) {
        stop(&mut self.server);
        self.ended = true;
    }

    /// Lets a command run as the server's user.
    pub(super) fn act_as_user(&self, command: &mut Command) {
        self.launch.user.apply(command, &self.launch.sockets);
    }

    /// Starts the server again on the same port and data, if it has ended; says whether it had.
    ///
    /// # Errors
    /// If it does not answer in time.
    pub(super) fn start_again(&mut self) -> Result<bool> {
        if self.server.try_wait()?.is_none() {
            return Ok(false);
        }
        let started = self.launch.start(self.port)?;
        self.server = started.with_context(|| format!("the port {} was taken meanwhile", self.port))?;
        self.ended = false;
        Ok(true)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.ended && matches!(self.server.try_wait(), Ok(Some(_))) {
            eprintln!("pg: the PostgreSQL server ended before the tests did:\n{}", tail(&self.launch.log));
        }
        stop(&mut self.server);
    }
}

/// How the server is started.
struct Launch {
    binaries: Binaries,
    user: ServerUser,
    data: PathBuf,
    sockets: PathBuf,
    log: PathBuf,
    commits: Commits,
    /// Where the server finds the locale of [`german`].
    locales: Option<PathBuf>,
}

impl Launch {
    /// Starts the server and waits until it answers; `None` if another program has the port.
    fn start(&self, port: u16) -> Result<Option<Child>> {
        let Self { binaries, user, data, sockets, log, commits, locales } = self;
        let mut command = binaries.command("postgres");
        user.apply(&mut command, sockets);
        if let Some(locales) = locales {
            command.env("LOCPATH", locales);
        }
        command.arg("-D").arg(data).arg("-k").arg(sockets).arg("-p").arg(port.to_string());
        let settings = SETTINGS.iter().chain(commits.settings());
        command.args(settings.flat_map(|setting| ["-c", setting]));
        let output = File::create(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        // A group of its own: the terminal's Ctrl-C is for this program, which stops the server last.
        command.process_group(0);
        interrupt::check()?;
        let server = command.spawn().context("cannot start the PostgreSQL server")?;
        let mut starting = Starting(Some(server));
        Ok(if starting.is_ready(&url(port), data, log)? { starting.0.take() } else { None })
    }
}

/// A server that does not answer yet; stopped unless it is taken out.
struct Starting(Option<Child>);

impl Starting {
    /// Waits for the server; says no when its port was taken by another program.
    fn is_ready(&mut self, url: &str, data: &Path, log: &Path) -> Result<bool> {
        let deadline = Instant::now() + READY;
        loop {
            interrupt::check()?;
            let ended = self.0.as_mut().map(Child::try_wait).transpose()?.flatten().is_some();
            if ended {
                let log = tail(log);
                if log.contains("could not create any TCP/IP sockets")
                    || log.contains("Address already in use")
                {
                    return Ok(false);
                }
                bail!("the PostgreSQL server did not start:\n{log}");
            }
            // The directory is asked for, because another server may have been quicker to take the port.
            if let Ok(directory) = sql::column(url, "SHOW data_directory")
                && directory.first().is_some_and(|it| Path::new(it) == data)
            {
                return Ok(true);
            }
            if Instant::now() > deadline {
                bail!("the PostgreSQL server did not answer within {} s:\n{}", READY.as_secs(), tail(log));
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(server) = &mut self.0 {
            stop(server);
        }
    }
}

/// Ends a server at once and waits until it has ended; its data are thrown away, so nothing is worth a checkpoint.
fn stop(server: &mut Child) {
    let deadline = Instant::now() + ENDED;
    if matches!(server.try_wait(), Ok(None)) {
        // SIGQUIT is PostgreSQL's "immediate shutdown": the server takes its own children with it.
        let _ = kill_process(Pid::from_child(server), Signal::QUIT);
    }
    while matches!(server.try_wait(), Ok(None)) && Instant::now() < deadline {
        thread::sleep(POLL);
    }
    let _ = server.kill();
    let _ = server.wait();
}

fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}

/// Returns the last lines of a log.
fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}
