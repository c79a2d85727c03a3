//! The contenders: each with its processes, its database, and the answers it has to give.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::offender::Offender;
use super::store::{Store, Table};
use super::tools::Baselines;
use super::{Lab, fixture};
use gateway_process::{self as gateway, Service};

/// More than any round sends, for every limit that would take part.
const UNLIMITED: &str = "1000000000";

/// A running contender; ends with the value, its database last.
pub(super) struct Contender {
    pub(super) name: String,
    /// More than one where the load is shared.
    pub(super) services: Vec<Service>,
    pub(super) store: Option<Store>,
    /// The table that grows by one row for every message, if any does.
    pub(super) grows: Option<Table>,
    /// The status of every answer, and a text in it.
    pub(super) expected: (u16, &'static str),
    /// Further settings of the load's script.
    pub(super) settings: Vec<(&'static str, String)>,
    /// Somebody who is at work on it during a round.
    pub(super) offender: Option<Offender>,
    /// How many messages may have been sent already.
    pub(super) sent: u64,
}

impl Contender {
    fn new(name: &str, service: Service) -> Self {
        Self {
            name: name.to_owned(),
            services: vec![service],
            store: None,
            grows: None,
            expected: (200, ""),
            settings: vec![("ORGANIZATIONS", fixture::ORGANIZATIONS.to_string())],
            offender: None,
            sent: 0,
        }
    }

    /// The answers that are right.
    pub(super) fn answers(mut self, status: u16, text: &'static str) -> Self {
        self.expected = (status, text);
        self
    }

    /// The table in which every message has to leave a row.
    pub(super) fn grows(mut self, table: Table) -> Self {
        self.grows = Some(table);
        self
    }

    /// Under another name.
    pub(super) fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }
}

/// Makes a directory of a contender's own for its database, log and organizations.
///
/// # Errors
/// If it cannot be made.
pub(super) fn directory(lab: &Lab, name: &str) -> Result<PathBuf> {
    let directory = lab.directory.join(name);
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}

/// The gateway's settings: its defaults.
fn defaults(store: &Store) -> Vec<(String, String)> {
    vec![
        ("DATABASE_URL".to_owned(), store.url()),
        ("GATEWAY_MASTER_KEY".to_owned(), fixture::MASTER_KEY.to_owned()),
        ("VAPI_WEBHOOK_SECRET".to_owned(), fixture::SHARED_SECRET.to_owned()),
    ]
}

/// The gateway's settings: its defaults, but for limits that no organization of a run may meet.
pub(super) fn settings(store: &Store) -> Vec<(String, String)> {
    let mut settings = defaults(store);
    for limit in ["UNVERIFIED_PER_ADDRESS", "UNVERIFIED_TOTAL", "WAITING", "CALL_EVENTS", "STREAMS", "BYTES"]
    {
        settings.push((format!("GATEWAY__LIMITS__{limit}"), UNLIMITED.to_owned()));
    }
    settings
}

/// Migrates a database and fills it with the run's organizations.
///
/// # Errors
/// If the gateway refuses.
pub(super) fn fill(lab: &Lab, directory: &Path, store: &Store) -> Result<()> {
    let env = settings(store);
    gateway::migrate(&lab.tools.gateway, directory, &env, None)?;
    gateway::apply(
        &lab.tools.gateway,
        directory,
        &env,
        &fixture::declare(directory, 0..fixture::ORGANIZATIONS)?,
    )
}

/// Starts the gateway on a database that has to be filled already.
///
/// # Errors
/// If it does not start.
pub(super) fn serve(
    lab: &Lab,
    directory: &Path,
    store: Store,
    settings: &[(String, String)],
) -> Result<Contender> {
    let service = Service::gateway(&lab.tools.gateway, directory, settings)?;
    let mut contender = Contender::new("gateway", service);
    contender.store = Some(store);
    Ok(contender)
}

/// Starts the gateway on a new PostgreSQL database with the run's organizations.
///
/// # Errors
/// If it cannot be filled, or does not start.
pub(super) fn gateway_on_postgres(lab: &Lab, case: &str) -> Result<Contender> {
    let name = format!("{case}_gateway");
    let (directory, store) = (directory(lab, &name)?, Store::postgres(lab, &name)?);
    fill(lab, &directory, &store)?;
    let settings = settings(&store);
    serve(lab, &directory, store, &settings)
}

/// The same, with the limits that it has by default.
///
/// # Errors
/// As [`gateway_on_postgres`].
pub(super) fn gateway_with_limits(lab: &Lab, name: &str) -> Result<Contender> {
    let (directory, store) = (directory(lab, name)?, Store::postgres(lab, name)?);
    fill(lab, &directory, &store)?;
    let settings = defaults(&store);
    serve(lab, &directory, store, &settings)
}

/// The same, with the tables that grow in so many parts.
///
/// # Errors
/// As [`gateway_on_postgres`].
pub(super) fn gateway_on_partitions(lab: &Lab, case: &str, parts: u16) -> Result<Contender> {
    let name = format!("{case}_in_{parts}_parts");
    let (directory, store) = (directory(lab, &name)?, Store::postgres(lab, &name)?);
    let settings = settings(&store);
    gateway::migrate(&lab.tools.gateway, &directory, &settings, Some(parts))?;
    fill(lab, &directory, &store)?;
    Ok(serve(lab, &directory, store, &settings)?.named(format!("in {parts} parts")))
}

/// Starts the gateway on a new SQLite file with the run's organizations.
///
/// # Errors
/// If it cannot be filled, or does not start.
pub(super) fn gateway_on_sqlite(lab: &Lab, case: &str) -> Result<Contender> {
    let directory = directory(lab, &format!("{case}_gateway"))?;
    let store = Store::sqlite(&directory);
    fill(lab, &directory, &store)?;
    let settings = settings(&store);
    serve(lab, &directory, store, &settings)
}

/// Which of the comparison handlers, and on which kind of database.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handler {
    BareActix,
    Express,
    Fastify,
    ExpressPg,
    RustPg,
    RustSqlite,
}

