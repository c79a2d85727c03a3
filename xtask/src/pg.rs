//! PostgreSQL for the tests: the server that the environment names, or a throw-away cluster of our own.

mod binaries;
mod cluster;
mod install;
mod leftovers;
mod sql;
mod template;
mod user;

pub(crate) use template::{Template, binary};

use std::thread;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::interrupt;
use cluster::Cluster;

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
                Ok(Self::Own(Cluster::start(&binaries::find_or_install()?)?))
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
