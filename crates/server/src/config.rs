//! The gateway's configuration: what can be set, what it is without being set, and what cannot work.

mod layers;
mod secret;
mod vars;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use org_resolver::LookupStep;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};
use signature::Preset;

pub use secret::SharedSecretError;
pub use vars::{ProcessVars, Vars};

use crate::address::IpRange;

/// Everything that an operator can set. See [`Config::load`] for where it comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Where this process runs; the default is development.
    pub environment: Environment,
    /// The store.
    pub database: DatabaseConfig,
    /// The listener and its bounds.
    pub server: ServerConfig,
    /// How organizations are found.
    pub resolver: ResolverConfig,
    /// How much is let in.
    pub limits: LimitsConfig,
    /// The deployment's own secrets.
    pub auth: AuthConfig,
    /// What is kept of messages without an organization.
    pub quarantine: QuarantineConfig,
    /// The log.
    pub log: LogConfig,
}

/// Where the process runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine: plain HTTP, a generated master key.
    #[default]
    Development,
    /// The real thing: no plain HTTP, and a master key that the operator holds.
    Production,
}

/// The store's settings.
#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// `postgres://…`, `sqlite:<path>` or a path; `DATABASE_URL`. SQLite below `data/` without it.
    pub url: String,
    /// The login that migrates; `url` without it.
    pub owner_url: Option<String>,
    /// The login that reads identifiers and keys; `url` without it.
    pub directory_url: Option<String>,
    /// The login of audited administration; `url` without it.
    pub operator_url: Option<String>,
    /// Takes the gateway's roles after login. `false` where each login has its role's rights itself.
    pub assume_roles: bool,
    /// Most connections that work in scopes.
    pub max_connections: usize,
    /// Longest statement, in milliseconds.
    pub statement_timeout_ms: u64,
    /// Most messages that wait to be written; beyond them the sender is told to come back.
    pub write_queue: usize,
    /// SQLite's `synchronous`.
    pub sqlite_synchronous: Synchronous,
}

/// SQLite's `synchronous` setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// A commit survives a power cut.
    #[default]
    Full,
    /// A commit survives a crash of the process; a power cut may lose the last ones.
    Normal,
}

/// The listener's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The address to listen on; `HOST`. Loopback in development, every address in production.
    pub host: Option<IpAddr>,
    /// The port; `PORT`.
    pub port: u16,
    /// The gateway's public URL without a path, as recipes that sign the URL see it; `BACKEND_URL`.
    pub backend_url: Option<String>,
    /// The URL that assistants' tools are pointed at; `WEBHOOK_URL`. Used when assistants are provisioned.
    pub webhook_url: Option<String>,
    /// Addresses and networks of proxies whose `X-Forwarded-*` headers are believed.
    #[serde(deserialize_with = "words")]
    pub trusted_proxies: Vec<IpRange>,
    /// Largest body, in bytes.
    pub max_body_bytes: usize,
    /// Most bytes of all bodies that are held at one time.
    pub max_in_flight_bytes: usize,
    /// Longest time for a body to arrive, in milliseconds.
    pub body_timeout_ms: u64,
    /// Threads that serve requests; the machine's parallelism without it.
    pub workers: Option<usize>,
    /// How long running requests may take after the process was told to stop, in milliseconds.
    pub shutdown_timeout_ms: u64,
    /// The certificate chain (PEM) when the gateway serves TLS itself.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    pub tls_key: Option<PathBuf>,
}

/// How organizations are found.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResolverConfig {
    /// The lookup chain, first step decides.
    #[serde(deserialize_with = "words")]
    pub order: Vec<LookupStep>,
    /// `off` takes metadata out of the chain.
    pub metadata: Switch,
    /// Lets the shared secret admit a message whose only identifier is metadata.
    pub metadata_with_shared_secret: bool,
    /// How long a cached lookup lives when no notice of a change arrives, in milliseconds.
    pub cache_ttl_ms: u64,
    /// Known identifiers kept.
    pub cache_hits: u64,
    /// Unknown identifiers kept.
    pub cache_misses: u64,
    /// Organizations whose keys are kept.
    pub cache_organizations: u64,
}

/// On or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// In use.
    #[default]
    On,
    /// Not in use.
    Off,
}

