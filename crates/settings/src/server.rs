//! The listener and its bounds.

use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;

use crate::section::section;
use crate::words;

section! {
    /// The listener and its bounds.
    ServerSettings {
        /// The address to listen on; without it loopback, and in production every address.
        host: Option<IpAddr> = None, ["HOST"];
        /// The port.
        port: u16 = 3001, ["PORT"];
        /// The gateway's public URL without a path, for recipes that sign `{url}`.
        backend_url: Option<String> = None, ["BACKEND_URL"];
        /// The URL that tools are pointed at, for provisioning, which is not there yet.
        webhook_url: Option<String> = None, ["WEBHOOK_URL"];
        /// Addresses and networks of proxies whose `X-Forwarded-*` headers are believed, from the last hop back to the first one
        /// that is not among them.
        #[serde(deserialize_with = "words::networks")]
        trusted_proxies: Vec<IpNet> = Vec::new();
        /// Largest body, in bytes.
        max_body_bytes: usize = 8 << 20;
        /// Most bytes of all bodies that are held at one time: at least four of the largest. An eighth is kept for bodies
        /// under 64 KiB. An address (of IPv6, a /64) may hold a third of what it leaves free, and two of the largest in any case.
        max_in_flight_bytes: usize = 256 << 20;
        /// Longest time for a body to arrive, in milliseconds. After its first two seconds it comes at 64 KiB a second at
        /// least.
        body_timeout_ms: u64 = 30_000;
        /// Threads that serve requests; the machine's parallelism without it.
        workers: Option<usize> = None;
        /// How long running requests may take after the signal to stop, in milliseconds.
        shutdown_timeout_ms: u64 = 30_000;
        /// The certificate chain (PEM), to serve TLS without a proxy.
        tls_cert: Option<PathBuf> = None;
        /// The certificate's private key (PEM).
        tls_key: Option<PathBuf> = None;
    }
}
