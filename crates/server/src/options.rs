//! How the listener works.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::Notify;

/// How the listener works.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Proxies whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Largest body, in bytes.
    pub max_body_bytes: usize,
    /// Most bytes of all bodies that are held at one time.
    pub max_in_flight_bytes: usize,
    /// Longest time for a body to arrive.
    pub body_timeout: Duration,
    /// Threads that serve requests; `None` takes the machine's parallelism.
    pub workers: Option<usize>,
    /// How long running requests may take after the process was told to stop.
    pub shutdown_timeout: Duration,
    /// `None` leaves TLS to a proxy.
    pub tls: Option<TlsFiles>,
    /// Notified where the certificate files are to be read again.
    pub reread: Arc<Notify>,
}

/// Certificate files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain (PEM).
    pub certificate: PathBuf,
    /// The certificate's private key (PEM).
    pub key: PathBuf,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            max_body_bytes: 8 << 20,
            max_in_flight_bytes: 256 << 20,
            body_timeout: Duration::from_secs(30),
            workers: None,
            shutdown_timeout: Duration::from_secs(30),
            tls: None,
            reread: Arc::default(),
        }
    }
}
