//! One scenario's ground: a fresh database, the organizations in it, and the settings of the gateway.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use super::dice::Dice;
use super::fleet::{self, Organization};
use super::stored::{self, Stored};
use gateway_process::{self as gateway, Service};
use pg::DurableServer;

/// The database that PostgreSQL gets for a scenario.
const NAME: &str = "crash";

/// Far beyond what a run sends: what is measured here is not the limits.
const UNLIMITED: &str = "100000000";

/// Which database a scenario runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Database {
    Postgres,
    Sqlite,
}

impl Database {
    /// Its name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
        }
    }
}

/// The ground; stopped and removed with the value, unless it is kept.
pub(crate) struct Site {
    program: PathBuf,
    env: Vec<(String, String)>,
    pub(crate) organizations: Vec<Organization>,
    pub(crate) server: Option<DurableServer>,
    // Dropped after the server.
    directory: TempDir,
}

impl Site {
    /// Makes the database and the organizations.
    ///
    /// # Errors
    /// If the database cannot be made, or the gateway refuses it.
    pub(crate) fn prepare(program: &Path, database: Database, dice: &Dice) -> Result<Self> {
        let server = match database {
            Database::Postgres => Some(DurableServer::start()?),
            Database::Sqlite => None,
        };
        Self::on(program, server, dice)
    }

    /// The same on a given server; on SQLite without one.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub(crate) fn on(program: &Path, server: Option<DurableServer>, dice: &Dice) -> Result<Self> {
        let directory = tempfile::Builder::new()
            .prefix("vapi-gateway-crash-")
            .tempdir()
            .context("cannot make a directory")?;
        let url = match &server {
            Some(server) => server.create_database(NAME)?,
            None => format!("sqlite:{}", sqlite_file(directory.path()).display()),
        };
        let mut env = vec![("DATABASE_URL".to_owned(), url)];
        for class in ["WAITING", "CALL_EVENTS", "STREAMS", "UNVERIFIED_PER_ADDRESS", "UNVERIFIED_TOTAL"] {
            env.push((format!("GATEWAY__LIMITS__{class}"), UNLIMITED.to_owned()));
        }
        let organizations = fleet::organizations(dice);
        let site = Self { program: program.to_owned(), env, organizations, server, directory };
        let file = fleet::write(&site.organizations, site.directory.path())?;
        gateway::migrate(program, site.directory.path(), &site.env, None)?;
        gateway::apply(program, site.directory.path(), &site.env, &file)?;
        Ok(site)
    }

    /// Starts the gateway on a port.
    ///
    /// # Errors
    /// If it does not serve in time.
    pub(crate) fn gateway(&self, port: u16) -> Result<Service> {
        Service::gateway_on(&self.program, self.directory.path(), &self.env, port)
    }

    /// Returns the URL of the scenario's database.
    ///
    /// # Errors
    /// On SQLite, which has none.
    pub(crate) fn url(&self) -> Result<&str> {
        match self.env.first() {
            Some((_, url)) if self.server.is_some() => Ok(url),
            _ => bail!("this scenario needs PostgreSQL"),
        }
    }

    /// Reads what is stored.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub(crate) fn stored(&self) -> Result<Stored> {
        match &self.server {
            Some(_) => stored::read_postgres(self.url()?),
            None => stored::read_sqlite(&sqlite_file(self.directory.path())),
        }
    }

    /// Leaves the gateway's files where they are, and returns where that is.
    pub(crate) fn keep(self) -> PathBuf {
        self.directory.keep()
    }
}

fn sqlite_file(directory: &Path) -> PathBuf {
    directory.join("data").join("gateway.db")
}
