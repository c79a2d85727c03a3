//! Puts the gateway together, and runs it.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use dispatch::DispatchOptions;
use intake::{Clock, Intake, IntakeLimits, IntakeOptions};
use org_resolver::{CacheConfig, GatePolicy, LookupStep};
use storage::{QuarantineBounds, Storage, StorageConfig, StorageError};

use crate::body::BodyReader;
use crate::config::{Config, Environment, ServerConfig, SharedSecretError, Synchronous};
use crate::routes;
use crate::state::{AppState, Running};
use crate::tls::{self, TlsError};

/// A kept-alive connection that asks nothing for so long is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// Time for a request's head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Whole seconds for answers to leave after the last request ended.
const FLUSH_S: u64 = 1;
/// Time for the directory to be watched before the first request is taken.
const WATCH_PATIENCE: Duration = Duration::from_secs(5);

/// A gateway that is ready to serve.
pub struct Gateway {
    state: Arc<AppState>,
    config: ServerConfig,
}

/// Why a gateway cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The shared secret does not fit one of the recipes that it is to be tried with.
    #[error(transparent)]
    SharedSecret(#[from] SharedSecretError),
}

/// Why a gateway stopped serving, other than being told to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The listener failed.
    #[error("the listener failed")]
    Listener(#[from] io::Error),
    /// The certificate or its key cannot be used.
    #[error("TLS cannot be served")]
    Tls(#[from] TlsError),
}

impl Config {
    /// How to reach and use the store.
    ///
    /// # Errors
    /// [`StorageError::Configuration`] when the database URL is none.
    pub fn storage(&self) -> Result<StorageConfig, StorageError> {
        let database = &self.database;
        let mut config = StorageConfig::new(database.url.parse()?);
        config.owner_url.clone_from(&database.owner_url);
        config.directory_url.clone_from(&database.directory_url);
        config.operator_url.clone_from(&database.operator_url);
        config.assume_roles = database.assume_roles;
        config.max_connections = database.max_connections;
        config.write_queue = database.write_queue;
        config.statement_timeout = Duration::from_millis(database.statement_timeout_ms);
        config.sqlite_synchronous_full = database.sqlite_synchronous == Synchronous::Full;
        Ok(config)
    }

    /// How messages are taken in.
    fn intake(&self) -> Result<IntakeOptions, SharedSecretError> {
        let Self { resolver, limits, quarantine, server, .. } = self;
        Ok(IntakeOptions {
            order: self.chain_order(),
            cache: CacheConfig {
                hits: resolver.cache_hits,
                misses: resolver.cache_misses,
                organizations: resolver.cache_organizations,
                time_to_live: Duration::from_millis(resolver.cache_ttl_ms),
            },
            policy: GatePolicy { metadata_with_shared_secret: resolver.metadata_with_shared_secret },
            shared: self.auth.shared_keys()?,
            limits: IntakeLimits {
                unverified_per_address: limits.unverified_per_address,
                unverified_total: limits.unverified_total,
                waiting: limits.waiting,
                call_events: limits.call_events,
                streams: limits.streams,
            },
            dispatch: DispatchOptions {
                quarantine: QuarantineBounds {
                    max_messages: quarantine.max_messages,
                    max_bytes: quarantine.max_bytes,
                    max_age: Duration::from_secs(u64::from(quarantine.max_age_hours) * 3600),
                },
                ..DispatchOptions::default()
            },
            public_url: server.backend_url.clone(),
            requires_https: self.environment == Environment::Production && !self.serves_tls(),
        })
    }
}

/// Builds a gateway over a store that is connected and migrated.
///
/// # Errors
/// [`BuildError`] when the configuration holds a secret that cannot be used.
pub fn build(config: Config, storage: Storage, clock: Arc<dyn Clock>) -> Result<Gateway, BuildError> {
    let order = config.chain_order();
    let options = config.intake()?;
    let server = config.server;
    let state = AppState {
        intake: Intake::new(storage.clone(), options, Arc::clone(&clock)),
        clock,
        storage,
        bodies: BodyReader::new(server.max_body_bytes, server.body_timeout(), server.max_in_flight_bytes),
        trusted_proxies: server.trusted_proxies.clone(),
        identification_methods: identification_methods(&order),
        running: Running::default(),
    };
    Ok(Gateway { state: Arc::new(state), config: server })
}

impl Gateway {
    /// Serves until `shutdown` is ready: then no new connection is taken, running requests end within the
    /// configured time, and the listener is closed.
    ///
    /// # Errors
    /// [`ServeError`] when the listener or the certificate cannot be used.
    pub async fn run(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        let Self { state, config } = self;
        let tls = tls::server_config(&config)?;
        let watcher = tokio::spawn({
            let state = Arc::clone(&state);
            async move { state.intake.watch().await }
        });
        // Watched before the first request, so that nothing is remembered that changed unnoticed. A directory that
        // cannot be watched delays the start and does not prevent it: the caches' time to live stands in.
        let _ = tokio::time::timeout(WATCH_PATIENCE, state.intake.watched()).await;
        let shared = web::Data::from(Arc::clone(&state));
        let server =
            HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes::configure))
                .workers(workers(&config))
                .keep_alive(KEEP_ALIVE)
                .client_request_timeout(HEAD_TIMEOUT)
                .shutdown_timeout(FLUSH_S)
                .disable_signals();
        let server = match tls {
            Some(tls) => server.listen_rustls_0_23(listener, tls)?,
            None => server.listen(listener)?,
        };
        let server = server.run();
        let handle = server.handle();
        let stopping = async {
            shutdown.await;
            state.running.stop();
            handle.pause().await;
            state.running.idle(config.shutdown_timeout()).await;
            handle.stop(true).await;
        };
        tokio::pin!(server);
        let served = tokio::select! {
            served = &mut server => served,
            () = stopping => server.await,
        };
        watcher.abort();
        Ok(served?)
    }
}

fn workers(config: &ServerConfig) -> usize {
    let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    config.workers.unwrap_or_else(machine)
}

/// What the endpoint check lists: three methods that operators look for, then the rest of the chain.
fn identification_methods(order: &[LookupStep]) -> Vec<&'static str> {
    let always = [LookupStep::AssistantId, LookupStep::PhoneNumber, LookupStep::CallId];
    let rest = order.iter().copied().filter(|step| !always.contains(step));
    always.into_iter().chain(rest).map(LookupStep::describe).collect()
}
