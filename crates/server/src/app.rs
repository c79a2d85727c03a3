//! Puts the gateway together, and runs it.

use std::future::Future;
use std::io;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, web};
use intake::{Clock, Intake};
use org_resolver::LookupStep;
use storage::Storage;

use crate::body::BodyReader;
use crate::health::Health;
use crate::options::ServerOptions;
use crate::routes;
use crate::state::{AppState, Running};
use crate::tls::{self, Certificate, TlsError};

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
    /// Asked whether it is well.
    storage: Storage,
    options: ServerOptions,
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

impl Gateway {
    /// A gateway over a store that is connected and migrated. The store is asked whether it is well.
    #[must_use]
    pub fn new(intake: Intake, storage: Storage, options: ServerOptions, clock: Arc<dyn Clock>) -> Self {
        let state = AppState {
            identification_methods: identification_methods(intake.order()),
            intake,
            clock,
            health: Health::default(),
            bodies: BodyReader::new(
                options.max_body_bytes,
                options.body_timeout,
                options.max_in_flight_bytes,
            ),
            trusted_proxies: options.trusted_proxies.clone(),
            running: Running::default(),
        };
        Self { state: Arc::new(state), storage, options }
    }

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
        let Self { state, storage, options } = self;
        let certificate = options.tls.clone().map(Certificate::read).transpose()?.map(Arc::new);
        let tls = certificate.clone().map(tls::server_config).transpose()?;
        let watcher = tokio::spawn({
            let (state, reread) = (Arc::clone(&state), Arc::clone(&options.reread));
            let rereading = async move {
                loop {
                    reread.notified().await;
                    if let Some(certificate) = &certificate {
                        certificate.read_again();
                    }
                }
            };
            async move {
                tokio::join!(
                    state.intake.watch(),
                    state.health.watch(&storage),
                    storage.keep_house(),
                    rereading
                )
            }
        });
        // Watched before the first request, so that nothing is remembered that changed unnoticed. A directory that
        // cannot be watched delays the start and does not prevent it: the caches' time to live stands in.
        let _ = tokio::time::timeout(WATCH_PATIENCE, state.intake.watched()).await;
        let shared = web::Data::from(Arc::clone(&state));
        let server =
            HttpServer::new(move || App::new().app_data(shared.clone()).configure(routes::configure))
                .workers(workers(&options))
                .keep_alive(KEEP_ALIVE)
                .tcp_nodelay(true)
                .client_request_timeout(HEAD_TIMEOUT)
                .shutdown_timeout(FLUSH_S)
                // A client that closed its end has left: its request's work is dropped at its next step.
                .h1_allow_half_closed(false)
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
            state.running.idle(options.shutdown_timeout).await;
            handle.stop(true).await;
        };
        tokio::pin!(server);
        let served = tokio::select! {
            served = &mut server => served,
            () = stopping => server.await,
        };
        watcher.abort();
        // What was refused last is told too, where the store takes it at once.
        let _ = tokio::time::timeout(Duration::from_secs(FLUSH_S), state.intake.write_refusals()).await;
        Ok(served?)
    }
}

fn workers(options: &ServerOptions) -> usize {
    let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    options.workers.unwrap_or_else(machine)
}

/// The endpoint check's list: three methods that operators look for, then the rest of the chain.
fn identification_methods(order: &[LookupStep]) -> Vec<&'static str> {
    let always = [LookupStep::AssistantId, LookupStep::PhoneNumber, LookupStep::CallId];
    let rest = order.iter().copied().filter(|step| !always.contains(step));
    always.into_iter().chain(rest).map(LookupStep::describe).collect()
}
