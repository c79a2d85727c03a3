//! A deployment: a directory, a database, settings, and the programs that are run on them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use super::database::{Database, Postgres};
use super::gateway::Gateway;
use super::log::Log;
use super::organization::Organization;

/// Says which program to test; the test command sets it.
const BINARY: &str = "GATEWAY_TEST_BINARY";

/// A deployment of the gateway.
#[derive(Debug)]
pub(crate) struct Deployment {
    database: Database,
    directory: TempDir,
    settings: Vec<(String, String)>,
}

impl Deployment {
    /// A deployment on a database, with a master key and without a shared secret.
    #[must_use]
    pub(crate) fn new(database: Database) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = match &database {
            Database::Postgres(postgres) => postgres.url(),
            Database::Sqlite => format!("sqlite:{}", directory.path().join("gateway.db").display()),
        };
        let key = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("GATEWAY_MASTER_KEY", &STANDARD.encode(key)),
            ("HOST", "127.0.0.1"),
            ("RUST_LOG", "debug"),
            ("GATEWAY__LOG__FORMAT", "json"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let deployment = Self { database, directory, settings };
        if deployment.postgres().is_none() {
            deployment.run(&["migrate"]);
        }
        deployment
    }

    /// Sets an environment variable of every program that is run from now on.
    #[must_use]
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.change(name, value);
        self
    }

    /// Like [`Deployment::set`], for a deployment in use.
    pub(crate) fn change(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Sets the deployment's shared secret.
    #[must_use]
    pub(crate) fn shared_secret(self, secret: &str) -> Self {
        self.set("VAPI_WEBHOOK_SECRET", secret)
    }

    /// The database's rows, where the test can read them.
    #[must_use]
    pub(crate) fn postgres(&self) -> Option<&Postgres> {
        self.database.postgres()
    }

    /// Writes a file into the deployment's directory and returns its path.
    ///
    /// # Panics
    /// If it cannot be written.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Declares organizations by `vapi-gateway apply`.
    ///
    /// # Panics
    /// If the program refuses.
    pub(crate) fn apply(&self, organizations: &[&Organization]) {
        self.apply_with(organizations, &[]);
    }

    /// Like [`Deployment::apply`], and removes what the file does not declare.
    ///
    /// # Panics
    /// If the program refuses.
    pub(crate) fn apply_and_prune(&self, organizations: &[&Organization]) {
        self.apply_with(organizations, &["--prune"]);
    }

    fn apply_with(&self, organizations: &[&Organization], flags: &[&str]) {
        for organization in organizations {
            for (name, content) in &organization.files {
                self.write(name, content);
            }
        }
        let declared: Vec<_> = organizations.iter().map(|organization| &organization.document).collect();
        let file = self.write("organizations.json", &json!({"organizations": declared}).to_string());
        let file = file.to_str().unwrap();
        self.run(&[&["apply", "-f", file], flags].concat());
    }

    /// Runs one of the program's commands to its end.
    ///
    /// # Panics
    /// If it fails.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let output = self.attempt(arguments);
        assert!(
            output.status.success(),
            "vapi-gateway {arguments:?}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// Runs one of the program's commands to its end, whatever that is.
    pub(crate) fn attempt(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts the gateway and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub(crate) fn start(&self) -> Gateway {
        let mut gateway = self.launch();
        gateway.wait_until_ready();
        gateway
    }

    /// Starts the gateway and does not wait.
    #[must_use]
    pub(crate) fn launch(&self) -> Gateway {
        Gateway::launch(self)
    }

    /// Starts `serve` on a port, its output going to a new file.
    pub(crate) fn serve(&self, port: u16) -> (Child, Log) {
        let path = self.directory.path().join(format!("log-{}", Uuid::new_v4().simple()));
        let output = File::create(&path).unwrap();
        let child = self
            .command(&["serve"])
            .env("PORT", port.to_string())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        (child, Log::at(path))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        // A clean environment and an empty directory: the developer's own settings take no part.
        command.args(arguments).env_clear().current_dir(self.directory.path()).stdin(Stdio::null());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The program under test.
fn binary() -> PathBuf {
    let named = variable(BINARY).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.unwrap_or_else(|| {
        // `target/debug/deps/it-…` stands one directory below `target/debug/vapi-gateway`.
        let test = std::env::current_exe().unwrap();
        let built = test.parent().and_then(Path::parent).unwrap();
        built.join("vapi-gateway").with_extension(std::env::consts::EXE_EXTENSION)
    });
    assert!(
        path.is_file(),
        "{} is not there: run `cargo build -p vapi-gateway` first, or the tests by `cargo xtask test`",
        path.display()
    );
    path
}

#[expect(clippy::disallowed_methods, reason = "the test command says by environment which program to test")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}