impl Handler {
    fn name(self) -> &'static str {
        match self {
            Self::BareActix => "bare actix",
            Self::Express => "Express",
            Self::Fastify => "Fastify",
            Self::ExpressPg => "Express + pg",
            Self::RustPg | Self::RustSqlite => "Rust, a transaction per request",
        }
    }

    /// The word that tells the program what to do, which for Node is a file.
    fn word(self) -> &'static str {
        match self {
            Self::BareActix => "bare",
            Self::RustPg => "postgres",
            Self::RustSqlite => "sqlite",
            Self::Express => "express.js",
            Self::Fastify => "fastify.js",
            Self::ExpressPg => "express-pg.js",
        }
    }
}

/// Starts a comparison handler, on a database like the gateway's where it keeps something.
///
/// # Errors
/// If its database cannot be filled, or it does not start.
pub(super) fn baseline(lab: &Lab, case: &str, handler: Handler) -> Result<Contender> {
    let Baselines { rust, node } = lab.tools.baselines.as_ref().context("the case names no baselines")?;
    let word = handler.word();
    let name = format!("{case}_{}", word.trim_end_matches(".js").replace('-', "_"));
    let directory = directory(lab, &name)?;
    let store = match handler {
        Handler::ExpressPg | Handler::RustPg => Some(Store::postgres(lab, &name)?),
        Handler::RustSqlite => Some(Store::sqlite(&directory)),
        Handler::BareActix | Handler::Express | Handler::Fastify => None,
    };
    let mut command = match word.ends_with(".js") {
        true => gateway::command(Path::new("node"), node),
        false => gateway::command(rust, &directory),
    };
    command.arg(word).env("NODE_ENV", "production").env("ORGANIZATIONS", fixture::list(&directory)?);
    command.env("MASTER_KEY", fixture::MASTER_KEY);
    if let Some(store) = &store {
        fill(lab, &directory, store)?;
        command.env("DATABASE_URL", store.url());
    }
    let service = Service::start(word.trim_end_matches(".js"), command, &directory, gateway::free_port()?)?;
    let mut contender = Contender::new(handler.name(), service);
    contender.store = store;
    Ok(contender)
}