/// How much is let in, per minute.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitsConfig {
    /// Unverified messages of one address.
    pub unverified_per_address: u32,
    /// Unverified messages in all.
    pub unverified_total: u32,
    /// Messages of one organization that the provider waits for.
    pub waiting: u32,
    /// Events of one organization's calls.
    pub call_events: u32,
    /// Transcripts, speech and conversation updates of one organization.
    pub streams: u32,
}

/// The deployment's own secrets.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthConfig {
    /// The secret of organizations that never had one of their own; `VAPI_WEBHOOK_SECRET`.
    #[serde(deserialize_with = "secret::filled")]
    pub webhook_secret: Option<SecretString>,
    /// The recipes that the shared secret is tried with.
    #[serde(deserialize_with = "words")]
    pub shared_presets: Vec<Preset>,
    /// The key of the provider's API, for provisioning; `VAPI_API_KEY`.
    #[serde(deserialize_with = "secret::filled")]
    pub vapi_api_key: Option<SecretString>,
    /// The operator's token; `ADMIN_TOKEN`. Without it there is no admin API.
    #[serde(deserialize_with = "secret::filled")]
    pub admin_token: Option<SecretString>,
    /// Base64 of the 32 bytes that seal secrets at rest; `GATEWAY_MASTER_KEY`.
    #[serde(deserialize_with = "secret::filled")]
    pub master_key: Option<SecretString>,
}

/// What is kept of messages that the shared secret proves and nobody owns.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct QuarantineConfig {
    /// Most messages.
    pub max_messages: u32,
    /// Most bytes of bodies.
    pub max_bytes: u64,
    /// Oldest message, in hours.
    pub max_age_hours: u32,
}

/// The log's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LogConfig {
    /// What is logged, in the notation of `tracing`; `RUST_LOG`.
    pub filter: String,
    /// How it is written.
    pub format: LogFormat,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// A configuration that cannot work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file is there and cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A `.env` file holds a line that is no assignment.
    #[error("{} holds a line that is no assignment", path.display())]
    NotEnv {
        /// The file.
        path: PathBuf,
    },
    /// Nobody knows this setting.
    #[error("{key} in {origin} is no setting of the gateway")]
    UnknownKey {
        /// The setting as it was written.
        key: String,
        /// The file, or `the environment`.
        origin: String,
    },
    /// A file or a value has the wrong form.
    #[error("the configuration cannot be read")]
    Value(#[from] config::ConfigError),
    /// Settings that cannot be together, or one that is missing.
    #[error("{0}")]
    Invalid(&'static str),
}

impl Config {
    /// Reads the configuration in layers, the last one wins: defaults, `gateway.toml`, `.env` and `.env.local` of
    /// the directory, then `vars`.
    ///
    /// In `.env` files and in `vars`, the everyday names (`DATABASE_URL`, `PORT` and so on) and
    /// `GATEWAY__SECTION__KEY` count, and of two names for one setting in one layer the long one; an empty value is
    /// not set. Lists are separated by commas.
    ///
    /// # Errors
    /// [`ConfigError`] when a file cannot be read, a setting is unknown or malformed, or settings contradict
    /// each other.
    pub fn load(directory: &Path, vars: &dyn Vars) -> Result<Self, ConfigError> {
        let config: Self = layers::collect(directory, vars)?.try_deserialize()?;
        config.validated()
    }

    /// The address to listen on.
    #[must_use]
    pub fn listen_address(&self) -> SocketAddr {
        let everywhere = match self.environment {
            Environment::Development => Ipv4Addr::LOCALHOST,
            Environment::Production => Ipv4Addr::UNSPECIFIED,
        };
        SocketAddr::new(self.server.host.unwrap_or(IpAddr::V4(everywhere)), self.server.port)
    }

    /// The lookup chain in force: the order without what is switched off.
    #[must_use]
    pub fn chain_order(&self) -> Vec<LookupStep> {
        let is_on = |step: &LookupStep| *step != LookupStep::Metadata || self.resolver.metadata == Switch::On;
        self.resolver.order.iter().copied().filter(is_on).collect()
    }

    /// True when the gateway speaks TLS itself.
    #[must_use]
    pub fn serves_tls(&self) -> bool {
        self.server.tls_cert.is_some()
    }

    fn validated(self) -> Result<Self, ConfigError> {
        if self.environment == Environment::Production && self.auth.master_key.is_none() {
            return Err(ConfigError::Invalid(
                "production needs GATEWAY_MASTER_KEY: base64 of 32 random bytes, kept apart from the database",
            ));
        }
        if self.server.tls_cert.is_some() != self.server.tls_key.is_some() {
            return Err(ConfigError::Invalid("server.tls_cert and server.tls_key go together"));
        }
        if self.database.write_queue == 0 {
            return Err(ConfigError::Invalid("database.write_queue is at least 1"));
        }
        if self.server.workers == Some(0) {
            return Err(ConfigError::Invalid("server.workers is at least 1"));
        }
        if self.server.max_body_bytes == 0 || self.server.max_in_flight_bytes < self.server.max_body_bytes {
            return Err(ConfigError::Invalid(
                "server.max_in_flight_bytes is at least server.max_body_bytes, which is at least 1",
            ));
        }
        if self.chain_order().is_empty() {
            return Err(ConfigError::Invalid("resolver.order names no step that is switched on"));
        }
        for url in [&self.server.backend_url, &self.server.webhook_url].into_iter().flatten() {
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                return Err(ConfigError::Invalid(
                    "BACKEND_URL and WEBHOOK_URL start with https:// or http://",
                ));
            }
        }
        Ok(self)
    }
}

