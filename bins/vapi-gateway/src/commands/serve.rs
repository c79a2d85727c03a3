//! `serve`: the gateway itself.

mod listen;
mod patience;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use clap::error::ErrorKind;
use intake::Intake;
use server::telemetry::{self, LogFormat, LogGuard};
use server::{Gateway, SystemClock};
use settings::{Environment, Settings};
use storage::{Storage, StorageConfig, StorageError};

use self::patience::until_answered;
use crate::demo::Demo;
use crate::exit::Exit;
use crate::store::NoKey;
use crate::{environment, options, output, store};

/// The database of a demo: the one that every command takes when none is configured.
const EMBEDDED: &str = "sqlite:data/gateway.db";

/// Serves the webhook until it is told to stop.
///
/// On start the database is migrated; one that does not answer yet is waited for. SIGTERM and SIGINT let running
/// requests end first. SIGHUP reads the certificate, its key and the log's filter again.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Serve two sample organizations out of SQLite in ./data, on loopback only, and print calls to paste
    #[arg(long)]
    pub(crate) demo: bool,
    /// The address to listen on, instead of HOST
    #[arg(long, value_name = "ADDRESS")]
    host: Option<IpAddr>,
    /// The port to listen on, instead of PORT; 0 takes a free one
    #[arg(long)]
    port: Option<u16>,
    /// The certificate chain (PEM), to serve TLS without a proxy
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When the gateway cannot be started, or its listener fails.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<Exit> {
    let is_demo = args.demo;
    let settings = configure(args)?;
    let format = match settings.log.format {
        settings::LogFormat::Text => LogFormat::Text,
        settings::LogFormat::Json => LogFormat::Json,
    };
    let log = telemetry::init(&settings.log.filter, format)?;
    let stop = listen::stop_signal()?;
    let server = options::server(&settings);
    let reread = Arc::clone(&server.reread);
    let hangups = listen::at_hangup(|| {
        reread.notify_one();
        reread_log(&log);
    })?;
    if settings.auth.is_shared_secret_short() {
        tracing::warn!("VAPI_WEBHOOK_SECRET has fewer than 16 characters, and may be guessed");
    }
    let database = options::storage(&settings)?;
    let storage = open(&settings, &database).await?;
    // Beside the rest of the start: the gateway is ready without it.
    let warmed = storage.clone();
    tokio::spawn(async move { warmed.warm_up().await });
    let demo = if is_demo { Some(Demo::prepare(&storage, &database).await?) } else { None };
    let listener = listen::bind(settings.listen_address())?;
    let address = listener.local_addr().context("the listener has no address")?;
    let scheme = if settings.serves_tls() { "https" } else { "http" };
    let clock = Arc::new(SystemClock::new());
    let intake = Intake::new(storage.clone(), options::intake(&settings)?, Arc::<SystemClock>::clone(&clock));
    let gateway = Gateway::new(intake, storage, server, clock);
    output::line(format_args!("vapi-gateway listens on {scheme}://{address}"))?;
    if let Some(demo) = demo {
        demo.print(address)?;
    }
    tokio::select! {
        served = gateway.run(listener, stop) => served?,
        never = hangups => match never {},
    }
    Ok(Exit::Done)
}

/// Reads the log's filter anew; the one before stays where the settings cannot be used.
fn reread_log(log: &LogGuard) {
    match environment::settings().and_then(|settings| Ok(log.set_filter(&settings.log.filter)?)) {
        Ok(()) => tracing::info!("the log settings were read again"),
        Err(error) => tracing::error!(error = format!("{error:#}"), "the log settings stay as they were"),
    }
}

/// The configuration with the options on top.
fn configure(args: ServeArgs) -> anyhow::Result<Settings> {
    let mut settings = environment::settings()?;
    if args.demo {
        // The environment's settings are for a real deployment: a demo touches nothing beyond ./data.
        settings.environment = Environment::Development;
        settings.server.host = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        settings.database.url = EMBEDDED.into();
    }
    if let Some(host) = args.host {
        if args.demo && !host.is_loopback() {
            usage("--demo is served on loopback only");
        }
        settings.server.host = Some(host);
    }
    if let Some(port) = args.port {
        settings.server.port = port;
    }
    if args.tls_cert.is_some() {
        if args.demo {
            usage("--demo prints calls without TLS");
        }
        settings.server.tls_cert = args.tls_cert;
        settings.server.tls_key = args.tls_key;
    }
    Ok(settings)
}

fn usage(sentence: &str) -> ! {
    use clap::CommandFactory;

    crate::cli::Cli::command().error(ErrorKind::ArgumentConflict, sentence).exit()
}

/// Migrates and connects, and waits for a database that does not answer yet.
async fn open(settings: &Settings, database: &StorageConfig) -> anyhow::Result<Storage> {
    let name = database.url.to_string();
    let clock = SystemClock::new();
    let report = until_answered(&name, &clock, tokio::time::sleep, async || Storage::migrate(database).await)
        .await
        .with_context(|| format!("cannot migrate the database {name}"))?;
    for version in &report.applied {
        tracing::info!(database = name, "applied migration {version}");
    }
    // After the migration, which makes the directory that the key lies in.
    let sealer = store::sealer(settings, database, NoKey::Make).await?;
    // The minute begins anew: a migration may have taken longer than that.
    let clock = SystemClock::new();
    let connect = async || {
        let storage = Storage::connect(database.clone(), sealer.clone()).await?;
        storage.prove().await?;
        storage.bound_quarantine(options::quarantine(settings)).await?;
        Ok::<_, StorageError>(storage)
    };
    until_answered(&name, &clock, tokio::time::sleep, connect)
        .await
        .with_context(|| format!("cannot work with the database {name}"))
}
