//! PostgreSQL for the tests: the server that the environment names, or a throw-away cluster of our own.

mod binaries;
mod cluster;
mod install;
mod leftovers;
mod outage;
mod sql;
mod template;
mod user;

pub(crate) use template::{Template, binary, program};

use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::interrupt;
use cluster::{Cluster, Commits};

/// The superuser's URL of a server to use instead of a throw-away one; the tests read the same name.
const SERVER_URL: &str = "GATEWAY_TEST_DATABASE_URL";

/// The oldest PostgreSQL that the gateway supports.
const OLDEST: u32 = 15;

/// Options of `cargo xtask pg`.
#[derive(Args)]
pub(crate) struct Options {
    /// Builds the migrated template too, so that `cargo test` by hand finds all it needs.
    #[arg(long)]
    template: bool,
}

/// A running server; a throw-away one is stopped and removed with the value.
pub(crate) enum Server {
    /// Somebody else's, named by the environment.
    Given(String),
    /// Ours.
    Own(Cluster),
}

impl Server {
    /// Takes the server that the environment names, or starts one.
    ///
    /// # Errors
    /// If the named server does not answer, or there is no PostgreSQL to start.
    pub(crate) fn start() -> Result<Self> {
        match std::env::var(SERVER_URL) {
            Ok(url) if !url.is_empty() => {
                leftovers::sweep_databases(&url)?;
                Ok(Self::Given(url))
            }
            _ => {
                leftovers::sweep_clusters();
                Ok(Self::Own(Cluster::start(&binaries::find_or_install()?, Commits::Fast)?))
            }
        }
    }

    /// Returns the superuser's URL.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Given(url) => url.clone(),
            Self::Own(cluster) => cluster.url(),
        }
    }
}

/// A throw-away server whose commits are on the disk before they are acknowledged, as in production.
pub(crate) struct DurableServer(Cluster);

impl DurableServer {
    /// Starts one. The environment's server is never taken: what is measured has to be ours, and on this machine.
    ///
    /// # Errors
    /// If there is no PostgreSQL to start.
    pub(crate) fn start() -> Result<Self> {
        leftovers::sweep_clusters();
        Ok(Self(Cluster::start(&binaries::find_or_install()?, Commits::Durable)?))
    }

    /// Starts one whose tables a limit on the size of files can stop before its log.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub(crate) fn start_in_small_files() -> Result<Self> {
        leftovers::sweep_clusters();
        Ok(Self(Cluster::start(&binaries::find_or_install()?, Commits::DurableInSmallFiles)?))
    }

    /// Makes an empty database and returns the superuser's URL of it.
    ///
    /// # Errors
    /// If the server refuses, or there is such a database.
    pub(crate) fn create_database(&self, name: &str) -> Result<String> {
        let url = self.0.url();
        sql::column(&url, &format!("CREATE DATABASE \"{name}\" TEMPLATE template0"))?;
        Ok(template::with_database(&url, name))
    }

    /// Returns the superuser's URL.
    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// Returns the process id of the server, whose children serve the connections.
    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Returns the directory that holds its data.
    pub(crate) fn directory(&self) -> &Path {
        self.0.directory()
    }
}

/// Runs statements on a database and returns the first column of every row.
///
/// # Errors
/// If the server does not answer, or a statement fails.
pub(crate) fn query(url: &str, statements: &str) -> Result<Vec<String>> {
    sql::column(url, statements)
}

/// Starts a server and keeps it until a signal comes.
///
/// # Errors
/// If it cannot be started, or ends by itself.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut server = Server::start()?;
    let template = match options.template {
        true => Some(Template::create(&server, &binary(&["--package", "vapi-gateway"])?)?),
        false => None,
    };
    println!("export {SERVER_URL}={}", server.url());
    if let Some(template) = &template {
        println!("export {}={}", template::VARIABLE, template.name());
    }
    println!("Ctrl-C stops the server and removes its data.");
    while !interrupt::requested() {
        if let Server::Own(cluster) = &mut server {
            cluster.require_running()?;
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