impl ServerConfig {
    /// Longest time for a body to arrive.
    #[must_use]
    pub fn body_timeout(&self) -> Duration {
        Duration::from_millis(self.body_timeout_ms)
    }

    /// How long running requests may take after the process was told to stop.
    #[must_use]
    pub fn shutdown_timeout(&self) -> Duration {
        Duration::from_millis(self.shutdown_timeout_ms)
    }
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: "sqlite:data/gateway.db".to_owned(),
            owner_url: None,
            directory_url: None,
            operator_url: None,
            assume_roles: true,
            max_connections: 10,
            statement_timeout_ms: 5_000,
            write_queue: 4_096,
            sqlite_synchronous: Synchronous::Full,
        }
    }
}

impl fmt::Debug for DatabaseConfig {
    /// Shows no URL: they hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.url.split_once(':').map_or("sqlite", |(scheme, _)| scheme);
        f.debug_struct("DatabaseConfig")
            .field("url", &format_args!("{scheme}:(redacted)"))
            .field("max_connections", &self.max_connections)
            .field("statement_timeout_ms", &self.statement_timeout_ms)
            .field("write_queue", &self.write_queue)
            .field("sqlite_synchronous", &self.sqlite_synchronous)
            .finish_non_exhaustive()
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: None,
            port: 3001,
            backend_url: None,
            webhook_url: None,
            trusted_proxies: Vec::new(),
            max_body_bytes: 8 * 1024 * 1024,
            max_in_flight_bytes: 256 * 1024 * 1024,
            body_timeout_ms: 30_000,
            workers: None,
            shutdown_timeout_ms: 30_000,
            tls_cert: None,
            tls_key: None,
        }
    }
}

impl Default for ResolverConfig {
    fn default() -> Self {
        let cache = org_resolver::CacheConfig::default();
        Self {
            order: LookupStep::DEFAULT_ORDER.to_vec(),
            metadata: Switch::On,
            metadata_with_shared_secret: false,
            cache_ttl_ms: u64::try_from(cache.time_to_live.as_millis()).unwrap_or(u64::MAX),
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            cache_organizations: cache.organizations,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            unverified_per_address: 100,
            unverified_total: 6_000,
            waiting: 600,
            call_events: 6_000,
            streams: 12_000,
        }
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            webhook_secret: None,
            shared_presets: vec![Preset::XVapiSignature, Preset::XVapiSecret],
            vapi_api_key: None,
            admin_token: None,
            master_key: None,
        }
    }
}

impl Default for QuarantineConfig {
    fn default() -> Self {
        Self { max_messages: 10_000, max_bytes: 256 * 1024 * 1024, max_age_hours: 7 * 24 }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

/// Reads a list of named things.
fn words<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let words = Vec::<String>::deserialize(deserializer)?;
    words.iter().map(|word| word.trim().parse().map_err(de::Error::custom)).collect()
}
