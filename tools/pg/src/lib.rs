//! PostgreSQL for the tests and the tools: the server that the environment names, or a throw-away cluster of our own.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "jobs report to a terminal")]
#![expect(clippy::disallowed_methods, reason = "a job's own settings come from its environment")]

mod binaries;
mod cluster;
mod german;
mod install;
mod leftovers;
mod outage;
mod sql;
mod template;
mod user;

pub use outage::Stalled;
pub use template::{Tables, Template};

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

use cluster::{Cluster, Commits};

/// The superuser's URL of a server to use instead of a throw-away one; the tests read the same name.
const SERVER_URL: &str = "GATEWAY_TEST_DATABASE_URL";

/// The oldest PostgreSQL that the gateway supports.
const OLDEST: u32 = 15;

/// A running server; a throw-away one is stopped and removed with the value.
pub enum Server {
    /// Named by the environment, and not ours.
    Given(String),
    /// Ours.
    Own(Cluster),
}

impl Server {
    /// Takes the server that the environment names, or starts one.
    ///
    /// # Errors
    /// If the named server does not answer, there is no PostgreSQL to start, or it does not know German.
    pub fn start() -> Result<Self> {
        let german = german_locale();
        let server = match std::env::var(SERVER_URL) {
            Ok(url) if !url.is_empty() => {
                leftovers::sweep_databases(&url)?;
                Self::Given(url)
            }
            _ => {
                leftovers::sweep_clusters();
                let binaries = binaries::find_or_install()?;
                Self::Own(Cluster::start(&binaries, Commits::Fast, german.is_some())?)
            }
        };
        match &german {
            Some(locale) => german::check(&server.url(), locale)?,
            None => println!("the tests on a German server are left out"),
        }
        Ok(server)
    }

    /// Fails when a throw-away server has ended by itself.
    ///
    /// # Errors
    /// If it has; the text holds the end of its log.
    pub fn require_running(&mut self) -> Result<()> {
        match self {
            Self::Given(_) => Ok(()),
            Self::Own(cluster) => cluster.require_running(),
        }
    }

    /// Returns the variables that tell the tests where the server is, and what it can do.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        let german = german_locale().unwrap_or_default();
        vec![(SERVER_URL, self.url().into()), (german::VARIABLE, german.into())]
    }

    /// Returns the superuser's URL.
    pub fn url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Own(cluster) => cluster.url(),
        }
    }
}

/// The German locale that the tests need, unless the environment leaves them out.
fn german_locale() -> Option<String> {
    german::wanted(std::env::var(german::VARIABLE).ok().as_deref())
}

/// A throw-away server whose commits are on the disk before they are acknowledged, as in production.
pub struct DurableServer(Cluster);

impl DurableServer {
    /// Starts one. The environment's server is never taken: what is measured has to be ours, and on this machine.
    ///
    /// # Errors
    /// If there is no PostgreSQL to start.
    pub fn start() -> Result<Self> {
        leftovers::sweep_clusters();
        Ok(Self(Cluster::start(&binaries::find_or_install()?, Commits::Durable, false)?))
    }

    /// Starts one whose tables a limit on the size of files can stop before its log.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_in_small_files() -> Result<Self> {
        leftovers::sweep_clusters();
        Ok(Self(Cluster::start(&binaries::find_or_install()?, Commits::DurableInSmallFiles, false)?))
    }

    /// Makes an empty database and returns the superuser's URL of it.
    ///
    /// # Errors
    /// If the server refuses, or there is such a database.
    pub fn create_database(&self, name: &str) -> Result<String> {
        let url = self.0.url();
        sql::column(&url, &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        Ok(template::with_database(&url, name))
    }

    /// Returns the superuser's URL.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// Returns the process id of the server, whose children serve the connections.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Returns the directory that holds its data.
    pub fn directory(&self) -> &Path {
        self.0.directory()
    }
}

/// Runs statements on a database and returns the first column of every row.
///
/// # Errors
/// If the server does not answer, or a statement fails.
pub fn query(url: &str, statements: &str) -> Result<Vec<String>> {
    sql::column(url, statements)
}
