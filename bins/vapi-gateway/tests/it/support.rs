//! A working directory with the program in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// `head -c 32 /dev/zero | tr '\0' 'k' | base64`.
pub(crate) const MASTER_KEY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";

/// A working directory. Of the surrounding environment only `PATH` reaches the program.
pub(crate) struct Directory {
    directory: TempDir,
    variables: Vec<(&'static str, String)>,
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vapi-gateway"));
        command.args(arguments);
        self.surround(&mut command);
        command
    }

    /// Puts a command into the directory, and only the directory's variables around it.
    #[expect(clippy::disallowed_methods, reason = "programs are found by the surrounding PATH")]
    pub(crate) fn surround(&self, command: &mut Command) {
        command.current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        command.envs(std::env::var("PATH").map(|path| ("PATH", path)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Run {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Run::of(child.wait_with_output().unwrap())
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The output of a program that had to end well.
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A running gateway; killed when dropped.
pub(crate) struct Gateway {
    pub(crate) child: Child,
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// Its output below the address, up to the line that was waited for.
    pub(crate) printed: String,
}

impl Gateway {
    /// Starts `serve` and reads its output until a line holds `last`.
    pub(crate) fn start(directory: &Directory, arguments: &[&str], last: &str) -> Self {
        let mut command = directory.command(&[&["serve", "--port", "0"], arguments].concat());
        let log = std::fs::File::create(directory.path("gateway.log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut gateway = Self { child, url: String::new(), printed: String::new() };
        let marker = "vapi-gateway listens on ";
        loop {
            let Some(Ok(line)) = lines.next() else {
                let mut log = String::new();
                std::fs::File::open(directory.path("gateway.log")).unwrap().read_to_string(&mut log).unwrap();
                panic!("the gateway stopped: {}\n{log}", gateway.printed);
            };
            if let Some(url) = line.strip_prefix(marker) {
                gateway.url = url.to_owned();
            }
            gateway.printed.push_str(&line);
            gateway.printed.push('\n');
            if line.contains(last) {
                break;
            }
        }
        // The rest of its output has a place to go.
        std::thread::spawn(move || lines.for_each(drop));
        gateway
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two organizations; the secrets are `NORTHGATE_SECRET` and one in the file.
pub(crate) const ORGANIZATIONS: &str = r#"
[[organizations]]
id = "46cf2995-2bee-44e3-838b-24151486fe4e"
slug = "northgate-dental"
name = "Northgate Dental"
timezone = "America/New_York"
vapi_org_id = "9d5e8f10-2a3b-4c4d-9e5f-6a7b8c9d0e1f"
assistants = [{ id = "asst_sarah", name = "Sarah", role = "inbound" }]
phone_numbers = [{ id = "pn_northgate", number = "+15552010100", route = { assistant = "asst_sarah" } }]
credentials = [{ label = "2026", preset = "x-vapi-signature", secret_env = "NORTHGATE_SECRET" }]
opening_hours = { mon = ["09:00-17:00"], tue = ["09:00-17:00"], wed = ["09:00-17:00"], thu = ["09:00-17:00"], fri = ["09:00-17:00"] }

[[organizations]]
id = "6d593c7a-b00f-47be-8f77-cc4d1231f706"
slug = "plumbing-pros"
name = "Plumbing Pros"
timezone = "Europe/Madrid"
assistants = [{ id = "asst_marcos", name = "Marcos" }]
squads = ["squad_pipes"]
credentials = [{ label = "own", preset = "vapi-hmac", secret = "monkeywrench" }]

[[organizations]]
id = "d91e4aa4-914a-4d76-b5b7-2ee26e09b2a2"
slug = "closed-law"
name = "Closed Law"
active = false
assistants = [{ id = "asst_closed", name = "Nobody" }]
"#;

pub(crate) const NORTHGATE: &str = "46cf2995-2bee-44e3-838b-24151486fe4e";
pub(crate) const PLUMBING: &str = "6d593c7a-b00f-47be-8f77-cc4d1231f706";
pub(crate) const CLOSED: &str = "d91e4aa4-914a-4d76-b5b7-2ee26e09b2a2";

/// A directory whose database holds the organizations above.
pub(crate) fn applied() -> Directory {
    let directory = Directory::new().with("NORTHGATE_SECRET", "s3cret of 2026");
    directory.write("organizations.toml", ORGANIZATIONS);
    directory.run(&["apply", "-f", "organizations.toml"]).good();
    directory
}

/// The permissions of a file or directory.
#[cfg(unix)]
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;

    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
