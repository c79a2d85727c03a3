//! Everything that an operator can set.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;

use org_resolver::LookupStep;
use serde::Deserialize;

use crate::auth::AuthSettings;
use crate::database::DatabaseSettings;
use crate::error::SettingsError;
use crate::layers;
use crate::limits::LimitsSettings;
use crate::log::LogSettings;
use crate::quarantine::QuarantineSettings;
use crate::resolver::{ResolverSettings, Switch};
use crate::retention::RetentionSettings;
use crate::section::Key;
use crate::server::ServerSettings;
use crate::vars::Vars;

/// Everything that an operator can set. See [`Settings::load`] for where it comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// Where this process runs.
    pub environment: Environment,
    /// The store.
    pub database: DatabaseSettings,
    /// The listener and its bounds.
    pub server: ServerSettings,
    /// How organizations are found.
    pub resolver: ResolverSettings,
    /// How much is let in.
    pub limits: LimitsSettings,
    /// The deployment's own secrets.
    pub auth: AuthSettings,
    /// How much is kept of messages without an organization.
    pub quarantine: QuarantineSettings,
    /// How long data is kept.
    pub retention: RetentionSettings,
    /// The log.
    pub log: LogSettings,
}

/// The sections in the order of the page, each with its keys; the one without a name is the top.
pub(crate) const SECTIONS: [(&str, &[Key]); 9] = [
    ("", &[Key { name: "environment", everyday: "" }]),
    ("database", DatabaseSettings::KEYS),
    ("server", ServerSettings::KEYS),
    ("resolver", ResolverSettings::KEYS),
    ("limits", LimitsSettings::KEYS),
    ("auth", AuthSettings::KEYS),
    ("quarantine", QuarantineSettings::KEYS),
    ("retention", RetentionSettings::KEYS),
    ("log", LogSettings::KEYS),
];

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

impl Settings {
    /// Reads the configuration in layers, the last one wins: defaults, `gateway.toml`, `.env` and `.env.local` of
    /// the directory, then `vars`.
    ///
    /// In `.env` files and in `vars`, the everyday names (`DATABASE_URL`, `PORT` and so on) and
    /// `GATEWAY__SECTION__KEY` count, and of two names for one setting in one layer the long one; an empty value is
    /// not set. Lists are separated by commas.
    ///
    /// # Errors
    /// [`SettingsError`] when a file cannot be read, a setting is unknown or malformed, or settings contradict
    /// each other.
    pub fn load(directory: &Path, vars: &dyn Vars) -> Result<Self, SettingsError> {
        let config: Self = layers::collect(directory, vars, &SECTIONS)?.try_deserialize()?;
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

    fn validated(self) -> Result<Self, SettingsError> {
        if self.environment == Environment::Production && self.auth.master_key.is_none() {
            return Err(SettingsError::Invalid(
                "production needs GATEWAY_MASTER_KEY: base64 of 32 random bytes, kept apart from the database",
            ));
        }
        if self.server.tls_cert.is_some() != self.server.tls_key.is_some() {
            return Err(SettingsError::Invalid("server.tls_cert and server.tls_key go together"));
        }
        if self.database.write_queue == 0 {
            return Err(SettingsError::Invalid("database.write_queue is at least 1"));
        }
        if self.retention.every_minutes == 0 {
            return Err(SettingsError::Invalid("retention.every_minutes is at least 1"));
        }
        if self.server.workers == Some(0) {
            return Err(SettingsError::Invalid("server.workers is at least 1"));
        }
        let least_in_flight = self.server.max_body_bytes.saturating_mul(4);
        if self.server.max_body_bytes == 0 || self.server.max_in_flight_bytes < least_in_flight {
            return Err(SettingsError::Invalid(
                "server.max_in_flight_bytes is at least four times server.max_body_bytes, which is at least 1",
            ));
        }
        if self.chain_order().is_empty() {
            return Err(SettingsError::Invalid("resolver.order names no step that is switched on"));
        }
        for url in [&self.server.backend_url, &self.server.webhook_url].into_iter().flatten() {
            if !(url.starts_with("https://") || url.starts_with("http://")) {
                return Err(SettingsError::Invalid(
                    "BACKEND_URL and WEBHOOK_URL start with https:// or http://",
                ));
            }
        }
        Ok(self)
    }
}
